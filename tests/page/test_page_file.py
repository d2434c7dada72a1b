"""The page that is shipped is the one that its sources make, and small."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WEB, PAGE = ROOT / "web", ROOT / "src" / "commedia" / "assets" / "live" / "page.html"
LARGEST_BYTES = 1_500_000

needs_npm = pytest.mark.skipif(
    not (shutil.which("npm") and (WEB / "node_modules" / "vite").is_dir()),
    reason="needs npm: run `make web/node_modules/.installed`",
)


def npm(*arguments: str, **environment: str) -> None:
    done = subprocess.run(
        ["npm", *arguments], cwd=WEB, env=os.environ | environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_is_one_small_file() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert PAGE.stat().st_size <= LARGEST_BYTES
    assert text.lower().startswith("<!doctype html>")
    assert "No picture leaves this machine." in text
    assert '<script type="module" ' not in text, "nothing is loaded from beside it"


@needs_npm
def test_the_page_is_what_its_sources_make(tmp_path: Path) -> None:
    npm("run", "check")
    npm("run", "build", COMMEDIA_PAGE_DIR=str(tmp_path))
    assert (tmp_path / "page.html").read_bytes() == PAGE.read_bytes(), "run `make page` and commit what it writes"
