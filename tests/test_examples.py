"""Every example runs as a newcomer would run it."""

import subprocess
import sys
from pathlib import Path

import pytest

from commedia.faces.weights import DEFAULT_MFN, shipped_weights

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def portrait() -> Path:
    skimage = pytest.importorskip("skimage")
    return Path(skimage.__file__).parent / "data" / "astronaut.png"


def arguments(name: str, tmp_path: Path) -> list[str]:
    return {
        "00_hello_face.py": [str(portrait())],
        "01_character_from_video.py": [str(portrait()), str(tmp_path / "out")],
    }[name]


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_example_runs(name: str, tmp_path: Path) -> None:
    if DEFAULT_MFN not in shipped_weights():
        pytest.skip("needs the shipped weights")
    command = [sys.executable, str(EXAMPLES / name), *arguments(name, tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "1" in done.stdout
