"""The door for face models that users bring: told by content, not by name, checked, and read as our own model."""

from collections.abc import Callable
from pathlib import Path

from commedia.errors import UnknownName
from commedia.face_model.formats import bfm2009, bfm2017, facescape, facewarehouse, flame, ict
from commedia.face_model.formats.archives import mat_headers, npz_headers
from commedia.face_model.formats.source import BadFaceModel, Options, SourceModel, reading

READERS: dict[str, Callable[[Path, Options], SourceModel]] = {
    facewarehouse.KIND: facewarehouse.read_facewarehouse,
    facescape.KIND: facescape.read_facescape,
    bfm2009.KIND: bfm2009.read_bfm2009,
    bfm2017.KIND: bfm2017.read_bfm2017,
    flame.KIND: flame.read_flame,
    ict.KIND: ict.read_ict,
}
"""A new source is a file in this folder and a line here."""


def load_model(
    path: Path | str,
    *,
    kind: str | None = None,
    axes: str | None = None,
    metres_per_unit: float | None = None,
    blendshapes: Path | None = None,
) -> SourceModel:
    """Read somebody else's face model, in metres and in the axes of the head frame.

    A folder is FaceWarehouse's or ICT-FaceKit's. `kind` is one of `READERS`, told from the content when left out;
    `axes` orders those of a FaceWarehouse core where the file leaves a choice, `vie` as in the paper; `metres_per_unit`
    is the file's unit, where the reader's own idea is wrong; `blendshapes` are FaceWarehouse's for BFM 2009's front
    model (`mean_delta_blendshape.npy` of CPEM's authors). Raises UnknownName for a kind, BadFaceModel for what is
    not readable or not a head by its size, MissingExtra where MATLAB files lack scipy or HDF5 files h5py.
    """
    path = Path(path)
    if kind is not None and kind not in READERS:
        raise UnknownName("face model", kind, READERS)
    if not path.exists():
        raise BadFaceModel(f"'{path}' does not exist")
    if metres_per_unit is not None and not 0 < metres_per_unit < float("inf"):
        raise BadFaceModel(f"metres_per_unit is {metres_per_unit}, expected a length above 0")
    if blendshapes is not None and not blendshapes.is_file():
        raise BadFaceModel(f"'{blendshapes}' does not exist")
    kind = kind or detect_kind(path)
    if blendshapes is not None and kind != bfm2009.KIND:
        raise BadFaceModel(f"'{path}' is {kind}; blendshapes of their own file go with {bfm2009.KIND} only")
    return READERS[kind](path, Options(axes, metres_per_unit, blendshapes))


def detect_kind(path: Path) -> str:
    """Say which of `READERS` a file or folder is for, from what it holds."""
    found = _kind_of_folder(path) if path.is_dir() else _kind_of_file(path)
    if found is None:
        raise BadFaceModel(f"'{path}' is no face model that is known here; known: {', '.join(READERS)}")
    return found


def _kind_of_folder(path: Path) -> str | None:
    if any((place / ict.NEUTRAL).is_file() for place in (path, path / "FaceXModel")):
        return ict.KIND
    with reading(path, "a folder"):
        people = any(facewarehouse.TESTER.match(entry.name) for entry in path.iterdir())
    return facewarehouse.KIND if people or (path / "Blendshape" / "shape.bs").is_file() else None


def _kind_of_file(path: Path) -> str | None:
    with reading(path, "a face model"), path.open("rb") as file:
        start = file.read(1024)
    if start.startswith(b"\x89HDF"):
        return bfm2017.KIND
    if start.startswith(b"MATLAB 7.3"):
        raise BadFaceModel(f"'{path}' is a MATLAB 7.3 file, expected an older one; save it again with -v7")
    if start.startswith(b"MATLAB"):
        return _kind_of_names(set(mat_headers(path)))
    if start.startswith(b"PK"):
        return _kind_of_names(set(npz_headers(path)))
    if start.startswith(b"\x93NUMPY") or path.name.endswith(".bs"):
        return facewarehouse.KIND
    # Protocol 2 and later begin with this byte; protocol 0, of Python 2, with a bracket.
    return flame.KIND if start[:1] == b"\x80" or (start[:1] in (b"(", b"c") and path.suffix == ".pkl") else None


def _kind_of_names(names: set[str]) -> str:
    """Tell archives apart by their arrays; one that nobody's names fit can only be a core."""
    if "shape_bm_core" in names:
        return facescape.KIND
    if "v_template" in names:
        return flame.KIND
    return bfm2009.KIND if {"shapeMU", "meanshape"} & names else facewarehouse.KIND
