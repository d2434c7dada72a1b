"""The .pts files of iBUG, with and without their header, and folders of pictures with such files beside them.

Their points count from one and mean pixel centres: (1, 1) is the centre of the first pixel, (0.5, 0.5) here.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.conventions import LANDMARK_COUNT
from commedia.data.datasets.items import IBUG68, DatasetFace, DatasetItem, MarkedPoints, StoredPicture
from commedia.data.datasets.tree import PICTURES, BadAnnotation, NoPicture, Tree, numbers, text_lines

ONE_BASED_CENTRES = -0.5
"""Added to coordinates that count pixel centres from one."""
ZERO_BASED_CENTRES = 0.5
"""Added to coordinates that count pixel centres from zero."""

_ANOTHER_FACE = re.compile(r"(.+)_\d+")


def read_pts(path: Path, *, count: int = LANDMARK_COUNT, shift: float = ONE_BASED_CENTRES) -> Float[np.ndarray, "l 2"]:
    """Read the points of one face into our pixels; raises BadAnnotation."""
    lines = text_lines(path)
    first, last, announced = _body(path, lines)
    rows = [numbers(path, n + 1, lines[n], 2) for n in range(first, last) if lines[n].strip()]
    if announced is not None and announced != len(rows):
        raise BadAnnotation(path, f"announces {announced} points and holds {len(rows)}")
    if len(rows) != count:
        raise BadAnnotation(path, f"expected {count} points, found {len(rows)}")
    return (np.array(rows) + shift).astype(np.float32)


def marked_face(points_px: Float[np.ndarray, "68 2"], identity_name: str | None = None) -> DatasetFace:
    """Make a face of 68 points that people marked."""
    return DatasetFace(marked=MarkedPoints(points_px, IBUG68, "gold"), identity_name=identity_name)


def marked_pictures(tree: Tree) -> Iterator[DatasetItem]:
    """Go through a folder in which `NAME.pts`, or `NAME_1.pts`, `NAME_2.pts` for several faces, belong to `NAME.jpg`.

    Whoever is in a picture without a file is not marked, so no picture is known to be complete.
    """
    pictures = {path.with_suffix(""): path for path in tree.files(PICTURES)}
    faces: dict[Path, list[Path]] = {}
    for path in tree.files((".pts",)):
        owner = _owner(path.with_suffix(""), pictures)
        if owner is None:
            tree.left_out.add(NoPicture.reason, str(path))
        else:
            faces.setdefault(pictures[owner], []).append(path)
    for picture, files in faces.items():
        read = [tree.attempt(read_pts, path) for path in files]
        if known := [marked_face(points) for points in read if points is not None]:
            folder = tree.key(picture.parent)
            yield tree.item(StoredPicture(picture), known, split=None if folder == "." else folder)


def _owner(stem: Path, pictures: dict[Path, Path]) -> Path | None:
    if stem in pictures:
        return stem
    numbered = _ANOTHER_FACE.fullmatch(stem.name)
    shared = stem.with_name(numbered[1]) if numbered else stem
    return shared if shared in pictures else None


def _body(path: Path, lines: list[str]) -> tuple[int, int, int | None]:
    """First and last line of the points, and how many the header announces."""
    opened = next((n for n, line in enumerate(lines) if line.strip() == "{"), None)
    if opened is None:
        return 0, len(lines), None
    closed = next((n for n in range(opened, len(lines)) if lines[n].strip() == "}"), None)
    if closed is None:
        raise BadAnnotation(path, "cut short: its '}' is missing")
    for n, line in enumerate(lines[:opened]):
        name, _, value = line.partition(":")
        if name.strip() == "n_points":
            return opened + 1, closed, int(numbers(path, n + 1, value, 1)[0])
    return opened + 1, closed, None
