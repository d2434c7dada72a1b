"""Arrays of npy, npz, MATLAB and OBJ files. Headers are judged before anything is allocated; no pickle is ever run."""

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int32, Shaped

from commedia.errors import optional
from commedia.face_model.formats.source import BadFaceModel, check_size, reading
from commedia.geometry.wavefront import read_obj

Header = tuple[tuple[int, ...], np.dtype]


def npz_headers(path: Path) -> dict[str, Header]:
    """Return shape and type of each array of an npz file."""
    with reading(path, "npz"), zipfile.ZipFile(path) as archive:
        found = {}
        for name in archive.namelist():
            if name.endswith(".npy"):
                with archive.open(name) as file:
                    found[name.removesuffix(".npy")] = _header(file)
        return found


def npz_arrays(
    path: Path, names: Iterable[str], *, optional: Iterable[str] = ()
) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Read the named arrays; others, among them pickled ones, stay unread."""
    headers = npz_headers(path)
    required = list(names)
    _require(path, headers, required)
    chosen = required + [name for name in optional if name in headers and not headers[name][1].hasobject]
    for name in chosen:
        _check(path, name, headers[name])
    with reading(path, "npz"), zipfile.ZipFile(path) as archive:
        return {name: _array(archive, name) for name in chosen}


def npy_array(path: Path) -> Shaped[np.ndarray, "..."]:
    """Read an npy file of numbers."""
    with reading(path, "npy"), path.open("rb") as file:
        _check(path, "the array", _header(file))
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)


def mat_headers(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the numeric variables of a MATLAB file of version 5 to 7."""
    loader = _scipy_io()
    with reading(path, "a MATLAB file"):
        kinds = ("double", "single", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
        return {name: tuple(shape) for name, shape, kind in loader.whosmat(path) if kind in kinds}


def mat_arrays(
    path: Path, names: Iterable[str], *, optional: Iterable[str] = ()
) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Read the named variables of a MATLAB file; whatever else it holds stays unread."""
    headers = mat_headers(path)
    required = list(names)
    _require(path, headers, required)
    chosen = required + [name for name in optional if name in headers]
    for name in chosen:
        check_size(path, name, headers[name])
    with reading(path, "a MATLAB file"):
        found = _scipy_io().loadmat(path, variable_names=chosen)
        return {name: np.asarray(found[name]) for name in chosen}


def read_positions(path: Path) -> Float32[np.ndarray, "v 3"]:
    """Return the vertices in the file's unit and order; its faces are not looked at."""
    with reading(path, "an OBJ file"):
        return read_obj(path, BadFaceModel, faces=False).positions.astype(np.float32)


def read_surface(path: Path) -> tuple[Float32[np.ndarray, "v 3"], Int32[np.ndarray, "t 3"]]:
    """Return the vertices and the faces, split into triangles around each face's first corner."""
    with reading(path, "an OBJ file"):
        found = read_obj(path, BadFaceModel)
        return found.positions.astype(np.float32), found.triangles()


def _scipy_io() -> Any:
    return optional("scipy.io", "reading MATLAB files", "train")


def _require(path: Path, found: Iterable[str], required: Iterable[str]) -> None:
    missing = [name for name in required if name not in found]
    if missing:
        raise BadFaceModel(f"'{path}' has no {', '.join(missing)}; it has {', '.join(sorted(found)[:12]) or 'nothing'}")


def _check(path: Path, name: str, header: Header) -> None:
    shape, kind = header
    if kind.hasobject:
        raise BadFaceModel(f"'{path}': {name} holds pickled objects, expected plain numbers")
    check_size(path, name, shape)


def _header(file: Any) -> Header:
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    shape, _, kind = read(file)
    return shape, kind


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(f"{name}.npy") as file:
        return np.lib.format.read_array(file, allow_pickle=False)
