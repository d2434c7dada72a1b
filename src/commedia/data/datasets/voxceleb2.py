"""VoxCeleb2: a million utterances of 6,112 speakers, one face in the middle: mp4 files, their frames, or CPEM's layout.

The boxes it publishes belong to the original videos and not to these cut-outs, so none are read.
"""

import re
from collections.abc import Iterator

from commedia.data.datasets import cpem
from commedia.data.datasets.clips import media_files, media_items
from commedia.data.datasets.items import DatasetFace, DatasetItem
from commedia.data.datasets.spec import DatasetSpec
from commedia.data.datasets.tree import VIDEOS, Tree


def _read(tree: Tree) -> Iterator[DatasetItem]:
    if (tree.root / "data").is_dir() and (tree.root / "landmarks2d").is_dir():
        yield from cpem.read_cpem(tree)
        return
    for path in media_files(tree):
        parts = path.relative_to(tree.root).parts
        speaker = next((n for n, part in enumerate(parts) if re.fullmatch(r"id\d+", part)), None)
        if speaker is None or speaker + 2 >= len(parts):
            tree.left_out.add("it is not at idNNNNN/clip/...", str(path))
            continue
        place = [*parts[speaker:-1]]
        clip = "/".join([*place, path.stem] if path.suffix.lower() in VIDEOS else place)
        yield from media_items(tree, path, clip, (DatasetFace(identity_name=parts[speaker]),))


SPEC = DatasetSpec(
    name="voxceleb2",
    title="VoxCeleb2",
    read=_read,
    needs=(*("id*/*/*", "*/id*/*/*", "*/*/id*/*/*"), "landmarks2d/*/*/*.txt"),
    tree=f"""\
mp4/                    or dev/mp4, test/mp4
  id00012/
    21Uxsk56VDQ/
      00001.mp4         or a folder of frames, or frames
or, as paper 3's code has it,
{cpem.TREE}""",
    licence="annotations CC BY-SA 4.0; videos from YouTube, research use",
    truth="who it is; in CPEM's layout also 68 points of two detectors (centres from zero) and visible skin",
)
