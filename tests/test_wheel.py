"""The wheel is small, holds what runs and nothing that only trains, and `commedia demo` works from it alone."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from commedia.characters.bundled import TROUPE

ROOT = Path(__file__).resolve().parents[1]
LARGEST_BYTES = 14_000_000


@pytest.mark.slow
def test_the_demo_runs_from_the_wheel_in_a_clean_environment(tmp_path: Path) -> None:
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT))
    (wheel,) = tmp_path.glob("commedia-*.whl")
    assert wheel.stat().st_size <= LARGEST_BYTES
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.endswith(".safetensors")]
    assert len([name for name in names if name.endswith(".onnx")]) == 5
    assert {f"commedia/assets/characters/{name}.glb" for name in TROUPE} <= set(names)
    assert "commedia/assets/characters/LICENCE.md" in names
    assert {"commedia/assets/live/page.html", "commedia/assets/live/LICENCE.md"} <= set(names)
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    run(str(python), "-m", "pip", "install", "--quiet", f"{wheel}[demo]")
    run(str(python), "-m", "commedia.cli.main", "demo", "--output", str(tmp_path / "out"), cwd=tmp_path)
    assert list((tmp_path / "out").rglob("*.glb"))
    assert list((tmp_path / "out").rglob("*.mp4"))
    run(str(python), "-c", "import commedia, importlib.util as u; assert u.find_spec('torch') is None", cwd=tmp_path)


def run(*command: str, cwd: Path = ROOT) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
