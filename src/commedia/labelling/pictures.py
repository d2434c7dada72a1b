"""Pictures for `commedia label`, from tar files, folders, or one by one; encoded until somebody looks at them."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, UnidentifiedImageError

from commedia.conventions import LANDMARK_COUNT
from commedia.data.shards import tar_members
from commedia.errors import BadShard, UnreadableMedia
from commedia.sources.image import MAX_PIXELS, rgb_from_picture

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".ppm")


@dataclass(frozen=True)
class SourcePicture:
    """One picture as it is stored, with what its data set says of it."""

    key: str
    """Unique within its input."""
    encoded: bytes
    source: str
    """The data set and the key."""
    identity_name: str | None
    gold_px: Float[np.ndarray, "68 2"] | None
    """Landmarks that came with the picture."""
    clip: str | None = None
    frame: str | None = None
    action_units: Float[np.ndarray, "24"] | None = None
    """FEAFA's, of the picture's only face."""

    def decoded(self) -> UInt8[np.ndarray, "h w 3"]:
        """Decode upright and in colour; raises UnreadableMedia when it is no picture."""
        try:
            with Image.open(io.BytesIO(self.encoded)) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise UnreadableMedia(f"'{self.key}' has {picture.width} x {picture.height} pixels: too many")
                return rgb_from_picture(picture)
        except UnidentifiedImageError as error:
            raise UnreadableMedia(f"'{self.key}' is not a picture: its content is in no known format") from error
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise UnreadableMedia(f"the picture '{self.key}' is damaged or cut short: {error}") from error


@dataclass(frozen=True)
class PictureGroup:
    """Inputs whose samples go into shards of one name."""

    name: str
    paths: tuple[Path, ...]

    def __iter__(self) -> Iterator[SourcePicture]:
        for path in self.paths:
            yield from _tar_pictures(path) if path.suffix == ".tar" else _folder_pictures(path, self.name)

    def files(self) -> list[Path]:
        """Every file this group is read from."""
        return [file for path in self.paths for file in members_of(path)]

    def __len__(self) -> int:
        return sum(_count(path) for path in self.paths)


def members_of(path: Path) -> list[Path]:
    """The files a path stands for: itself, or the pictures of a folder."""
    if path.is_file():
        return [path]
    return sorted(member for member in path.rglob("*") if member.suffix.lower() in PICTURE_SUFFIXES)


def _folder_pictures(path: Path, name: str) -> Iterator[SourcePicture]:
    for member in members_of(path):
        key = member.name if path.is_file() else str(member.relative_to(path))
        yield SourcePicture(key, member.read_bytes(), f"{name}/{key}", None, None)


def _count(path: Path) -> int:
    if path.suffix != ".tar":
        return len(members_of(path))
    return sum(name.lower().endswith(".jpg") for name, _ in tar_members(path))


def _tar_pictures(path: Path) -> Iterator[SourcePicture]:
    """Group consecutive members of one key; a picture without a record is a picture nothing is known of."""
    found = False
    for key, run in groupby(tar_members(path), key=lambda member: member[0].rpartition(".")[0]):
        contents = {name.rpartition(".")[2].lower(): content for name, content in run}
        if "jpg" in contents:
            found = True
            yield _tar_picture(path, key, contents)
    if not found:
        raise BadShard(f"'{path}' holds no pictures; expected members 'key.jpg' with 'key.json' beside them")


def _tar_picture(path: Path, key: str, contents: dict[str, bytes]) -> SourcePicture:
    try:
        record = json.loads(contents.get("json", b"{}"))
        name = record.get("identity")
        gold = record.get("landmarks68")
        gold_px = None if gold is None else np.asarray(gold, dtype=np.float32).reshape(LANDMARK_COUNT, 2)
        source = str(record.get("source", path.stem))
    except (ValueError, TypeError, AttributeError) as error:
        raise BadShard(f"'{path}': the record of '{key}' is not what was expected ({error})") from error
    return SourcePicture(key, contents["jpg"], f"{source}/{key}", None if name is None else str(name), gold_px)
