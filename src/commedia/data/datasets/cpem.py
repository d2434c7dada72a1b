"""The folder that paper 3's published code trains from: frames, skin masks and two detectors' points, side by side.

Points count pixel centres from zero. Where `front_face_flag.csv` calls a face frontal, points inside the contour are
those of `landmarks2d` (dlib) and the contour that of `landmarks` (FAN); elsewhere all are FAN's.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.data.datasets.items import IBUG68, ClipMoment, DatasetFace, DatasetItem, MarkedPoints, StoredPicture
from commedia.data.datasets.pts import ZERO_BASED_CENTRES, read_pts
from commedia.data.datasets.spec import DatasetSpec
from commedia.data.datasets.tree import PICTURES, BadAnnotation, NoPicture, Tree, text_lines
from commedia.structures import Box

FLAG_FILE = "front_face_flag.csv"
FRONTAL = "frontal"
_COLUMNS = ["person_id", "video_id", "frame_name", "front_face_flag"]
_CONTOUR_COUNT = 17

TREE = f"""\
VoxCeleb2/              person/clip/frame in each of four folders
  data/id00012/21Uxsk56VDQ/00001.jpg
  face_mask/id00012/21Uxsk56VDQ/00001.jpg
  landmarks/id00012/21Uxsk56VDQ/00001.txt
  landmarks2d/id00012/21Uxsk56VDQ/00001.txt
  {FLAG_FILE}"""


def read_cpem(tree: Tree) -> Iterator[DatasetItem]:
    """Go through the frames that have points."""
    frontal = _frontal_frames(tree)
    for path in tree.files(PICTURES, under="data"):
        place = path.relative_to(tree.root / "data").with_suffix("")
        if len(place.parts) != 3:
            tree.left_out.add("it is not at data/person/clip/frame", str(path))
            continue
        item = tree.attempt(_item, tree, path, place, place.as_posix() in frontal)
        if item is not None:
            yield item


def _item(tree: Tree, path: Path, place: Path, is_frontal: bool) -> DatasetItem:
    person, clip, frame = place.parts
    texts = [tree.root / folder / place.with_name(f"{frame}.txt") for folder in ("landmarks2d", "landmarks")]
    for text in texts:
        if not text.is_file() or not tree.holds(text):
            raise NoPicture(path, f"has no '{tree.key(text)}'")
    inner, contour = (read_pts(text, shift=ZERO_BASED_CENTRES) for text in texts)
    points = np.concatenate([contour[:_CONTOUR_COUNT], inner[_CONTOUR_COUNT:]]) if is_frontal else contour
    mask = tree.root / "face_mask" / place.with_name(path.name)
    face = DatasetFace(
        marked=MarkedPoints(points, IBUG68, "teacher"),
        identity_name=person,
        flags=frozenset((FRONTAL,) if is_frontal else ()),
        mask=StoredPicture(mask) if mask.is_file() and tree.holds(mask) else None,
        mask_box=crop_box(contour),
    )
    return tree.item(StoredPicture(path), (face,), moment=ClipMoment(f"{person}/{clip}", frame))


def crop_box(fan_points: Float[np.ndarray, "68 2"]) -> Box:
    """Place the square that CPEM's training crops, and its masks show, around FAN's points."""
    low, high = fan_points.min(axis=0), fan_points.max(axis=0)
    half = int(float((high - low).mean()) * 1.1 * 1.25) / 2
    x, y = ((low + high) / 2).tolist()
    return Box(x - half, y - half, x + half, y + half)


def _frontal_frames(tree: Tree) -> frozenset[str]:
    """Read which frames, as `person/clip/frame`, are frontal; none where there is no such file."""
    path = tree.root / FLAG_FILE
    if not path.is_file() or not tree.holds(path):
        return frozenset()
    rows = list(csv.reader(text_lines(path)))
    if not rows or [name.strip() for name in rows[0]] != _COLUMNS:
        raise BadAnnotation(path, f"expected the columns {', '.join(_COLUMNS)}", line=1)
    frontal = set()
    for line, row in enumerate(rows[1:], 2):
        if row and (len(row) != 4 or row[3].strip() not in ("0", "1")):
            raise BadAnnotation(path, "expected person, clip, frame and 0 or 1", line=line)
        if row and row[3].strip() == "1":
            frontal.add(f"{row[0].strip()}/{row[1].strip()}/{row[2].strip().removesuffix('.jpg')}")
    return frozenset(frontal)


SPEC = DatasetSpec(
    name="cpem",
    title="a data set in CPEM's layout",
    read=read_cpem,
    needs=("landmarks2d/*/*/*.txt",),
    tree=TREE,
    licence="that of the pictures in it",
    truth="68 points of two detectors (centres from zero), who it is, visible skin",
)
