"""What the page of `commedia live` is told of each moment: one binary message, little endian, in three parts.

    4 uint32    version of this layout, 1; number of the moment; how many float32 follow; how many bytes of JPEG follow
    float32     whole seconds since the first frame; part of a second; how many people; 0; then of each person
                62 numbers as in `face_messages.py`, where the person's number is a place on the stage;
                the id in the take, 0 for nobody yet; left, top, right and bottom of the box in shares of the picture;
                the number of the character; how many morph weights W; how many turned nodes R;
                W weights in the order of the rig; R local rotations x y z w in the order in which the page was told
    JPEG        the camera's picture, made smaller; none for pages that show no picture

This layout is our own. Which characters there are is said in text messages, as JSON.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from commedia.formats.face_messages import face_row
from commedia.structures import TrackedFace

VERSION = 1
HEAD = np.dtype("<u4")


@dataclass(frozen=True)
class PagePerson:
    """One person as a page draws them."""

    face: TrackedFace
    """Its id is the place on the stage."""
    person: int
    """Id in the take."""
    box: tuple[float, float, float, float]
    """Left, top, right, bottom in shares of the picture."""
    character: int
    weights: Float[np.ndarray, "m"]
    rotations: Float[np.ndarray, "r 4"]
    """Local rotations xyzw."""


def page_message(number: int, time_s: Fraction, people: Sequence[PagePerson], jpeg: bytes = b"") -> bytes:
    """One moment to a message."""
    whole = time_s.__floor__()
    rows = [np.array([whole, float(time_s - whole), len(people), 0.0]), *map(_row, people)]
    numbers = np.concatenate(rows).astype("<f4")
    return np.array([VERSION, number % 2**32, len(numbers), len(jpeg)], HEAD).tobytes() + numbers.tobytes() + jpeg


def _row(one: PagePerson) -> np.ndarray:
    where = [one.person, *one.box, one.character, len(one.weights), len(one.rotations)]
    return np.concatenate([face_row(one.face), np.array(where), one.weights, one.rotations.reshape(-1)])
