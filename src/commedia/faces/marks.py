"""Where people mark the 68 points, told from the numbers that a network says of a face.

Nobody marks quite the points of the head: brows are marked higher, jaws on their outline. And each network has its own
way to say who somebody is: most say of a wide jaw that it is less wide. What both together come to is fitted once, by
`scripts/fit_marks.py`, and kept in the network's file.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT, LANDMARK_COUNT
from commedia.errors import WeightsMismatch

MARKS = "marks"
"""Under this name in a file's metadata."""
STEP_M = 1e-5
"""What a whole number counts there."""
_ROWS = 1 + IDENTITY_COUNT + EXPRESSION_COUNT


@dataclass(frozen=True, eq=False)
class Marks:
    """How far from the head's own points marks are, in metres of the head frame; compared by identity, as heads are."""

    rest: Float[np.ndarray, "68 3"]
    """Of the mean head at rest."""
    identity: Float[np.ndarray, "i 68 3"]
    """More of it for each standard deviation of identity."""
    expression: Float[np.ndarray, "e 68 3"]
    """More of it for each blendshape at weight 1."""

    @property
    def rows(self) -> Float[np.ndarray, "n 204"]:
        """Everything, one row per number: 1, identity, expression."""
        return np.concatenate([self.rest[None], self.identity, self.expression]).reshape(-1, 3 * LANDMARK_COUNT)


def marks_from_rows(rows: Float[np.ndarray, "n *c"]) -> Marks:
    """Take apart what `Marks.rows` puts together, with one axis for all points or two."""
    table = rows.astype(np.float32).reshape(_ROWS, LANDMARK_COUNT, 3)
    return Marks(table[0], table[1 : 1 + IDENTITY_COUNT], table[1 + IDENTITY_COUNT :])


def marks_to_text(marks: Marks) -> str:
    """Write marks for a network's metadata: a list of whole numbers, each of `STEP_M`."""
    return json.dumps(np.rint(marks.rows / STEP_M).astype(int).flatten().tolist(), separators=(",", ":"))


def marks_of(file_name: str, metadata: dict[str, str]) -> Marks | None:
    """Read the marks of a network's metadata; None where it has none."""
    if not metadata.get(MARKS):
        return None
    try:
        numbers: Any = json.loads(metadata[MARKS])
        return marks_from_rows(STEP_M * np.asarray(numbers, dtype=np.float32).reshape(_ROWS, -1))
    except (ValueError, TypeError) as error:
        raise WeightsMismatch(f"{file_name} does not carry readable marks in its metadata: {error}") from error
