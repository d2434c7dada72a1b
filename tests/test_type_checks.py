"""The judge of types judges: what fits passes, and what is of another kind, number type or size is refused."""

import sys
from types import ModuleType

import numpy as np
import pytest
from type_checks import check_types_of

from commedia.structures import Box

PROGRAM = """
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Cloud:
    points: Float[np.ndarray, "n 3"]
    weights: Float[np.ndarray, "n"]
    name: str = ""

    @cached_property
    def count(self) -> int:
        return len(self.points) if self.name != "lies" else "many"

    def nearer(self, other: "Cloud") -> "Cloud":
        return other


def added(a: Float[np.ndarray, "n"], b: Float[np.ndarray, "n"], longer: int = 0) -> Float[np.ndarray, "n"]:
    return np.concatenate([a + b[0], np.zeros(longer)])


def square(size: int, other: int) -> Float[np.ndarray, "{size} {size}"]:
    return np.zeros((size, other))


def counter():
    def local(values: Float[np.ndarray, "2"]) -> int:
        return len(values)

    return local
"""
ONE, TWO = np.zeros(1), np.zeros(2)
WRONG = {
    "kind": lambda at: at.square("3", 3),
    "number type": lambda at: at.added(TWO.astype(int), TWO),
    "size": lambda at: at.Cloud(np.zeros((2, 2)), TWO),
    "one name, two sizes": lambda at: at.added(TWO, ONE),
    "one name, two sizes, in a dataclass": lambda at: at.Cloud(np.zeros((2, 3)), ONE),
    "size of what comes out": lambda at: at.added(TWO, TWO, 1),
    "size that an argument tells": lambda at: at.square(2, 3),
    "kind of what comes out": lambda at: at.Cloud(np.zeros((2, 3)), TWO, "lies").count,
    "the class's own name": lambda at: at.Cloud(np.zeros((2, 3)), TWO).nearer(at),
    "a field": lambda at: at.Cloud(np.zeros((2, 3)), TWO, 7),
    "a local function": lambda at: at.counter()(ONE),
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    folder, paths, finders = tmp_path_factory.mktemp("program"), list(sys.path), list(sys.meta_path)
    (folder / "a_checked_program.py").write_text(PROGRAM)
    sys.path.insert(0, str(folder))
    check_types_of("a_checked_program")
    import a_checked_program

    sys.path[:], sys.meta_path[:] = paths, finders
    return a_checked_program


def test_what_fits_passes(program: ModuleType) -> None:
    cloud = program.Cloud(np.zeros((2, 3)), TWO)
    assert cloud.nearer(cloud).count == 2
    assert program.added(TWO, TWO).shape == (2,)
    assert program.square(3, 3).shape == (3, 3)
    assert program.counter()(TWO) == 2


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_is_refused(wrong: str, program: ModuleType) -> None:
    with pytest.raises(TypeError, match="violates type hint"):
        WRONG[wrong](program)


def test_the_program_is_checked() -> None:
    with pytest.raises(TypeError, match="violates type hint"):
        Box("left", 0.0, 1.0, 1.0)
    with pytest.raises(AssertionError, match="imported before"):
        check_types_of("commedia")
