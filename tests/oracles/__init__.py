"""Outside judges, when they are installed: Khronos' validator, three.js in Chromium, Blender, the reference decoder."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent
NODE_MODULES = ROOT / "node_modules"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in BROWSERS if (found := shutil.which(name))), "")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
BLENDER = CACHE / "commedia/blender/bin/python"
"""A Python that has Blender as a module, in an environment of its own that `make blender` makes."""


def _installed(package: str) -> bool:
    return shutil.which("node") is not None and (NODE_MODULES / package / "package.json").is_file()


needs_node = pytest.mark.skipif(not _installed("three"), reason="needs node and three: run `npm install`")
needs_validator = pytest.mark.skipif(
    not _installed("gltf-validator"), reason="needs node and gltf-validator: run `npm install`"
)
needs_chromium = pytest.mark.skipif(
    not (CHROMIUM and _installed("three") and _installed("playwright-core")),
    reason="needs Chromium, node, three and playwright-core: run `npm install` and `make chromium`",
)
needs_blender = pytest.mark.skipif(
    not (BLENDER.parents[1] / ".installed").is_file(), reason="needs Blender as a Python module: run `make blender`"
)


def validated(*paths: Path) -> list[dict]:
    """What the Khronos validator says of each file: numbers of issues by severity, and messages."""
    command = ["node", FOLDER / "validate_gltf.cjs", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line)["issues"] for line in done.stdout.splitlines()]


def played_in_blender(
    kind: str, path: Path, frames: Sequence[float], folder: Path, *, fps: int = 30, fps_base: float = 1.0
) -> dict:
    """What Blender shows of a file at frames of a scene; see `play_in_blender.py`."""
    job, result = folder / "job.json", folder / "result.json"
    asked = {"kind": kind, "path": str(path), "fps": fps, "fps_base": fps_base, "frames": list(frames)}
    job.write_text(json.dumps(asked))
    command = [BLENDER, FOLDER / "play_in_blender.py", job, result]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(result.read_text())
