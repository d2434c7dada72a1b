"""What is optional is asked for in one way, and every extra that somebody is told to install exists."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from commedia.cli.main import VERBS
from commedia.errors import MissingExtra, optional
from commedia.geometry.solvers import search_tree, sparse

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = {name: {re.split(r"[<>=\[]", one)[0] for one in packages}
          for name, packages in PROJECT["optional-dependencies"].items()}  # fmt: skip


def test_every_extra_in_a_text_exists() -> None:
    texts = [*SOURCES, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "scripts").rglob("*.py")]
    named = re.compile(r"commedia\[([a-z0-9_, ]+)\]")
    lists = [(path, names) for path in texts for names in named.findall(path.read_text(encoding="utf-8"))]
    found = {(path, extra) for path, names in lists for extra in names.replace(" ", "").split(",")}
    unknown = {(path.name, extra) for path, extra in found if extra not in EXTRAS} - {("main.py", "extra")}
    assert not unknown
    assert len({extra for _, extra in found}) >= 4
    assert {verb.extra for verb in VERBS.values()} <= {"", *EXTRAS}


def test_every_extra_that_is_asked_for_brings_the_package() -> None:
    asked = []
    texts = {path: path.read_text(encoding="utf-8") for path in SOURCES}
    asking = [path for path, text in texts.items() if re.search(r"\b(MissingExtra|optional)\(", text)]
    for path in asking:
        for call in ast.walk(ast.parse(texts[path])):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                continue
            values = [part.value if isinstance(part, ast.Constant) else "" for part in call.args]
            if call.func.id == "MissingExtra" and len(values) == 3 and values[2]:
                asked.append((path.name, values[1], values[2]))
            elif call.func.id == "optional":
                module = values[0] or ast.unparse(call.args[0]).removeprefix("f'")
                asked.append((path.name, values[3] if len(values) > 3 else module.split(".")[0], values[2]))
    assert len(asked) >= 8
    for name, package, extra in asked:
        assert not package or package in EXTRAS[extra], f"{name} says that '{extra}' brings {package}"


def test_scipy_is_imported_through_one_function() -> None:
    bare = re.compile(r"^\s*(from|import) (scipy|h5py|pxr)\b", re.MULTILINE)
    assert [path.name for path in SOURCES if bare.search(path.read_text(encoding="utf-8"))] == []


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("scipy", "scipy.spatial", "scipy.sparse", "scipy.sparse.csgraph"):
        monkeypatch.setitem(sys.modules, module, None)
    for ask in (lambda: search_tree(np.zeros((1, 3))), sparse, lambda: optional("scipy.spatial", "this", "rig")):
        with pytest.raises(MissingExtra, match=r"needs the package 'scipy'.*commedia\[rig\]"):
            ask()
