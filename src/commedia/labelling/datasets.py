"""Published data sets as input of `commedia label`: `300w-lp:/data/300W_LP` is that set in that folder.

Marks by people go along as gold where a picture has one marked face; boxes do not: the teacher looks for itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from commedia.data.datasets.items import IBUG68, DatasetItem
from commedia.data.datasets.table import Dataset, open_dataset
from commedia.errors import UnreadableMedia
from commedia.labelling.pictures import PictureGroup, SourcePicture


def names_dataset(path: Path) -> bool:
    """Say whether an input is `NAME:FOLDER`; a drive letter is no name."""
    name, colon, _ = str(path).partition(":")
    return bool(colon) and len(name) > 1 and "/" not in name and not path.exists()


@dataclass(frozen=True)
class DatasetGroup(PictureGroup):
    """The pictures of one data set; its shards are named after it."""

    dataset: Dataset

    def __iter__(self) -> Iterator[SourcePicture]:
        for item in self._items:
            yield source_picture(item)

    def files(self) -> list[Path]:
        """Every picture and video."""
        return list(dict.fromkeys(item.picture.path for item in self._items))

    def __len__(self) -> int:
        return len(self._items)

    @cached_property
    def _items(self) -> list[DatasetItem]:
        """Those whose pictures can be read, fixed at the first look: labels know pictures by their position."""
        return [item for item in self.dataset if self._is_readable(item)]

    def _is_readable(self, item: DatasetItem) -> bool:
        try:
            item.picture.size_px()
        except UnreadableMedia as error:
            self.dataset.left_out.add("the picture cannot be read", str(error))
            return False
        return True


def dataset_group(path: Path) -> DatasetGroup:
    """Open an input of the form `NAME:FOLDER`."""
    name, _, folder = str(path).partition(":")
    return DatasetGroup(name, (Path(folder),), open_dataset(name, Path(folder)))


def source_picture(item: DatasetItem) -> SourcePicture:
    """Turn an item into what the teacher reads; raises UnreadableMedia."""
    face = item.faces[0] if len(item.faces) == 1 else None
    marked = face.marked if face is not None else None
    gold = marked.points_px if marked is not None and (marked.scheme, marked.kind) == (IBUG68, "gold") else None
    identity = face.identity_name if face is not None else None
    action_units = face.action_units if face is not None else None
    clip, frame = (None, None) if item.moment is None else (item.moment.clip, item.moment.frame)
    return SourcePicture(item.key, item.picture.encoded(), item.source, identity, gold, clip, frame, action_units)
