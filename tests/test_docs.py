"""What the documents show works: Python blocks run, command lines are parsed, what they name exists."""

import argparse
import ast
import contextlib
import functools
import importlib
import io
import re
import runpy
import shlex
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tyro
from PIL import Image
from test_layers import ALLOWED, BESIDE_THE_WALL

from commedia.cli import main as cli
from commedia.demo.clip import write_clip
from commedia.faces.weights import DEFAULT_MFN, shipped_weights

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "THIRD_PARTY.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
PROGRAMS = [path for folder in ("scripts", "benchmarks", "examples") for path in sorted((ROOT / folder).rglob("*.py"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHELLS = ("bash", "sh", "console", "shell")
TABLES = {
    "commedia.outputs.people": "FORMATS",
    "commedia.networks.registry": "NETWORKS",
    "commedia.training.recipes": "RECIPES",
    "commedia.data.datasets.table": "DATASETS",
    "commedia.face_model.formats.load": "READERS",
    "commedia.cli.main": "VERBS",
}
"""Those that docs/architecture.md sends a reader to."""


class Parsed(Exception):
    """A program has understood its command line, and would now begin."""


@functools.cache
def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8")


@functools.cache
def docstring_of(program: Path) -> str:
    return ast.get_docstring(ast.parse(text_of(program))) or ""


def fences(document: Path, *languages: str) -> list[str]:
    return [text for language, text in FENCE.findall(text_of(document)) if language in languages]


def python_blocks() -> list:
    named = [(f"{path.name}:{n}", text) for path in DOCUMENTS for n, text in enumerate(fences(path, "python"))]
    return [pytest.param(text, id=name) for name, text in named]


def shown_lines(text: str) -> list[str]:
    """Lines of a shell block, each whole and without its comment."""
    lines = text.replace("\\\n", " ").splitlines()
    return [line.strip().removeprefix("$ ").split(" #")[0].strip() for line in lines]


def commands(begin: str) -> list[str]:
    """Whole command lines that begin so: of shell blocks and indented lines of documents, and of programs' docstrings.

    Brackets around what may be left out are taken away: a line has to hold with all of it.
    """
    lines = [line for path in DOCUMENTS for text in fences(path, *SHELLS) for line in shown_lines(text)]
    for path in DOCUMENTS:
        lines += [line for line in shown_lines(FENCE.sub("", text_of(path))) if re.match(begin, line)]
    for path in PROGRAMS:
        said = re.sub(r"`[^`]*`", "", docstring_of(path))
        lines += [line[line.index("python ") :] for line in shown_lines(said) if "python " in line]
    return sorted({line.replace("[", "").replace("]", "") for line in lines if re.match(begin, line)})


def mentions(begin: str) -> list[str]:
    """The same inside of sentences, where what is not the point is left out."""
    texts = [text_of(path) for path in DOCUMENTS]
    texts += [docstring_of(path) for path in PROGRAMS]
    inline = [line for text in texts for line in re.findall(r"`([^`\n]+)`", FENCE.sub("", text))]
    return sorted({line for line in inline if re.match(begin, line)})


@pytest.fixture
def tables_as_before() -> Iterator[None]:
    """What a block adds to a table is taken out again."""
    tables = [getattr(importlib.import_module(module), name) for module, name in TABLES.items()]
    before = [dict(table) for table in tables]
    yield
    for table, rows in zip(tables, before, strict=True):
        table.clear()
        table.update(rows)


@pytest.mark.usefixtures("tables_as_before")
@pytest.mark.parametrize("text", python_blocks())
def test_python_blocks_run(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if DEFAULT_MFN not in shipped_weights():
        pytest.skip("needs the shipped weights")
    skimage = pytest.importorskip("skimage")
    portrait = Image.open(Path(skimage.__file__).parent / "data" / "astronaut.png").convert("RGB").resize((256, 256))
    portrait.save(tmp_path / "photo.jpg")
    write_clip(tmp_path / "take.mp4", [np.asarray(portrait)] * 16, 24)
    monkeypatch.chdir(tmp_path)
    exec(compile(text, "<document>", "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("line", commands("commedia "))
def test_command_lines_are_understood(line: str, monkeypatch: pytest.MonkeyPatch):
    """The whole line goes through the real command line, which stops where the work would begin."""
    find = cli._imported

    def stopped(action):
        return functools.wraps(action)(lambda *arguments, **named: 0)

    def instead(verb: str):
        action = find(verb)
        return {name: stopped(one) for name, one in action.items()} if isinstance(action, dict) else stopped(action)

    monkeypatch.setattr(cli, "_imported", instead)
    assert cli.main(shlex.split(line)[1:]) == 0


@functools.cache
def help_of(verb: str, *subcommand: str) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as shown, pytest.raises(SystemExit) as left:
        cli.main([verb, *subcommand, "--help"])
    assert left.value.code == 0
    return shown.getvalue()


@pytest.mark.parametrize("line", mentions("commedia "))
def test_commands_in_sentences_exist_with_their_options(line: str):
    _, verb, *arguments = line.split()
    if verb == "VERB":
        return
    assert verb in cli.VERBS
    several = isinstance(cli._imported(verb), dict)
    shown = help_of(verb, *arguments[:several])
    for option in [argument.split("=")[0] for argument in arguments if argument.startswith("-")]:
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", shown), f"'commedia {verb}' has no {option}"


@pytest.mark.parametrize("line", commands(r"(\w+=\S+ |taskset -c \d )*python (scripts|benchmarks|examples)/"))
def test_programs_understand_their_command_lines(line: str, monkeypatch: pytest.MonkeyPatch):
    _, name, *arguments = shlex.split(line[line.index("python ") :])
    path = ROOT / name
    assert path.exists(), f"there is no {name}"
    path = path / "__main__.py" if path.is_dir() else path
    if not re.search(r"argparse\.ArgumentParser|tyro\.cli", text_of(path)):
        return  # Reads sys.argv by place, or takes nothing.

    def stopping(understand):
        def stopped(*given, **named):
            understand(*given, **named)
            raise Parsed

        return stopped

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stopping(argparse.ArgumentParser.parse_args))
    monkeypatch.setattr(tyro, "cli", stopping(tyro.cli))
    monkeypatch.setattr(sys, "argv", [str(path), *arguments])
    monkeypatch.syspath_prepend(str(path.parent))
    with pytest.raises(Parsed):
        runpy.run_path(str(path), run_name="__main__")


def test_programs_tests_and_targets_in_sentences_exist():
    makefile = text_of(ROOT / "Makefile")
    for line in mentions(r"(scripts|benchmarks|examples|tests|src)/|python |make "):
        if line.startswith("make "):
            assert re.search(rf"^{line.split()[1]}:", makefile, re.MULTILINE), f"the Makefile has no target of `{line}`"
        else:
            for name in re.findall(r"(?:scripts|benchmarks|examples|tests|src)/[\w/.]+", line):
                assert (ROOT / name).exists(), f"`{line}`: there is no {name}"


def test_links_lead_somewhere():
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text_of(document)):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize(("module", "table"), TABLES.items())
def test_the_tables_that_the_architecture_names_are_there(module: str, table: str):
    assert getattr(importlib.import_module(module), table)
    shown = f"`{'/'.join(module.split('.')[1:])}.py`: `{table}`"
    assert shown in text_of(ROOT / "docs" / "architecture.md"), f"docs/architecture.md does not say {shown}"


def test_the_drawing_shows_who_imports_whom():
    """Every folder has a box, and imports boxes below it, or left of it in its row; nothing crosses the wall."""
    drawn = ElementTree.parse(ROOT / "docs" / "architecture.svg").iter("{http://www.w3.org/2000/svg}rect")
    places = {box.get("id"): (float(box.get("x", 0)), float(box.get("y", 0))) for box in drawn if box.get("id")}
    wall_px = places.pop("wall")[0]
    assert places.keys() == ALLOWED.keys()
    for layer, imports in ALLOWED.items():
        (x, y), beyond = places[layer], layer in BESIDE_THE_WALL
        assert (x > wall_px) == beyond, f"{layer} is on the wrong side of the wall"
        for other in imports.split() if layer != "cli" else ():
            other_x, other_y = places[other]
            assert other_x < wall_px or beyond, f"{layer} imports {other}, which is beyond the wall"
            if (other_x > wall_px) == beyond:
                assert other_y > y or (other_y == y and other_x < x), f"{layer} imports {other}, drawn above it"


def test_every_folder_is_said():
    page = text_of(ROOT / "docs" / "architecture.md")
    for layer in ALLOWED:
        assert re.search(rf"`{layer}(\.py|/)?`", page), f"docs/architecture.md says nothing of {layer}"
