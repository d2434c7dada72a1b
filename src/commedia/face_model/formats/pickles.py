"""Pickles of arrays, read without running anything in them: every class a file names becomes an inert stand-in.

A pickle is a program. This reader gives it plain containers and stand-ins made anew for each file; whatever else it
asks for is refused by name. Neither numpy's nor scipy's own reconstruction sees a byte that was not checked here.
"""

import io
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from commedia.face_model.formats.source import BadFaceModel, check_size, reading

CONTAINERS = {kind.__name__: kind for kind in (dict, list, tuple, set, frozenset, complex, int, float, bool)}
SPARSE = re.compile(r"scipy\.sparse\.(_?cs[cr])$")
NUMBER = re.compile(r"[<>=|]?[fiub]\d{1,2}$")


def read_pickle(path: Path) -> dict[str, Any]:
    """Return the dictionary of a pickle, arrays as numpy arrays, sparse matrices made dense; or raise BadFaceModel."""
    with reading(path, "a pickle"):
        return unpickled(path, path.read_bytes())


def read_pickled_npy(path: Path) -> dict[str, Any]:
    """Return the dictionary that `numpy.save` wrote as an array of one object."""
    with reading(path, "npy"):
        file = io.BytesIO(path.read_bytes())
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        if not read(file)[2].hasobject:
            raise BadFaceModel(f"'{path}' holds numbers, expected a dictionary")
        return unpickled(path, file.read())


def unpickled(path: Path, data: bytes) -> dict[str, Any]:
    """Run a pickle's own opcodes only, and turn the stand-ins of its dictionary into arrays."""
    found = _Reader(path, data).load()
    if isinstance(found, _Array):
        found = found.single()
    if not isinstance(found, dict):
        raise BadFaceModel(f"'{path}' holds a {type(found).__name__}, expected a dictionary of arrays")
    return {str(name): _plain(path, str(name), value) for name, value in found.items()}


class _Type:
    """Stands in for numpy.dtype: a code and a byte order, nothing that could describe objects as numbers."""

    def __init__(self, code: object, *_: object):
        self.code = code.decode("ascii") if isinstance(code, bytes) else code

    def __setstate__(self, state: tuple) -> None:
        if isinstance(self.code, str) and state[1] in ("<", ">"):
            self.code = state[1] + self.code.lstrip("<>=|")

    def real(self) -> np.dtype:
        if not isinstance(self.code, str) or not NUMBER.match(self.code):
            raise pickle.UnpicklingError(f"arrays of {str(self.code)[:20]!r} are no numbers")
        return np.dtype(self.code)


class _Array:
    """Stands in for numpy.ndarray: keeps what the file says until it is asked for."""

    def __init__(self, *_: object):
        self.state: tuple = ()

    def __setstate__(self, state: tuple) -> None:
        self.state = state

    def real(self) -> Shaped[np.ndarray, "..."]:
        _, shape, kind, by_column, data = self.state
        raw = data.encode("latin1") if isinstance(data, str) else data
        return np.frombuffer(raw, kind.real()).reshape(shape, order="F" if by_column else "C")

    def single(self) -> object:
        """Return the only object of an array of objects."""
        objects = self.state[4]
        return objects[0] if isinstance(objects, list) and len(objects) == 1 else objects


class _Flat(_Array):
    """Stands in for what pickle protocol 5 writes instead of an array."""

    def __init__(self, data: Any, kind: Any, shape: Any, order: Any):
        self.state = (1, shape, kind, order == "F", bytes(data))


class _Sparse:
    """Stands in for a scipy matrix: its dictionary is kept, its code never runs."""

    by_column = True

    def dense(self, path: Path, name: str) -> Shaped[np.ndarray, "m n"]:
        parts = vars(self)
        rows, columns = (int(length) for length in parts["_shape" if "_shape" in parts else "shape"])
        check_size(path, name, (rows, columns))
        data, inner, starts = (parts[part].real() for part in ("data", "indices", "indptr"))
        steps = np.diff(starts)
        # Before they are multiplied out, so that a small file cannot ask for a large array.
        if min(steps.min(), inner.min(initial=0)) < 0 or not len(inner) == steps.sum() == len(data):
            raise pickle.UnpicklingError(f"{name} is no sparse matrix")
        outer = np.repeat(np.arange(len(steps)), steps)
        result = np.zeros((rows, columns), dtype=np.float64)
        np.add.at(result, (inner, outer) if self.by_column else (outer, inner), data)
        return result


# The reader in Python rather than in C: that one makes room for whatever number a file gives its memo.
class _Reader(pickle._Unpickler):
    def __init__(self, path: Path, data: bytes):
        super().__init__(io.BytesIO(data), encoding="latin1")
        self.path = path
        self.table = _table()

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "chumpy":
            raise BadFaceModel(
                f"'{self.path}' holds chumpy arrays, which only chumpy can read; where it is installed, load the file "
                "once and save numpy.array(value) of each entry with numpy.savez, then give that npz here"
            )
        if SPARSE.match(module) and name in ("csc_matrix", "csr_matrix", "csc_array", "csr_array"):
            return self.table["column" if name.startswith("csc") else "row"]
        found = self.table.get(f"{module}.{name}") or self.table.get(module if module in _BUILTINS else "", {}).get(
            name
        )
        if found is None:
            raise BadFaceModel(f"'{self.path}' asks for '{module}.{name}', expected a pickle of arrays only; not read")
        return found


_BUILTINS = ("builtins", "__builtin__")


def _table() -> dict[str, Any]:
    """Make the stand-ins of one file: a pickle can change what it is given, so nothing is given twice."""
    column, row = type("Column", (_Sparse,), {}), type("Row", (_Sparse,), {"by_column": False})
    array, kind = type("Array", (_Array,), {}), type("Type", (_Type,), {})

    def scalar(of: _Type, data: bytes | str) -> float:
        return np.frombuffer(data.encode("latin1") if isinstance(data, str) else data, of.real())[0].item()

    def made(what: type, *_: object) -> object:
        if what not in (column, row):
            raise pickle.UnpicklingError("only sparse matrices are made without their class")
        return what()

    def encoded(text: str, encoding: str = "latin1") -> bytes:
        return text.encode({"latin1": "latin1", "latin-1": "latin1"}[encoding])

    numpy_names: dict[str, Callable] = {}
    for home in ("numpy.core", "numpy._core"):
        numpy_names |= {
            f"{home}.multiarray._reconstruct": lambda *_: array(),
            f"{home}.multiarray.scalar": scalar,
            f"{home}.numeric._frombuffer": type("Flat", (_Flat,), {}),
        }
    shared = {
        "numpy.ndarray": array,
        "numpy.dtype": kind,
        "_codecs.encode": encoded,
        "collections.OrderedDict": OrderedDict,
    }
    makers = {"copy_reg._reconstructor": made, "copyreg._reconstructor": made}
    plain = CONTAINERS | {"object": object}
    return numpy_names | shared | makers | {name: plain for name in _BUILTINS} | {"column": column, "row": row}


def _plain(path: Path, name: str, value: object) -> object:
    if isinstance(value, _Array):
        kind = value.state[2]
        if isinstance(kind, _Type) and str(kind.code).startswith("O"):
            raise BadFaceModel(f"'{path}': {name} holds objects, expected numbers")
        return value.real()
    return _Sparse.dense(value, path, name) if isinstance(value, _Sparse) else value
