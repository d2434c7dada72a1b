"""Numbers out of .mat files, through scipy, which is imported only when the first one is read.

Sizes are looked at before anything is unpacked, because a small compressed file may announce gigabytes.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from commedia.data.datasets.tree import LARGEST_NUMBER, BadAnnotation
from commedia.errors import optional

_LARGEST_FILE = 64 * 2**20
_LARGEST_ARRAY = 10**6


def mat_array(path: Path, name: str, *shapes: tuple[int, int]) -> Float[np.ndarray, "r c"]:
    """Read one finite array of one of the shapes given; raises BadAnnotation."""
    io = optional("scipy.io", "reading .mat files", "train")
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise BadAnnotation(path, f"larger than {_LARGEST_FILE // 2**20} MiB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = {entry[0]: entry[1] for entry in io.whosmat(str(path))}
            if name in found and np.prod(found[name], dtype=np.float64) > _LARGEST_ARRAY:
                raise BadAnnotation(path, f"'{name}' is announced as {found[name]}")
            values = io.loadmat(str(path), variable_names=[name]).get(name)
    except BadAnnotation:
        raise
    except Exception as error:  # scipy promises no kind of error for a broken file, and raises a dozen
        raise BadAnnotation(path, f"not a MATLAB file that can be read ({type(error).__name__}: {error})") from error
    if values is None:
        raise BadAnnotation(path, f"has no '{name}'; it holds: {', '.join(sorted(found)) or 'nothing'}")
    return checked(path, name, values, *shapes)


def checked(path: Path, name: str, values: Any, *shapes: tuple[int, int]) -> Float[np.ndarray, "r c"]:
    """Make sure of shape and numbers; raises BadAnnotation."""
    array = np.asarray(values)
    if array.dtype.kind not in "iuf" or array.shape not in shapes:
        wanted = " or ".join(f"{rows} x {columns}" for rows, columns in shapes)
        raise BadAnnotation(path, f"'{name}' is {array.dtype.kind}{array.shape}, expected numbers, {wanted}")
    array = array.astype(np.float64)
    if not (np.isfinite(array) & (np.abs(array) < LARGEST_NUMBER)).all():
        raise BadAnnotation(path, f"'{name}' holds a number that cannot be")
    return array
