"""Loops as machine code, where numba is installed; elsewhere plain numpy does the same, slower.

Compiled at the first use, for this processor, and kept on disk for the next process: beside the file of the loop, or in
the user's cache folder where that cannot be written. Only the cache is lost where neither can.
"""

from collections.abc import Callable
from functools import lru_cache
from inspect import unwrap
from typing import Any


@lru_cache(maxsize=1)
def numba_here() -> Any:
    """The module `numba`; None without one that works here."""
    try:
        import numba  # here, because it takes a third of a second that who draws nothing need not wait
    except (ImportError, OSError):  # not there, older than this numpy, or without its LLVM
        return None
    return numba


def compiled(loop: Callable[..., Any], signature: str, *, fused: bool = False) -> Callable[..., Any] | None:
    """A loop in plain Python, with numba's signature, to machine code that holds no lock; None without numba.

    Compiled code checks no index and divides by zero like numpy: whoever calls gives arrays that fit. `fused` lets a
    product be added without being rounded first, which is quicker, and no longer numpy's last bit.
    """
    if (numba := numba_here()) is None:
        return None
    # Unwrapped, because tests check the types of all functions and numba compiles no such check.
    settings = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"} if fused else False}
    try:
        return numba.njit(signature, cache=True, **settings)(unwrap(loop))
    except Exception:  # no folder to write to, a full disk, a torn file: whatever it is, only the cache is at fault
        return numba.njit(signature, **settings)(unwrap(loop))
