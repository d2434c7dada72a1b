"""Pictures of folders and videos without annotations of their own: one item per frame, in order."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from commedia.data.datasets.items import Clip, ClipFrame, ClipMoment, DatasetFace, DatasetItem, StoredPicture
from commedia.data.datasets.tree import PICTURES, VIDEOS, Tree


def media_items(tree: Tree, path: Path, clip: str, faces: Sequence[DatasetFace] = ()) -> Iterator[DatasetItem]:
    """Yield a picture, or every frame of a video; it is decoded on the way, once if each is looked at in turn."""
    if path.suffix.lower() not in VIDEOS:
        yield tree.item(StoredPicture(path), faces, moment=ClipMoment(clip, path.stem))
        return
    video = Clip(path)
    index = 0
    while tree.attempt(video.frame, index) is not None:
        yield tree.item(ClipFrame(video, index), faces, moment=ClipMoment(clip, str(index)))
        index += 1


def media_files(tree: Tree) -> Iterator[Path]:
    """Walk pictures and videos."""
    return tree.files((*PICTURES, *VIDEOS))
