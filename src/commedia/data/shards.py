"""Shards: tar files of `key.jpg` + `key.json`, the only form in which training samples are stored.

Between the two may stand `key.mask.png`, `key.parse.png` and, of drawn faces, `key.truth.npz`.

Reading is strict: a shard that is cut short, misses a member, or holds a number out of its range is a `BadShard` that
says which sample and why. Writing goes to a file aside which takes the final name only when complete.
"""

import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from commedia.data.face_labels import choice, face_from_json, face_to_json, fields_of, positive, text
from commedia.data.sample import PICTURE_KINDS, FaceSample, PictureKind, PictureSample
from commedia.data.truth import COVERED, PARSE_UNKNOWN, DrawnTruth, truth_from_bytes, truth_to_bytes
from commedia.errors import BadShard
from commedia.face_model.model import PARSE_CLASSES
from commedia.files import written_aside

_EXTRAS = {"mask.png": "mask_png", "parse.png": "parse_png", "truth.npz": "truth_npz"}
"""What may stand between picture and label: the member's ending, and the field of `EncodedPicture`."""
_PICTURE_MAY = frozenset({"clip", "frame"})
_PICTURE_FIELDS = frozenset({"source", "licence", "kind", "width", "height", "faces"})


@dataclass(frozen=True)
class EncodedPicture:
    """A `PictureSample` whose image is still a JPEG, so that a whole data set fits in memory."""

    key: str
    jpeg: bytes
    size: tuple[int, int]
    """Width and height of the image, in pixels."""
    faces: tuple[FaceSample, ...]
    source: str
    licence: str
    kind: PictureKind
    mask_png: bytes | None = None
    clip: str | None = None
    frame: str | None = None
    parse_png: bytes | None = None
    truth_npz: bytes | None = None

    def decoded(self) -> PictureSample:
        """Decode the image; raises BadShard when it is not a JPEG of the size the label speaks of."""
        bgr = cv2.imdecode(np.frombuffer(self.jpeg, np.uint8), cv2.IMREAD_COLOR)
        if bgr is None:
            raise BadShard(f"sample '{self.key}': the picture cannot be decoded")
        if (bgr.shape[1], bgr.shape[0]) != self.size:
            found, said = f"{bgr.shape[1]}x{bgr.shape[0]}", f"{self.size[0]}x{self.size[1]}"
            raise BadShard(f"sample '{self.key}': the picture is {found}, its label says {said}")
        image, mask, parse = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), self._mask(), self._parse()
        return PictureSample(
            image, self.faces, self.source, self.licence, self.kind, mask, self.clip, self.frame, parse, self.truth()
        )

    def truth(self) -> DrawnTruth | None:
        """Decode the truth alone; raises BadShard when it is none."""
        try:
            return None if self.truth_npz is None else truth_from_bytes(self.truth_npz)
        except ValueError as error:
            raise BadShard(f"sample '{self.key}': {error}") from error

    def _mask(self) -> np.ndarray | None:
        if self.mask_png is None:
            return None
        mask = _grey(self.mask_png)
        if mask is None or mask.shape[::-1] != self.size:
            raise BadShard(f"sample '{self.key}': its mask is no picture of {self.size[0]}x{self.size[1]}")
        return mask

    def _parse(self) -> np.ndarray | None:
        if self.parse_png is None:
            return None
        parse = _grey(self.parse_png)
        if parse is None or not np.isin(parse, [*range(len(PARSE_CLASSES)), PARSE_UNKNOWN, COVERED]).all():
            raise BadShard(f"sample '{self.key}': its parse map is no picture of classes")
        return parse


def _grey(png: bytes) -> np.ndarray | None:
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    return None if picture is None else np.asarray(picture, np.uint8)


def write_shard(path: Path, samples: Iterable[PictureSample | EncodedPicture], *, quality: int = 92) -> int:
    """Write samples in order under keys `000000`, `000001`, ...; returns how many. On any error the old file stays.

    What is encoded already keeps its JPEG byte for byte, so that relabelling loses nothing.
    """
    count = 0
    with written_aside(path) as file, tarfile.open(fileobj=file, mode="w|") as tar:
        for sample in samples:
            key = f"{count:06d}"
            _add(tar, f"{key}.jpg", _jpeg(sample, quality))
            for ending, content in _extras(sample).items():
                _add(tar, f"{key}.{ending}", content)
            _add(tar, f"{key}.json", json.dumps(_to_json(sample), separators=(",", ":")).encode())
            count += 1
    return count


def tar_members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Read name and content of everything in a tar file, in order; raises BadShard when it is not whole."""
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                stream = tar.extractfile(member)
                content = b"" if stream is None else stream.read()
                if len(content) != member.size:
                    raise tarfile.ReadError(f"cut short inside '{member.name}'")
                yield member.name, content
    except (OSError, tarfile.TarError) as error:
        raise BadShard(f"'{path}' is not a whole tar file: {error}") from error


def read_encoded(path: Path) -> Iterator[EncodedPicture]:
    """Read a shard's samples in order without decoding their images; the labels are checked."""
    waiting: tuple[str, bytes] | None = None
    extras: dict[str, bytes] = {}
    for name, content in tar_members(path):
        key, _, extension = name.rpartition(".")
        extra = None if waiting is None else name.removeprefix(f"{waiting[0]}.")
        if waiting is None and extension == "jpg":
            waiting, extras = (key, content), {}
        elif extra in _EXTRAS and extra not in extras:
            extras[extra] = content
        elif waiting is not None and extension == "json" and key == waiting[0]:
            yield _encoded(path, key, waiting[1], extras, content)
            waiting = None
        else:
            expected = "a .jpg" if waiting is None else f"'{waiting[0]}.json'"
            raise BadShard(f"{path}: found '{name}' where {expected} was expected")
    if waiting is not None:
        raise BadShard(f"{path}: '{waiting[0]}.jpg' has no label")


def read_shard(path: Path) -> Iterator[PictureSample]:
    """Read and decode a shard's samples in order."""
    for encoded in read_encoded(path):
        try:
            yield encoded.decoded()
        except BadShard as error:
            raise BadShard(f"{path}: {error}") from error


def _encoded(path: Path, key: str, jpeg: bytes, extras: dict[str, bytes], label: bytes) -> EncodedPicture:
    try:
        raw = fields_of(json.loads(label), _PICTURE_FIELDS, _PICTURE_MAY, "the label")
        width, height = (positive(raw[name], name) for name in ("width", "height"))
        if not isinstance(raw["faces"], list):
            raise ValueError("'faces' must be a list")
        faces = tuple(face_from_json(face) for face in raw["faces"])
        clip, frame = (None if raw.get(name) is None else text(raw[name], name) for name in ("clip", "frame"))
        source, licence = text(raw["source"], "source"), text(raw["licence"], "licence")
        kind = cast("PictureKind", choice(raw["kind"], PICTURE_KINDS, "kind"))
    except ValueError as error:  # json's own error is one
        raise BadShard(f"{path}: sample '{key}': {error}") from error
    known = {_EXTRAS[ending]: content for ending, content in extras.items()}
    size = (int(width), int(height))
    return EncodedPicture(key, jpeg, size, faces, source, licence, kind, clip=clip, frame=frame, **known)


def _to_json(sample: PictureSample | EncodedPicture) -> dict[str, Any]:
    width, height = sample.size if isinstance(sample, EncodedPicture) else sample.image.shape[1::-1]
    faces = [face_to_json(face) for face in sample.faces]
    known = {"clip": sample.clip, "frame": sample.frame}
    return {
        "source": sample.source, "licence": sample.licence, "kind": sample.kind,
        **{name: value for name, value in known.items() if value is not None},
        "width": width, "height": height, "faces": faces,
    }  # fmt: skip


def _jpeg(sample: PictureSample | EncodedPicture, quality: int) -> bytes:
    if isinstance(sample, EncodedPicture):
        return sample.jpeg
    _, encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(sample.image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    return encoded.tobytes()


def _extras(sample: PictureSample | EncodedPicture) -> dict[str, bytes]:
    """What is stored of a sample between its picture and its label, by ending."""
    if isinstance(sample, EncodedPicture):
        found = {ending: getattr(sample, field) for ending, field in _EXTRAS.items()}
    else:
        png = {"mask.png": sample.mask, "parse.png": sample.parse}
        found = {name: None if map_ is None else cv2.imencode(".png", map_)[1].tobytes() for name, map_ in png.items()}
        found["truth.npz"] = None if sample.truth is None else truth_to_bytes(sample.truth)
    return {ending: content for ending, content in found.items() if content is not None}


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))
