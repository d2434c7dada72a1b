"""WIDER FACE: 32,203 pictures with every face boxed and ten folds of trouble noted.

A line is `x y w h blur expression illumination invalid occlusion pose`. x and y are whole pixels from zero, so they are
the box's left and top edge as they stand. A picture without faces says 0 and carries one line of zeros.
"""

from collections.abc import Iterator
from pathlib import Path

from commedia.data.datasets.items import DatasetFace, DatasetItem, StoredPicture
from commedia.data.datasets.spec import DatasetSpec
from commedia.data.datasets.tree import PICTURES, BadAnnotation, Tree, face_lines, numbers, text_lines
from commedia.structures import Box

FLAGS: tuple[tuple[str, ...], ...] = (
    ("", "blurred", "heavily blurred"),
    ("", "strong expression"),
    ("", "extreme light"),
    ("", "invalid"),
    ("", "partly hidden", "mostly hidden"),
    ("", "unusual pose"),
)
"""What the last six numbers of a line say, by value."""
_MOST_FACES = 10_000


def _read(tree: Tree) -> Iterator[DatasetItem]:
    for path in tree.files((".txt",)):
        if path.name.endswith("_bbx_gt.txt"):
            yield from _read_list(tree, path, path.name.removesuffix("_bbx_gt.txt").rpartition("_")[2])


def _read_list(tree: Tree, path: Path, split: str) -> Iterator[DatasetItem]:
    lines = text_lines(path)
    at = 0
    while at < len(lines):
        name = lines[at].strip()
        if not name:
            at += 1
            continue
        if not name.lower().endswith(PICTURES):
            raise BadAnnotation(path, f"expected the name of a picture, found '{name[:60]}'", line=at + 1)
        first, last = face_lines(path, at + 2, lines, _MOST_FACES)
        faces = [_face(tree, path, n + 1, lines[n]) for n in range(first, last)]
        picture = tree.attempt(tree.inside, f"WIDER_{split}/images/{name}", said_by=path, line=at + 1)
        if picture is not None:
            yield tree.item(StoredPicture(picture), [f for f in faces if f is not None], split=split, all_faces=True)
        at = last + 1 if first == last and _is_filler(lines, last) else last


def _is_filler(lines: list[str], at: int) -> bool:
    words = lines[at].split() if at < len(lines) else []
    return len(words) == 10 and set(words) == {"0"}


def _face(tree: Tree, path: Path, line: int, text: str) -> DatasetFace | None:
    left, top, width, height, *noted = numbers(path, line, text, 10)
    if width <= 0 or height <= 0:
        tree.left_out.add("a face has no area", f"'{path}', line {line}")
        return None
    flags = []
    for value, names in zip(noted, FLAGS, strict=True):
        if value not in range(len(names)):
            raise BadAnnotation(path, f"a flag is {value:g}, which means nothing", line=line)
        flags += [names[int(value)]] if value else []
    return DatasetFace(Box(left, top, left + width, top + height), flags=frozenset(flags))


SPEC = DatasetSpec(
    name="wider-face",
    title="WIDER FACE",
    read=_read,
    needs=("*/*_bbx_gt.txt", "*_bbx_gt.txt"),
    tree="""\
WIDER/
  wider_face_split/
    wider_face_train_bbx_gt.txt
    wider_face_val_bbx_gt.txt
  WIDER_train/images/0--Parade/0_Parade_marchingband_1_849.jpg
  WIDER_val/images/...""",
    licence="research use only (non-commercial)",
    truth="every face as a box (edges, pixels from zero), with flags such as `invalid` and `blurred`",
)
