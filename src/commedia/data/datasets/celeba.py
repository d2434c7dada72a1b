"""CelebA: 202,599 pictures of 10,177 people, as they were found and aligned, with lists of who, where and five points.

Lists may lie in `Anno/` and `Eval/`, as published, or in the set's own folder, where many programs want them. Each is
optional; one that announces more lines than it has is refused. Pixels are whole numbers, taken as centres from zero;
the list's "left" eye is the one on the picture's left, the subject's right. Who placed the points is not published.

Source of the layout: the README of the set, as quoted by public programs, and the lists' own headings.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float

from commedia.data.datasets.items import FIVE, DatasetFace, DatasetItem, MarkedPoints, StoredPicture
from commedia.data.datasets.pts import ZERO_BASED_CENTRES
from commedia.data.datasets.spec import DatasetSpec
from commedia.data.datasets.tree import BadAnnotation, Tree, numbers, text_lines
from commedia.structures import Box

PEOPLE, PARTITIONS = "identity_CelebA.txt", "list_eval_partition.txt"
SPLITS = ("train", "val", "test")
_PLACES = ("", "Anno/", "Eval/")

_Value = TypeVar("_Value")


class _Version(NamedTuple):
    pictures: str
    points: str
    boxes: str | None


_WILD = _Version("img_celeba", "list_landmarks_celeba.txt", "list_bbox_celeba.txt")
_ALIGNED = _Version("img_align_celeba", "list_landmarks_align_celeba.txt", None)


def _read(tree: Tree, version: _Version) -> Iterator[DatasetItem]:
    people = _listed(tree, PEOPLE, _person)
    splits = _listed(tree, PARTITIONS, _split)
    points = _listed(tree, version.points, _five, headed=True)
    boxes = {} if version.boxes is None else _listed(tree, version.boxes, _box, headed=True)
    for path in tree.files((".jpg", ".png"), under=_folder(tree, version.pictures)):
        name = f"{path.stem}.jpg"  # the lists say .jpg of the aligned .png too
        marked = MarkedPoints(points[name], FIVE, "teacher") if name in points else None
        face = DatasetFace(box=boxes.get(name), marked=marked, identity_name=people.get(name))
        yield tree.item(StoredPicture(path), (face,), split=splits.get(name))


def _folder(tree: Tree, name: str) -> str:
    return next((place for place in (f"Img/{name}", name) if (tree.root / place).is_dir()), name)


def _listed(
    tree: Tree, name: str, read: Callable[[Path, int, str], _Value], *, headed: bool = False
) -> dict[str, _Value]:
    """What a list says of each picture; empty where there is no list, and a line that makes no sense is counted."""
    path = next((tree.root / place / name for place in _PLACES if (tree.root / place / name).is_file()), None)
    if path is None or not tree.holds(path):
        return {}
    lines = [(number, line) for number, line in enumerate(text_lines(path), 1) if line.strip()]
    if headed:
        count = lines[0][1].strip() if lines else ""
        if not count.isascii() or not count.isdigit() or len(count) > 9:
            raise BadAnnotation(path, f"expected the number of pictures, found '{count[:60]}'", line=1)
        if len(lines) - 2 < int(count):
            raise BadAnnotation(path, f"cut short: {count} pictures announced, {max(len(lines) - 2, 0)} lines left")
        lines = lines[2:]
    found: dict[str, _Value] = {}
    for number, line in lines:
        picture, _, rest = line.strip().partition(" ")
        value = tree.attempt(read, path, number, rest)
        if value is not None:
            found[picture] = value
    return found


def _person(path: Path, line: int, text: str) -> str:
    return f"{_whole(path, line, text, 10**6):05d}"


def _split(path: Path, line: int, text: str) -> str:
    return SPLITS[_whole(path, line, text, len(SPLITS))]


def _whole(path: Path, line: int, text: str, below: int) -> int:
    word = text.strip()
    if not word.isascii() or not word.isdigit() or len(word) > 9 or int(word) >= below:
        raise BadAnnotation(path, f"expected a number from 0 to {below - 1}, found '{word[:60]}'", line=line)
    return int(word)


def _five(path: Path, line: int, text: str) -> Float[np.ndarray, "5 2"]:
    return np.array(numbers(path, line, text, 10), np.float32).reshape(5, 2) + ZERO_BASED_CENTRES


def _box(path: Path, line: int, text: str) -> Box:
    left, top, width, height = numbers(path, line, text, 4)
    if width <= 0 or height <= 0:
        raise BadAnnotation(path, f"the box {text.strip()} has no area", line=line)
    return Box(left, top, left + width, top + height)


_LICENCE = "research use only (non-commercial); pictures from the net"

SPEC = DatasetSpec(
    name="celeba",
    title="CelebA, in the wild",
    read=lambda tree: _read(tree, _WILD),
    needs=("Img/img_celeba/*.jpg", "img_celeba/*.jpg"),
    tree=f"""\
CelebA/
  Img/img_celeba/        or without Img
    000001.jpg
  Anno/                  these lists, or in CelebA/; each optional
    {PEOPLE}
    list_bbox_celeba.txt
    list_landmarks_celeba.txt
  Eval/
    {PARTITIONS}""",
    licence=_LICENCE,
    truth="who it is, a box, five points (centres from zero, assumed)",
)

SPEC_ALIGNED = DatasetSpec(
    name="celeba-aligned",
    title="CelebA, aligned",
    read=lambda tree: _read(tree, _ALIGNED),
    needs=(
        "Img/img_align_celeba/*.jpg",
        "img_align_celeba/*.jpg",
        "Img/img_align_celeba/*.png",
        "img_align_celeba/*.png",
    ),
    tree=f"""\
CelebA/
  Img/img_align_celeba/  or without Img
    000001.jpg           or .png
  Anno/                  these lists, or in CelebA/; each optional
    {PEOPLE}
    list_landmarks_align_celeba.txt
  Eval/
    {PARTITIONS}""",
    licence=_LICENCE,
    truth="who it is, five points (centres from zero, assumed)",
)
