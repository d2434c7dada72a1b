"""FDDB: 5,171 faces in 2,845 pictures as ellipses, in ten lists.

A line is `major minor angle x y 1`: half axes, the angle of the major one against the x axis in radians, the centre.
The box is the ellipse's upright bound. The centre is taken to count pixel centres from zero; its authors do not say.
"""

import math
from collections.abc import Iterator
from pathlib import Path

from commedia.data.datasets.items import DatasetFace, DatasetItem, StoredPicture
from commedia.data.datasets.pts import ZERO_BASED_CENTRES
from commedia.data.datasets.spec import DatasetSpec
from commedia.data.datasets.tree import Tree, face_lines, numbers, text_lines
from commedia.structures import Box

_MOST_FACES = 1000


def box_from_ellipse(major_px: float, minor_px: float, angle: float, x_px: float, y_px: float) -> Box:
    """Bound an ellipse given by its half axes; the sign of the angle does not matter to its bound."""
    half_width = math.hypot(major_px * math.cos(angle), minor_px * math.sin(angle))
    half_height = math.hypot(major_px * math.sin(angle), minor_px * math.cos(angle))
    return Box(x_px - half_width, y_px - half_height, x_px + half_width, y_px + half_height)


def _read(tree: Tree) -> Iterator[DatasetItem]:
    for path in tree.files((".txt",)):
        if path.name.endswith("ellipseList.txt"):
            yield from _read_list(tree, path)


def _read_list(tree: Tree, path: Path) -> Iterator[DatasetItem]:
    lines = text_lines(path)
    folder = "originalPics/" if (tree.root / "originalPics").is_dir() else ""
    at = 0
    while at < len(lines):
        if not (name := lines[at].strip()):
            at += 1
            continue
        first, last = face_lines(path, at + 2, lines, _MOST_FACES)
        faces = [_face(tree, path, n + 1, lines[n]) for n in range(first, last)]
        picture = tree.attempt(tree.inside, f"{folder}{name}.jpg", said_by=path, line=at + 1)
        if picture is not None:
            known = [face for face in faces if face is not None]
            yield tree.item(
                StoredPicture(picture), known, split=path.name.removesuffix("-ellipseList.txt"), all_faces=True
            )
        at = last


def _face(tree: Tree, path: Path, line: int, text: str) -> DatasetFace | None:
    major, minor, angle, x, y, _ = numbers(path, line, text, 6)
    if major <= 0 or minor <= 0:
        tree.left_out.add("a face has no area", f"'{path}', line {line}")
        return None
    return DatasetFace(box_from_ellipse(major, minor, angle, x + ZERO_BASED_CENTRES, y + ZERO_BASED_CENTRES))


SPEC = DatasetSpec(
    name="fddb",
    title="FDDB",
    read=_read,
    needs=("*ellipseList.txt", "*/*ellipseList.txt"),
    tree="""\
FDDB/
  FDDB-folds/
    FDDB-fold-01-ellipseList.txt    and 02 to 10
  originalPics/
    2002/08/11/big/img_591.jpg""",
    licence="research use; pictures from the news",
    truth="every face as an ellipse, here its upright bound (centres from zero, assumed)",
)
