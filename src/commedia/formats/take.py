"""The take file: everything that was measured, as JSON Lines. Its schema is `docs/take-schema.md`.

A header line, then one line per frame, also for frames without anyone. Written as it comes, read as it goes: neither
side holds more than one frame.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from commedia.conventions import EXPRESSION_NAMES, LANDMARK_COUNT
from commedia.errors import OutputFailed, UnreadableMedia
from commedia.face_model.model import head_sha256
from commedia.files import FileWriter, GrowingFile
from commedia.formats.timecode import DAY_S
from commedia.structures import Box, FaceParams, HeadPose, TrackedFace, TrackedFrame

FORMAT, VERSION = "commedia-take", 1
CONVENTIONS = {
    "head_frame": "right-handed, metres, +x subject's left, +y up, +z out of the face",
    "rotation": "camera_from_head unit quaternion wxyz, w >= 0",
    "image": "pixels, +x right, +y down, (0, 0) is the corner of the first pixel",
    "expression": "0 neutral to 1 full, in the order of expression_names",
    "identity": "standard deviations along the components of the head model",
}
LONGEST_LINE = 1 << 24
"""Bytes; a face has five thousand. A longer line is no frame, but a file that wants to fill the memory."""
_DAMAGE = (ValueError, KeyError, TypeError, ArithmeticError, RecursionError)


@dataclass(frozen=True)
class TakeHeader:
    """The first line of a take."""

    source: str
    """What was watched, as the user named it."""
    rate: Fraction
    """Nominal frames per second; frames carry their own times."""
    width_px: int
    height_px: int
    expression_names: tuple[str, ...] = EXPRESSION_NAMES
    head_sha256: str | None = None
    """Of the head model that `identity` refers to; None stands for this installation's own when writing."""
    person: str | None = None
    """`Person.id` of whoever was watched, where that was known."""
    start_day_s: Fraction | None = None
    """Time of day of the first frame, as the source's own timecode shows it."""

    @property
    def is_read(self) -> bool:
        """Faces were read in pictures, which have a size; a take of others' motion says [0, 0]."""
        return self.width_px > 0 and self.height_px > 0


class TakeWriter(FileWriter):
    """Writes a take frame by frame."""

    def __init__(self, path: Path, header: TakeHeader, *, growing: bool = False):
        """A `growing` take has its name from the beginning, and every whole frame is on disk at once."""
        super().__init__(path, GrowingFile(path) if growing else None)
        self._line(_json_from_header(header), "the header")

    def add(self, frame: TrackedFrame) -> None:
        """Write one frame, with or without faces."""
        faces = [_json_from_face(face) for face in frame.faces]
        self._line({"index": frame.index, "time_s": _pair(frame.time_s), "faces": faces}, f"frame {frame.index}")

    def _line(self, tree: dict, what: str) -> None:
        try:
            text = json.dumps(tree, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
        except ValueError:
            self.discard()
            raise OutputFailed(f"cannot write {self.path}: {what} holds a value that is not finite") from None
        self._file.write(text.encode() + b"\n")


class TakeReader:
    """Reads a take frame by frame; iterate over it once.

    A last line that was cut off is left out and remembered in `truncated`: a take that was copied while it was written,
    or from a full disk, still holds all its whole frames.
    """

    def __init__(self, path: Path):
        self.path = path
        self.truncated = False
        try:
            self._file = path.open("rb")
            first = self._file.readline(LONGEST_LINE)
        except OSError as error:
            raise UnreadableMedia(f"cannot read the take {path}: {error.strerror or error}") from None
        try:
            self.header = _header_from_json(json.loads(first))
        except _DAMAGE as error:
            self._file.close()
            raise UnreadableMedia(f"{path} is no take: its first line is not a header ({_brief(error)})") from None

    def __iter__(self) -> Iterator[TrackedFrame]:
        with self._file:
            for number, line in enumerate(iter(lambda: self._file.readline(LONGEST_LINE), b""), start=2):
                try:
                    frame = _frame_from_json(json.loads(line))
                except _DAMAGE as error:
                    if not line.endswith(b"\n") and len(line) < LONGEST_LINE:
                        self.truncated = True
                        return
                    raise UnreadableMedia(f"{self.path}: line {number} is no frame ({_brief(error)})") from None
                yield frame

    def close(self) -> None:
        """Close the file; a reader that was iterated to its end is closed already."""
        self._file.close()


def _json_from_header(header: TakeHeader) -> dict:
    return {
        "format": FORMAT,
        "version": VERSION,
        "source": header.source,
        "rate": _pair(header.rate),
        "frame_size_px": [header.width_px, header.height_px],
        "expression_names": list(header.expression_names),
        "conventions": CONVENTIONS,
        "head_sha256": header.head_sha256 or head_sha256(),
        **({} if header.person is None else {"person": header.person}),
        **({} if header.start_day_s is None else {"start_day_s": _pair(header.start_day_s)}),
    }


def _header_from_json(tree: dict) -> TakeHeader:
    if tree["format"] != FORMAT or tree["version"] != VERSION:
        raise ValueError(f"format {tree['format']!r} version {tree['version']!r}")
    width, height = tree["frame_size_px"]
    names = tuple(tree["expression_names"])
    whole = (_whole(width), _whole(height))
    person = None if tree.get("person") is None else str(tree["person"])
    start_day_s = None if tree.get("start_day_s") is None else Fraction(*tree["start_day_s"])
    if start_day_s is not None and not 0 <= start_day_s < DAY_S:
        raise ValueError(f"the time of day {start_day_s} s")
    more = (_names(names), tree["head_sha256"], person, start_day_s)
    return TakeHeader(str(tree["source"]), Fraction(*tree["rate"]), *whole, *more)


def _json_from_face(face: TrackedFace) -> dict:
    pose, box = face.params.pose, face.box
    return {
        "id": face.id,
        "status": face.status,
        "confidence": _rounded(face.confidence, 4),
        "box_px": _rounded([box.left_px, box.top_px, box.right_px, box.bottom_px], 2),
        "identity": _rounded(face.params.identity, 4),
        "expression": _rounded(face.params.expression, 5),
        "wxyz": _rounded(pose.wxyz, 7),
        "origin_px": _rounded(pose.origin_px, 3),
        "px_per_m": _rounded(pose.px_per_m, 3),
        "landmarks_px": _rounded(face.landmarks_px, 2),
    }


def _frame_from_json(tree: dict) -> TrackedFrame:
    faces = tuple(_face_from_json(face) for face in tree["faces"])
    return TrackedFrame(_whole(tree["index"]), Fraction(*tree["time_s"]), faces)


def _face_from_json(tree: dict) -> TrackedFace:
    pose = HeadPose(_array(tree["wxyz"], 4), _array(tree["origin_px"], 2), float(tree["px_per_m"]))
    params = FaceParams(_array(tree["identity"]), _array(tree["expression"]), pose)
    box = Box(*(float(edge) for edge in tree["box_px"]))
    landmarks = _array(tree["landmarks_px"], LANDMARK_COUNT, 2)
    if tree["status"] not in ("tracked", "held", "fading"):
        raise ValueError(f"status {tree['status']!r}")
    return TrackedFace(_whole(tree["id"], 1), tree["status"], box, params, landmarks, float(tree["confidence"]))


def _array(values: list, *shape: int) -> np.ndarray:
    """An array of the given shape; without one, a row of any length."""
    array = np.array(values, dtype=np.float64)
    if array.shape != shape if shape else array.ndim != 1:
        raise ValueError(f"an array of shape {array.shape}")
    return array


def _whole(value: object, least: int = 0) -> int:
    if type(value) is not int or not least <= value < 1 << 31:
        raise ValueError(f"{value!r} is no whole number from {least} up")
    return value


def _names(names: tuple) -> tuple[str, ...]:
    if not all(isinstance(name, str) for name in names):
        raise ValueError("a blendshape's name is no text")
    return names


def _brief(error: Exception) -> str:
    """What a damaged file is quoted with fits on a line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _rounded(values, digits: int):
    """Plain floats with as many digits as mean something; a take is mostly numbers."""
    return np.round(np.asarray(values, dtype=np.float64), digits).tolist()


def _pair(value: Fraction) -> list[int]:
    return [value.numerator, value.denominator]
