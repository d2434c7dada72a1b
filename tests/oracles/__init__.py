"""Outside judges, when they are installed: the Khronos validator, three.js in Chromium, the reference decoder."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent
NODE_MODULES = ROOT / "node_modules"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in BROWSERS if (found := shutil.which(name))), "")


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


def validated(*paths: Path) -> list[dict]:
    """What the Khronos validator says of each file: numbers of issues by severity, and messages."""
    command = ["node", FOLDER / "validate_gltf.cjs", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line)["issues"] for line in done.stdout.splitlines()]
