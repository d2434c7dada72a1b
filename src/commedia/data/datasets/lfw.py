"""LFW: 13,233 pictures of 5,749 people, one folder a person; the person is the face in the middle.

It has neither boxes nor points of its own. A file `landmarks.txt` in the folder adds 5 or 68 points a picture, one line
`Name/Name_0001.jpg x y x y ...` each; it counts pixel centres from zero, and who placed its points is not known.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from commedia.data.datasets.items import FIVE, IBUG68, DatasetFace, DatasetItem, MarkedPoints, StoredPicture
from commedia.data.datasets.pts import ZERO_BASED_CENTRES
from commedia.data.datasets.spec import DatasetSpec
from commedia.data.datasets.tree import PICTURES, BadAnnotation, Tree, numbers, text_lines

POINT_LIST = "landmarks.txt"
_SCHEMES = {5: FIVE, 68: IBUG68}


def _read(tree: Tree) -> Iterator[DatasetItem]:
    points = _points(tree)
    for path in tree.files(PICTURES):
        marked = points.get("/".join(path.parts[-2:]))
        name = path.parent.name if path.parent != tree.root else None
        yield tree.item(StoredPicture(path), (DatasetFace(marked=marked, identity_name=name),))


def _points(tree: Tree) -> dict[str, MarkedPoints]:
    path = tree.root / POINT_LIST
    if not path.is_file() or not tree.holds(path):
        return {}
    found: dict[str, MarkedPoints] = {}
    for number, line in enumerate(text_lines(path), 1):
        if line.strip():
            read = tree.attempt(_line, tree, path, number, line)
            found |= {} if read is None else {read[0]: read[1]}
    return found


def _line(tree: Tree, path: Path, number: int, line: str) -> tuple[str, MarkedPoints]:
    name, _, rest = line.strip().replace("\t", " ").partition(" ")
    tree.inside(name, said_by=path, line=number)
    count = len(rest.replace(",", " ").split()) // 2
    if count not in _SCHEMES:
        raise BadAnnotation(path, f"expected 5 or 68 points, found {count}", line=number)
    points = np.array(numbers(path, number, rest, 2 * count)).reshape(-1, 2) + ZERO_BASED_CENTRES
    return "/".join(Path(name).parts[-2:]), MarkedPoints(points.astype(np.float32), _SCHEMES[count], "teacher")


SPEC = DatasetSpec(
    name="lfw",
    title="Labeled Faces in the Wild",
    read=_read,
    needs=("*/*_[0-9][0-9][0-9][0-9].*", "*/*/*_[0-9][0-9][0-9][0-9].*"),
    tree=f"""\
lfw/
  Aaron_Eckhart/
    Aaron_Eckhart_0001.jpg
  {POINT_LIST}         optional""",
    licence="research use; public figures, pictures from the news",
    truth="who it is; 5 or 68 points where a list is added (centres from zero)",
)
