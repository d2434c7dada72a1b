"""What the documents show works: Python blocks run, commands exist with the options they are shown with."""

import importlib
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commedia.cli.main import VERBS, main
from commedia.demo.clip import write_clip
from commedia.faces.weights import DEFAULT_MFN, shipped_weights

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(*languages: str) -> list[tuple[str, str]]:
    found = []
    for document in DOCUMENTS:
        if document.is_file():
            for number, (language, text) in enumerate(FENCE.findall(document.read_text(encoding="utf-8"))):
                if language in languages:
                    found.append((f"{document.name}:{number}", text))
    return found


def commands() -> list[str]:
    lines = "\n".join(text for _, text in blocks("bash", "sh", "console", "shell")).replace("\\\n", " ").splitlines()
    lines = [line.strip().removeprefix("$ ").split(" #")[0].strip() for line in lines]
    return [line for line in lines if line.startswith("commedia ")]


@pytest.mark.parametrize("text", [text for _, text in blocks("python")], ids=[name for name, _ in blocks("python")])
def test_python_blocks_run(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if DEFAULT_MFN not in shipped_weights():
        pytest.skip("needs the shipped weights")
    skimage = pytest.importorskip("skimage")
    portrait = Image.open(Path(skimage.__file__).parent / "data" / "astronaut.png").convert("RGB").resize((256, 256))
    portrait.save(tmp_path / "photo.jpg")
    write_clip(tmp_path / "take.mp4", [np.asarray(portrait)] * 16, 24)
    monkeypatch.chdir(tmp_path)
    exec(compile(text, "<document>", "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("line", commands())
def test_commands_exist_with_their_options(line: str, capsys: pytest.CaptureFixture[str]):
    _, verb, *arguments = shlex.split(line)
    assert verb in VERBS
    several = isinstance(importlib.import_module(VERBS[verb].module).run, dict)
    with pytest.raises(SystemExit) as left:
        main([verb, *arguments[:several], "--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    for option in [argument.split("=")[0] for argument in arguments if argument.startswith("-")]:
        assert option in shown, f"'commedia {verb}' has no option {option}"
