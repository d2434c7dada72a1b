"""Results of MediaPipe's face landmarker as people save them: JSON, from Python or from a browser, one object a frame.

Needs no MediaPipe. Points are not read: its blendshapes and the head's matrix say what a character needs.
"""

from collections.abc import Iterator
from itertools import islice
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT
from commedia.errors import UnreadableMedia
from commedia.formats.columns import LONGEST_NAME, blendshape_index, number, rate_of, time_names, time_unit
from commedia.formats.json_objects import JsonObjects, flat_items
from commedia.formats.recorded import MOST_PEOPLE, PEEKED_ROWS, RecordedFace, RecordedRow, Stamp
from commedia.formats.stamps import is_time
from commedia.geometry.rotations import wxyz_from_matrix

SHAPE_KEYS = ("faceblendshapes", "blendshapes", "categories")
MATRIX_KEYS = (
    *("facialtransformationmatrixes", "facialtransformationmatrices", "facialtransformationmatrix"),
    *("transformationmatrix", "matrix"),
)
NAME_KEYS = ("categoryName", "category_name", "displayName", "name")
SHOWN_KEYS = 6


class MediapipeResults:
    """Reads the frames of such a file; implements `RecordedReader`."""

    kind = "MediaPipe face landmarker results"

    def __init__(self, path: Path, head: str):
        """Open JSON that begins, after leading space, with `head`; `UnreadableMedia` without blendshapes at first."""
        self.path = path
        self.remarks: list[str] = []
        self._objects = JsonObjects(path, head)
        first = next(iter(self._objects), {})
        named = [*self._objects.around(), *flat_items(first)]
        self.rate = next((rate for name, value in named if (rate := rate_of(name, value))), None)
        # A recording may begin with an object that says what follows.
        self._begins = int(self.rate is not None and _shapes(first) is None and not time_names(list(first)))
        self.first_rows = list(islice(self.rows(), PEEKED_ROWS))
        if not any(row.faces for row in self.first_rows):
            self._require_shapes()

    def rows(self) -> Iterator[RecordedRow]:
        """One row per object."""
        for tree in islice(self._objects, self._begins, None):
            stamp, unit = _stamp_and_unit(tree)
            yield RecordedRow(stamp, unit, _recorded_faces(tree))
        if self._objects.truncated and not self.remarks:
            self.remarks.append("the last frame is cut off and was left out")

    def row_count(self) -> None:
        """Nobody knows before the end."""
        return None

    def _require_shapes(self) -> None:
        """Refuse other people's JSON; frames without a face are fine, if they could have had one."""
        trees = list(islice(self._objects, 1))
        shapes = [_shapes(tree) for tree in islice(self._objects, PEEKED_ROWS)]
        if [] in shapes and not any(shapes):
            return
        shown = ", ".join(f"'{key[:40]}'" for tree in trees for key in list(tree)[:SHOWN_KEYS]) or "nothing"
        raise UnreadableMedia(
            f"'{self.path}' was taken for MediaPipe results in JSON, but its first objects hold no named blendshapes: "
            f"the first has {shown}; expected 'faceBlendshapes' or 'blendshapes' with names and scores"
        )


def _shapes(tree: dict[str, Any]) -> Any:
    """Whatever stands where blendshapes should; the frame itself where it is a dict of blendshapes."""
    for key, value in tree.items():
        if _plain(key) in SHAPE_KEYS:
            return [] if value is None else value
    return tree if any(blendshape_index(key) is not None for key in tree) else None


def _recorded_faces(tree: dict[str, Any]) -> tuple[RecordedFace, ...]:
    faces = _faces(_shapes(tree))
    matrices = next((value for key, value in tree.items() if _plain(key) in MATRIX_KEYS), None)
    heads = _heads(matrices)
    return tuple(
        RecordedFace(expression, heads[place] if place < len(heads) else None) for place, expression in enumerate(faces)
    )


def _faces(shapes: Any) -> list[np.ndarray]:
    """One expression per face, from a single face or a list of them, each as a dict or as a list of categories."""
    if isinstance(shapes, dict):
        # JavaScript nests the categories of a face in an object, along with the name of the classifier.
        inner = next((value for key, value in shapes.items() if _plain(key) in SHAPE_KEYS), None)
        return _faces(inner) if inner is not None else _face(shapes.items())
    if not isinstance(shapes, list):
        return []
    if any(isinstance(entry, dict) and _name(entry) is not None for entry in shapes):
        return _face((_name(entry), entry.get("score", nan)) for entry in shapes if isinstance(entry, dict))
    return [face for entry in shapes[:MOST_PEOPLE] if isinstance(entry, dict | list) for face in _faces(entry)]


def _face(scores: Any) -> list[np.ndarray]:
    expression, known = np.zeros(EXPRESSION_COUNT), False
    for name, score in scores:
        blendshape = blendshape_index(name) if isinstance(name, str) else None
        if blendshape is not None:
            value = number(score)
            expression[blendshape] = nan if value is None else value
            known = True
    return [expression] if known else []


def _name(category: dict[str, Any]) -> str | None:
    found = next((category[key] for key in NAME_KEYS if category.get(key)), None)
    return found if isinstance(found, str) and "score" in category else None


def _heads(matrices: Any) -> list[Float[np.ndarray, "4"] | None]:
    """One rotation per matrix; NaN for one that is no rotation."""
    if matrices is None:
        return []
    single = _matrix(matrices)
    if single is not None:
        return [wxyz_from_transform(single)]
    return [
        None if entry is None else wxyz_from_transform(_matrix(entry))
        for entry in (matrices[:MOST_PEOPLE] if isinstance(matrices, list) else [])
    ]


def _matrix(value: Any) -> Float[np.ndarray, "4 4"] | None:
    """camera_from_face as it is written in different languages.

    Nested lists are rows, as numpy prints them. A flat list, or one under `data`, is column by column: MediaPipe packs
    its matrices so, and JavaScript, three.js too, hands them on as they are. As some programs flatten numpy's rows, the
    row 0 0 0 1 decides: a face is never at the camera, so the other reading has no such row.
    """
    if isinstance(value, dict):
        value = value.get("data")
        if isinstance(value, dict):
            # A Float32Array that went through JSON.stringify.
            value = [value.get(str(place)) for place in range(16)]
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    if array.shape not in ((4, 4), (16,)):
        return None
    matrix = array if array.shape == (4, 4) else array.reshape(4, 4, order="F")
    return matrix.T if _ends(matrix.T) and not _ends(matrix) else matrix


def _ends(matrix: np.ndarray) -> bool:
    return bool(np.allclose(matrix[3], [0, 0, 0, 1], atol=1e-4))


def wxyz_from_transform(transform: Float[np.ndarray, "4 4"] | None) -> Float[np.ndarray, "4"]:
    """The rotation in a face's transform: its axes are ours (x to the subject's left, y up, z out of the face), so that
    nothing is turned. Scale is taken out; a matrix that mirrors or flattens is no pose and gives NaN."""
    linear = np.full((3, 3), nan) if transform is None else transform[:3, :3]
    if not (np.abs(linear) < 1e6).all() or np.linalg.det(linear) < 1e-6:
        return np.full(4, nan)
    left, _, right = np.linalg.svd(linear)
    return wxyz_from_matrix(left @ right)


def _stamp_and_unit(tree: dict[str, Any]) -> tuple[Stamp, str]:
    """The time of a frame, by the name that is most surely a time's of those that can be read."""
    stamps = [(_stamp(tree[name]), time_unit(name) or "") for name in time_names(list(tree))]
    return next((pair for pair in stamps if is_time(pair[0])), stamps[0] if stamps else (None, ""))


def _stamp(value: Any) -> Stamp:
    if isinstance(value, str):
        return value if len(value) <= LONGEST_NAME else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _plain(key: str) -> str:
    return key.replace("_", "").lower() if len(key) <= LONGEST_NAME else ""
