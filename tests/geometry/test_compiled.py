"""Loops compile where numba works, with or without a place for its cache, and their absence is said by None."""

import sys

import numpy as np
import pytest

from commedia.geometry import compiled as compiling
from commedia.geometry import meshes
from commedia.geometry.compiled import compiled
from commedia.geometry.meshes import smooth_normals, weld

numba = pytest.importorskip("numba", reason="numba is not installed, so nothing is compiled")


def add_up(values, total):
    for value in values:
        total[0] += value


def sum_by(loop) -> float:
    total = np.zeros(1)
    loop(np.arange(5.0), total)
    return total[0]


def test_without_a_place_for_its_cache_a_loop_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    plain_njit, asked = numba.njit, []
    sum_by(plain_njit(add_up))  # numba's own loops, which it makes at the first use, are not asked about

    def no_folder(signature: str, *, cache: bool = False, **settings: object):
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return plain_njit(signature, **settings)

    monkeypatch.setattr(numba, "njit", no_folder)
    loop = compiled(add_up, "void(float64[::1], float64[::1])")
    assert asked == [True, False]
    assert sum_by(loop) == 10


@pytest.mark.parametrize("broken", [ImportError, OSError])
def test_without_numba_there_is_no_loop(monkeypatch: pytest.MonkeyPatch, broken: type[Exception]) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.setattr(compiling, "numba_here", compiling.numba_here.__wrapped__)
    assert compiled(add_up, "void(float64[::1], float64[::1])") is None


def test_normals_are_the_same_bits_compiled_and_in_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    positions = rng.normal(size=(400, 3)).astype(np.float32)
    positions[300:] = positions[:100]
    triangles = rng.integers(0, 400, (900, 3)).astype(np.int32)
    found = [smooth_normals(positions, triangles, places) for places in (None, weld(positions))]
    assert np.abs(found[0] - found[1]).max() > 0.1
    monkeypatch.setattr(meshes, "_compiled_normals", lambda: None)
    oracle = [smooth_normals(positions, triangles, places) for places in (None, weld(positions))]
    np.testing.assert_array_equal(found, oracle)


def test_a_corner_that_does_not_exist_is_an_error_and_no_crash() -> None:
    with pytest.raises(IndexError):
        smooth_normals(np.zeros((3, 3), np.float32), np.array([[0, 1, 3]], np.int32))
