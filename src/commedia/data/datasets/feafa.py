"""FEAFA: 99,356 frames of 122 people, each with 24 action units between 0 and 1 that people set by hand.

How its files are laid out is not documented. Read are texts of 24 numbers a line: one line beside a picture of the same
name, or as many lines as the video, or the folder of frames, of the same name has frames.
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.data.datasets.items import Clip, ClipFrame, ClipMoment, DatasetFace, DatasetItem, StoredPicture
from commedia.data.datasets.spec import DatasetSpec
from commedia.data.datasets.tree import PICTURES, VIDEOS, BadAnnotation, NoPicture, Tree, numbers, text_lines
from commedia.errors import CommediaError, UnknownName

MAPPING_FILE = Path(__file__).resolve().parents[2] / "assets" / "mappings" / "feafa.toml"
BLENDSHAPE_COUNT = 24
_TEXTS = (".auw", ".txt", ".csv")


@dataclass(frozen=True)
class ActionUnits:
    """Order and meaning of the 24 numbers."""

    names: tuple[str, ...]
    arkit_from_blendshapes: Float[np.ndarray, "52 24"]
    label_weight: float


@cache
def load_action_units(path: Path = MAPPING_FILE) -> ActionUnits:
    """Read the table of columns."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        columns = table["column"]
        names = tuple(str(column["name"]) for column in columns)
        label_weight = float(table["weight"])
        weights = [{str(name): float(weight) for name, weight in column["blendshapes"].items()} for column in columns]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommediaError(f"'{path}' is not a table of action units: {error!r}") from error
    if len(set(names)) != BLENDSHAPE_COUNT or len(names) != BLENDSHAPE_COUNT:
        raise CommediaError(f"'{path}' names {len(set(names))} different action units, expected {BLENDSHAPE_COUNT}")
    matrix = np.zeros((EXPRESSION_COUNT, BLENDSHAPE_COUNT), np.float32)
    for column, blendshapes in enumerate(weights):
        for name, weight in blendshapes.items():
            if name not in EXPRESSION_INDEX:
                raise UnknownName(f"blendshape in '{path}'", name, EXPRESSION_INDEX)
            matrix[EXPRESSION_INDEX[name], column] = weight
    return ActionUnits(names, matrix, label_weight)


def expression_from_action_units(
    values: Float[np.ndarray, "24"],
) -> tuple[Float[np.ndarray, "52"], Float[np.ndarray, "52"]]:
    """Say what action units are as ARKit weights, and how far to believe each: 0 for blendshapes that FEAFA does not
    have."""
    table = load_action_units()
    known = table.arkit_from_blendshapes.any(axis=1)
    weights = np.clip(table.arkit_from_blendshapes @ values, 0, 1)
    return np.asarray(weights, np.float32), np.asarray(known * table.label_weight, np.float32)


def _read(tree: Tree) -> Iterator[DatasetItem]:
    pictures: dict[Path, list[Path]] = {}
    for path in tree.files(PICTURES):
        pictures.setdefault(path.parent, []).append(path)
    by_name = {path.with_suffix(""): path for files in pictures.values() for path in files}
    videos = {path.with_suffix(""): path for path in tree.files(VIDEOS)}
    for text in tree.files(_TEXTS):
        stem = text.with_suffix("")
        frames: Sequence[StoredPicture] | Clip
        if stem in by_name or stem in pictures:
            frames = [StoredPicture(path) for path in ([by_name[stem]] if stem in by_name else pictures[stem])]
        elif stem in videos:
            frames = Clip(videos[stem])
        else:
            tree.left_out.add(NoPicture.reason, f"{text} belongs to no picture, video or folder of that name")
            continue
        yield from tree.attempt(_items, tree, text, frames) or []


def _items(tree: Tree, text: Path, frames: Sequence[StoredPicture] | Clip) -> list[DatasetItem]:
    lines = [(number, line) for number, line in enumerate(text_lines(text), 1) if line.strip()]
    if not isinstance(frames, Clip) and len(lines) != len(frames):
        raise BadAnnotation(text, f"has {len(lines)} lines for {len(frames)} pictures")
    clip = tree.key(text.with_suffix(""))
    person = clip.split("/")[0] if "/" in clip else None
    items = []
    for index, (number, line) in enumerate(lines):
        picture = ClipFrame(frames, index) if isinstance(frames, Clip) else frames[index]
        face = DatasetFace(identity_name=person, action_units=_values(text, number, line))
        items.append(tree.item(picture, (face,), moment=ClipMoment(clip, str(index))))
    return items


def _values(path: Path, number: int, line: str) -> Float[np.ndarray, "24"]:
    values = np.array(numbers(path, number, line, BLENDSHAPE_COUNT), np.float32)
    if values.min() < 0 or values.max() > 1:
        raise BadAnnotation(path, f"an action unit is {values.min():g} or {values.max():g}, not 0 to 1", line=number)
    return values


SPEC = DatasetSpec(
    name="feafa",
    title="FEAFA",
    read=_read,
    needs=tuple(f"{folder}*{suffix}" for folder in ("", "*/", "*/*/") for suffix in _TEXTS),
    tree="""\
FEAFA/                  layout assumed: the set does not document it
  subject01/
    clip01.auw          24 numbers a line, a line a frame
    clip01.avi          or a folder clip01/ of pictures
  subject02/
    000001.png          or a text of one line beside each picture
    000001.auw""",
    licence="research use only, on request",
    truth="24 action units that people set (order in `assets/mappings/feafa.toml`), who it is",
)
