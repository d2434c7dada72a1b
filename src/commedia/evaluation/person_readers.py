"""What opens a file that reads people, by its ending."""

from collections.abc import Callable
from pathlib import Path

from commedia.errors import CommediaError
from commedia.evaluation.person_reading import PersonReader, face_by_face, identified


def personal(name: str) -> PersonReader:
    """Open trained weights of paper 2's networks; torch is loaded only now."""
    from commedia.evaluation.personal_reader import open_personal

    return open_personal(name)


def fitted(name: str) -> PersonReader:
    """Open the network before the ending, whose reading is fitted to the pictures as a line of Table 1 says."""
    from commedia.evaluation.fitted_reader import fitted_reader

    return fitted_reader(face_by_face(_network(name)), Path(name).suffix.removeprefix(FITTED))


def by_points(name: str) -> PersonReader:
    """The same, fitted to true points that are so many millimetres off."""
    from commedia.evaluation.fitted_reader import PointsFitter

    return PointsFitter(face_by_face(_network(name)), float(Path(name).suffix.removeprefix(BY_POINTS)))


def with_identity(name: str) -> PersonReader:
    """Open the network before the ending, beside the identity network, which says who it is."""
    return identified(_network(name))


def _network(name: str) -> str:
    return name.removesuffix(Path(name).suffix)


FITTED, BY_POINTS, IDENTIFIED = ".fit-", ".points-", ".identity"
FITTED_LINES, OFF_MM = ("prior", "points", "blendshapes", "albedo", "parsing", "final"), (0, 1, 2, 3, 4)
PERSON_READERS: dict[str, Callable[[str], PersonReader]] = {
    ".onnx": face_by_face,
    "": face_by_face,
    ".safetensors": personal,
    IDENTIFIED: with_identity,
    **{f"{FITTED}{line}": fitted for line in FITTED_LINES},
    **{f"{BY_POINTS}{off}": by_points for off in OFF_MM},
}
"""The ending of a file to what opens it; names of shipped weights have none. `sfn-desktop.fit-prior` is a
network whose reading is fitted."""


def open_person_reader(name: str) -> PersonReader:
    """Open what a file holds; raises CommediaError for an ending that nobody opens."""
    suffix = Path(name).suffix
    if suffix not in PERSON_READERS:
        known = ", ".join(ending for ending in PERSON_READERS if ending)
        raise CommediaError(f"'{name}' ends in '{suffix}'; what reads people ends in {known}")
    return PERSON_READERS[suffix](name)
