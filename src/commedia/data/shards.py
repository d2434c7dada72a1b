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

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT, LANDMARK_COUNT
from commedia.data.sample import (
    ACTION_BLENDSHAPE_COUNT,
    LANDMARK_KINDS,
    PICTURE_KINDS,
    FaceSample,
    LandmarkKind,
    PictureKind,
    PictureSample,
)
from commedia.data.truth import COVERED, PARSE_UNKNOWN, DrawnTruth, truth_from_bytes, truth_to_bytes
from commedia.errors import BadShard
from commedia.face_model.model import PARSE_CLASSES
from commedia.files import written_aside
from commedia.structures import Box, HeadPose

_EXTRAS = {"mask.png": "mask_png", "parse.png": "parse_png", "truth.npz": "truth_npz"}
"""What may stand between picture and label: the member's ending, and the field of `EncodedPicture`."""
_PICTURE_MAY = frozenset({"clip", "frame"})
_FACE_MAY = frozenset({"pose_weight", "action_units"})
_PICTURE_FIELDS = frozenset({"source", "licence", "kind", "width", "height", "faces"})
_FACE_FIELDS = frozenset(
    {"identity_name", "box", "landmarks_px", "landmark_kind", "identity", "expression", "expression_weight"}
    | {"wxyz", "origin_px", "px_per_m"}
)


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
        raw = _fields(json.loads(label), _PICTURE_FIELDS, _PICTURE_MAY, "the label")
        width, height = (_positive(raw[name], name) for name in ("width", "height"))
        if not isinstance(raw["faces"], list):
            raise ValueError("'faces' must be a list")
        faces = tuple(_face(face) for face in raw["faces"])
        clip, frame = (None if raw.get(name) is None else _text(raw[name], name) for name in ("clip", "frame"))
        source, licence = _text(raw["source"], "source"), _text(raw["licence"], "licence")
        kind = cast("PictureKind", _choice(raw["kind"], PICTURE_KINDS, "kind"))
    except ValueError as error:  # json's own error is one
        raise BadShard(f"{path}: sample '{key}': {error}") from error
    known = {_EXTRAS[ending]: content for ending, content in extras.items()}
    size = (int(width), int(height))
    return EncodedPicture(key, jpeg, size, faces, source, licence, kind, clip=clip, frame=frame, **known)


def _face(raw: Any) -> FaceSample:
    raw = _fields(raw, _FACE_FIELDS, _FACE_MAY, "a face")
    left, top, right, bottom = _numbers(raw["box"], (4,), "box").tolist()
    if not (left < right and top < bottom):
        raise ValueError(f"'box' {[left, top, right, bottom]} has no area")
    wxyz = _numbers(raw["wxyz"], (4,), "wxyz")
    if abs(float(np.linalg.norm(wxyz)) - 1) > 1e-3:
        raise ValueError("'wxyz' is not a unit quaternion")
    pose = HeadPose(wxyz, _numbers(raw["origin_px"], (2,), "origin_px"), _positive(raw["px_per_m"], "px_per_m"))
    identity, expression, name = raw["identity"], raw["expression"], raw["identity_name"]
    weight, blendshapes = raw.get("pose_weight"), raw.get("action_units")
    return FaceSample(
        box=Box(left, top, right, bottom),
        landmarks_px=_numbers(raw["landmarks_px"], (LANDMARK_COUNT, 2), "landmarks_px"),
        landmark_kind=cast("LandmarkKind", _choice(raw["landmark_kind"], LANDMARK_KINDS, "landmark_kind")),
        pose=pose,
        identity=None if identity is None else _numbers(identity, (IDENTITY_COUNT,), "identity"),
        expression=None if expression is None else _weights(expression, "expression"),
        expression_weight=_weights(raw["expression_weight"], "expression_weight"),
        identity_name=None if name is None else _text(name, "identity_name"),
        pose_weight=None if weight is None else float(_weights(weight, "pose_weight", ())),
        action_units=None if blendshapes is None else _weights(blendshapes, "action_units", (ACTION_BLENDSHAPE_COUNT,)),
    )


def _fields(raw: Any, names: frozenset[str], may: frozenset[str], what: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError(f"{what} is not an object")
    if missing := sorted(names - raw.keys()):
        raise ValueError(f"{what} lacks {missing}")
    if unknown := sorted(raw.keys() - names - may):
        raise ValueError(f"{what} has unknown {unknown}; known: {sorted(names | may)}")
    return raw


def _numbers(raw: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    try:
        numbers = np.asarray(raw, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"'{name}' is not made of numbers") from error
    if numbers.shape != shape:
        raise ValueError(f"'{name}' has shape {numbers.shape}, expected {shape}")
    if not np.isfinite(numbers).all():
        raise ValueError(f"'{name}' is not finite")
    return numbers


def _weights(raw: Any, name: str, shape: tuple[int, ...] = (EXPRESSION_COUNT,)) -> np.ndarray:
    weights = _numbers(raw, shape, name)
    if weights.min() < 0 or weights.max() > 1:
        raise ValueError(f"'{name}' leaves [0, 1]: {weights.min():.3f} to {weights.max():.3f}")
    return weights


def _positive(raw: Any, name: str) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 < raw < float("inf"):
        raise ValueError(f"'{name}' must be a positive number, found {raw!r}")
    return float(raw)


def _text(raw: Any, name: str) -> str:
    if not isinstance(raw, str) or not raw:
        raise ValueError(f"'{name}' must be a text, found {raw!r}")
    return raw


def _choice(raw: Any, known: tuple[str, ...], name: str) -> str:
    if raw not in known:
        raise ValueError(f"'{name}' is {raw!r}; known: {', '.join(known)}")
    return raw


def _to_json(sample: PictureSample | EncodedPicture) -> dict[str, Any]:
    width, height = sample.size if isinstance(sample, EncodedPicture) else sample.image.shape[1::-1]
    faces = [_face_to_json(face) for face in sample.faces]
    known = {"clip": sample.clip, "frame": sample.frame}
    return {
        "source": sample.source, "licence": sample.licence, "kind": sample.kind,
        **{name: value for name, value in known.items() if value is not None},
        "width": width, "height": height, "faces": faces,
    }  # fmt: skip


def _face_to_json(face: FaceSample) -> dict[str, Any]:
    box = face.box
    known = {"pose_weight": face.pose_weight, "action_units": face.action_units}
    return {
        **{name: _rounded(value, 4) for name, value in known.items() if value is not None},
        "identity_name": face.identity_name,
        "box": _rounded([box.left_px, box.top_px, box.right_px, box.bottom_px], 3),
        "landmarks_px": _rounded(face.landmarks_px, 3),
        "landmark_kind": face.landmark_kind,
        "identity": None if face.identity is None else _rounded(face.identity, 4),
        "expression": None if face.expression is None else _rounded(face.expression, 4),
        "expression_weight": _rounded(face.expression_weight, 4),
        "wxyz": _rounded(face.pose.wxyz, 7),
        "origin_px": _rounded(face.pose.origin_px, 3),
        "px_per_m": float(face.pose.px_per_m),
    }


def _rounded(numbers: Any, digits: int) -> Any:
    return np.round(np.asarray(numbers, dtype=np.float64), digits).tolist()


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
