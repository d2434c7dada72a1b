"""Outside judges, when they are installed: the Khronos validator, three.js in Chromium, the reference decoder."""

import shutil
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
