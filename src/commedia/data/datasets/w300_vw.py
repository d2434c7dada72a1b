"""300VW: 114 clips of one person each, every frame with 68 points; 64 of them to test on, in three categories."""

import re
from collections.abc import Iterator
from pathlib import Path

from commedia.data.datasets.items import Clip, ClipFrame, ClipMoment, DatasetItem
from commedia.data.datasets.pts import marked_face, read_pts
from commedia.data.datasets.spec import DatasetSpec
from commedia.data.datasets.tree import VIDEOS, BadAnnotation, NoPicture, Tree

CATEGORIES = {
    "category 1": (
        "114 124 125 126 150 158 401 402 505 506 507 508 509 510 511 514 515 518 519 520 521 522 524 525 537 538 540 "
        "541 546 547 548"
    ).split(),
    "category 2": "203 208 211 212 213 214 218 224 403 404 405 406 407 408 409 412 550 551 553".split(),
    "category 3": "410 411 516 517 526 528 529 530 531 533 557 558 559 562".split(),
}
"""Well lit, under changing light, and in arbitrary conditions; clips in none of them are for training."""


def split_of(clip: str) -> str:
    """Say to which part a clip belongs."""
    return next((name for name, clips in CATEGORIES.items() if clip in clips), "train")


def _read(tree: Tree) -> Iterator[DatasetItem]:
    videos = {path.parent: path for path in tree.files(VIDEOS) if path.stem == "vid"}
    clips: dict[Path, Clip] = {}
    for path in tree.files((".pts",)):
        folder = path.parent.parent
        if path.parent.name != "annot" or folder not in videos:
            tree.left_out.add(NoPicture.reason, f"{path} belongs to no 'vid.avi'")
            continue
        item = tree.attempt(_item, tree, path, clips.setdefault(folder, Clip(videos[folder])))
        if item is not None:
            yield item


def _item(tree: Tree, path: Path, clip: Clip) -> DatasetItem:
    if not re.fullmatch(r"0*[1-9]\d{0,6}", path.stem):
        raise BadAnnotation(path, "its name is not the number of a frame, from 000001")
    name = clip.path.parent.name
    face = marked_face(read_pts(path), name)
    return tree.item(
        ClipFrame(clip, int(path.stem) - 1), (face,), split=split_of(name), moment=ClipMoment(name, path.stem)
    )


SPEC = DatasetSpec(
    name="300vw",
    title="300VW",
    read=_read,
    needs=("*/annot/*.pts", "*/*/annot/*.pts"),
    tree="""\
300VW/
  001/
    vid.avi
    annot/
      000001.pts        one per frame""",
    licence="research use only, on request",
    truth="68 points per frame, corrected by people (.pts, centres from one); three test categories",
)
