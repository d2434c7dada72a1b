"""Imports point one way, and the live path does without torch: two walls that nothing else would notice falling."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "commedia"

ALLOWED: dict[str, str] = {
    "errors": "",
    "conventions": "",
    "structures": "",
    "files": "errors",
    "geometry": "errors conventions structures",
    "face_model": "errors conventions structures files geometry",
    "render": "geometry",
    "formats": "errors conventions structures files geometry face_model",
    "sources": "errors conventions structures geometry formats",
    "faces": "errors conventions structures geometry face_model",
    "tracking": "errors conventions structures geometry face_model faces",
    "characters": "errors conventions structures geometry face_model render",
    "looks": "conventions structures geometry face_model render characters",
    "retarget": "errors conventions structures geometry face_model characters looks",
    "outputs": "errors conventions structures files geometry face_model render formats sources characters retarget",
    "pipeline": "structures face_model sources tracking retarget outputs",
    "calibration": "face_model pipeline tracking",
    "folder": "errors face_model sources tracking retarget outputs pipeline",
    "rigging": "errors conventions structures files geometry face_model render faces characters retarget outputs",
    "networks": "errors conventions files",
    "losses": "conventions networks render",
    "data": "errors conventions structures files geometry face_model sources",
    "synthetic": "errors conventions structures geometry face_model render characters data",
    "labelling": "errors conventions structures files geometry face_model sources faces data",
    "training": "errors conventions files geometry face_model render faces networks losses data synthetic",
    "personal": "errors conventions structures files geometry face_model render sources faces tracking characters "
    "looks losses outputs",
    "evaluation": "errors conventions structures files geometry face_model sources faces tracking characters looks "
    "retarget outputs rigging networks data synthetic labelling training demo personal",
    "demo": "errors conventions structures geometry face_model render formats sources characters",
    "cli": "errors face_model formats sources faces tracking characters retarget outputs pipeline calibration folder "
    "rigging networks data labelling training evaluation demo personal",
}
"""What each folder (or file) of the package may import besides itself. The package itself only re-exports."""

BESIDE_THE_WALL = ("networks", "losses", "data", "synthetic", "training", "labelling", "evaluation", "personal")
"""Folders where torch is allowed; of the others only the files named here."""
TORCH_FILES = frozenset(
    (
        "face_model/chart_layer.py",
        "face_model/layer.py",
        "render/face_picture.py",
        "render/project.py",
        "render/rasterize.py",
        "render/shade.py",
    )
)
HEAVY = (
    "torch",
    "pxr",
    "mediapipe",
    "matplotlib",
    "skimage",
    "scipy",
    "onnx",
    "lightning",
    "lightning_fabric",
    "numba",
)
"""None of these may be loaded by the live path."""


def files() -> list[Path]:
    return sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def layer_of(path: Path) -> str:
    # `python -m commedia` is the command line.
    return "cli" if path == Path("__main__.py") else path.parts[0].removesuffix(".py")


def module_of(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(("commedia", *(parts[:-1] if parts[-1] == "__init__" else parts)))


class Import(NamedTuple):
    module: str
    name: str
    """What is imported from the module, which may be a module itself; empty for the whole."""
    names_types_only: bool


@cache
def imports_of(path: Path) -> tuple[Import, ...]:
    """All that a file imports, wherever in it."""
    return tuple(imports_in(ast.parse((PACKAGE / path).read_text(encoding="utf-8")), types_only=False))


def imports_in(node: ast.AST, *, types_only: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, "", types_only) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "an import is relative"
        yield from (Import(node.module or "", alias.name, types_only) for alias in node.names)
    elif not isinstance(node, ast.expr):
        within = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for child in ast.iter_child_nodes(node):
            yield from imports_in(child, types_only=types_only or within)


def imported_layers(path: Path) -> set[str]:
    parts = [one.module.split(".") for one in imports_of(path)]
    return {names[1] for names in parts if names[0] == "commedia" and len(names) > 1}


def test_imports_point_upwards():
    inner = [path for path in files() if path != Path("__init__.py")]
    assert {layer_of(path) for path in inner} <= ALLOWED.keys(), "a folder is in no row; add it to ALLOWED"
    asked = {path: imported_layers(path) - {layer_of(path), *ALLOWED[layer_of(path)].split()} for path in inner}
    too_much = {path.as_posix(): layers for path, layers in asked.items() if layers}
    assert not too_much, "these files import what their folders may not"


def imported_modules(path: Path, known: frozenset[str]) -> set[str]:
    """Modules of the package that a file imports, but for those that only name types."""
    used = [one for one in imports_of(path) if not one.names_types_only]
    inner = (f"{one.module}.{one.name}" for one in used)
    return {whole if whole in known else one.module for one, whole in zip(used, inner, strict=True)} & known


def test_no_module_takes_part_in_an_import_circle():
    known = frozenset(module_of(path) for path in files())
    left = {module_of(path): imported_modules(path, known) - {module_of(path)} for path in files()}
    # Whoever imports nobody that is left is in no circle; what can never be taken away imports itself in the end.
    while free := {module for module, imports in left.items() if not imports & left.keys()}:
        left = {module: imports for module, imports in left.items() if module not in free}
    assert not left, f"these import each other, or import those that do: {sorted(left)}"


def test_the_live_path_loads_nothing_heavy():
    free = [path for path in files() if layer_of(path) not in BESIDE_THE_WALL and path.as_posix() not in TORCH_FILES]
    verbs = ("personalize.py", "label.py", "train.py", "export.py", "evaluate.py")
    modules = [module_of(path) for path in free if not (layer_of(path) == "cli" and path.name in verbs)]
    assert "commedia.pipeline" in modules
    assert "commedia.cli.retarget" in modules
    # All in one process: starting one per module would take a minute.
    program = "\n".join(
        [
            "import importlib, sys",
            f"for name in {modules!r}:",
            "    importlib.import_module(name)",
            f"    loaded = [heavy for heavy in {HEAVY!r} if heavy in sys.modules]",
            "    assert not loaded, f'{name} loads {loaded}'",
        ]
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_package_itself_is_light():
    program = (
        "import sys, commedia; print([m for m in ('torch', 'cv2', 'av', 'onnxruntime', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
