"""Music videos (Zhang et al. 2016): eight clips with several people and many cuts, without boxes or points."""

from collections.abc import Iterator

from commedia.data.datasets.clips import media_files, media_items
from commedia.data.datasets.items import DatasetItem
from commedia.data.datasets.spec import DatasetSpec
from commedia.data.datasets.tree import VIDEOS, Tree


def _read(tree: Tree) -> Iterator[DatasetItem]:
    for path in media_files(tree):
        is_video = path.suffix.lower() in VIDEOS
        clip = path.with_suffix("") if is_video else path.parent
        yield from media_items(tree, path, tree.key(clip))


SPEC = DatasetSpec(
    name="music-videos",
    title="Music Videos",
    read=_read,
    needs=("*.mp4", "*.avi", "*.mkv", "*.webm", "*.mov", "*/*.mp4", "*/*.avi", "*/*.jpg", "*/*.png"),
    tree="""\
MusicVideos/
  TARA.mp4              a clip each
  Westlife/             or a folder of its frames
    000001.jpg""",
    licence="music videos, not free; research use at best",
    truth="none",
)
