"""What opens a file that reads people, by its ending."""

from collections.abc import Callable
from pathlib import Path

from commedia.errors import CommediaError
from commedia.evaluation.person_reading import PersonReader, face_by_face


def personal(name: str) -> PersonReader:
    """Open trained weights of paper 2's networks; torch is loaded only now."""
    from commedia.evaluation.personal_reader import open_personal

    return open_personal(name)


PERSON_READERS: dict[str, Callable[[str], PersonReader]] = {
    ".onnx": face_by_face,
    "": face_by_face,
    ".safetensors": personal,
}
"""The ending of a file to what opens it; names of shipped weights have none."""


def open_person_reader(name: str) -> PersonReader:
    """Open what a file holds; raises CommediaError for an ending that nobody opens."""
    suffix = Path(name).suffix
    if suffix not in PERSON_READERS:
        known = ", ".join(ending for ending in PERSON_READERS if ending)
        raise CommediaError(f"'{name}' ends in '{suffix}'; what reads people ends in {known}")
    return PERSON_READERS[suffix](name)
