"""The CSV that the Live Link Face app saves, which Unreal, Blender and Maya importers read.

Its column order differs from that of the app's network packets, so everything here goes by name. Units, signs and the
timecode are described in `docs/formats.md`.
"""

import csv
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.errors import BadRate, OutputFailed, SinkClosed, UnreadableMedia, nearest
from commedia.files import AtomicFile
from commedia.formats.timecode import milliframes_from_timecode, timecode
from commedia.geometry.gaze import gaze_yaw_pitch
from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz
from commedia.structures import FaceParams, RigPose, TrackedFace

_SWAPPED = {"jawLeft": "jawRight", "jawRight": "jawLeft", "mouthLeft": "mouthRight", "mouthRight": "mouthLeft"}
UNIT_COLUMNS: tuple[str, ...] = tuple(_SWAPPED.get(name, name) for name in EXPRESSION_NAMES)
"""The app's order: ours (that of the packets) with left and right exchanged for jaw and mouth."""
_ANGLES = ("Yaw", "Pitch", "Roll")
ANGLE_COLUMNS = tuple(f"{part}{angle}" for part in ("Head", "LeftEye", "RightEye") for angle in _ANGLES)
EYE_SIGNS = (-1.0, 1.0)
"""The app's yaw of an eye is positive to the subject's right, its pitch downwards, as takes of it show."""
COLUMNS: tuple[str, ...] = (*(name[0].upper() + name[1:] for name in UNIT_COLUMNS), *ANGLE_COLUMNS)
HEADER = ",".join(("Timecode", "BlendshapeCount", *COLUMNS))
DEFAULT_RATE = Fraction(60)


@dataclass(frozen=True)
class LiveLinkTake:
    """What a CSV holds."""

    milliframes: Int64[np.ndarray, " n"]
    """Thousandths of frames since timecode zero; see `milliframes_from_timecode`."""
    expression: Float[np.ndarray, "n e"]
    """In the order of `EXPRESSION_NAMES`; 0 where the file has no such column."""
    angles: Float[np.ndarray, "n 9"]
    """In the order of `ANGLE_COLUMNS`; 0 where the file has no such column."""


class LiveLinkCsvWriter:
    """A sink that writes one person's CSV row by row."""

    def __init__(self, path: Path, rate: Fraction = DEFAULT_RATE):
        if rate <= 0:
            raise BadRate(path, "a timecode", rate)
        self.path, self.rate = path, rate
        self._file = AtomicFile(path)
        self._closed = False
        self._file.write(HEADER.encode() + b"\n")

    def send(self, time_s: Fraction, face: TrackedFace, pose: RigPose) -> None:
        """Write one frame; the columns show the face, so `pose` is not needed here."""
        self.add(time_s, face.params)

    def add(self, time_s: Fraction, params: FaceParams) -> None:
        """Write one row."""
        if self._closed:
            raise SinkClosed(self.path)
        values = column_values(params)
        if not np.isfinite(values).all():
            raise OutputFailed(f"cannot write {self.path}: the face at {float(time_s):.3f} s is not finite")
        self._file.write(row_from_values(time_s, self.rate, values).encode() + b"\n")

    def close(self) -> None:
        """Give the file its name."""
        if not self._closed:
            self._closed = True
            self._file.commit()

    def discard(self) -> None:
        """Remove what was written."""
        self._closed = True
        self._file.discard()


def column_values(params: FaceParams) -> Float[np.ndarray, "61"]:
    """The 61 numbers of a row, in the file's order."""
    expression = params.expression.astype(np.float64)
    units = expression[[EXPRESSION_INDEX[name] for name in UNIT_COLUMNS]]
    head = yaw_pitch_roll_from_wxyz(params.pose.wxyz.astype(np.float64))
    eyes = np.concatenate([gaze_yaw_pitch(expression) * EYE_SIGNS, np.zeros((2, 1))], axis=1)
    return np.concatenate([units, head, eyes.reshape(-1)])


def row_from_values(time_s: Fraction, rate: Fraction, values: Float[np.ndarray, "61"]) -> str:
    """One line of the file, without its end."""
    # Adding 0.0 turns -0.0 into 0.0.
    numbers = ",".join(f"{value + 0.0:.10f}" for value in np.round(values, 10))
    return f"{timecode(time_s, rate)},{len(COLUMNS)},{numbers}"


def read_livelink_csv(path: Path, rate: Fraction = DEFAULT_RATE) -> LiveLinkTake:
    """Read a Live Link Face CSV by column name; the rate, which the file does not state, turns labels into counts."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file)
            names = [name.strip().lower() for name in next(rows, [])]
            if not names or names[0] != "timecode":
                raise UnreadableMedia(f"{path} is no Live Link Face CSV: its first column is not 'Timecode'")
            kept = [row for row in rows if len(row) == len(names)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableMedia(f"cannot read {path}: {error}") from None
    wanted = [name.lower() for name in (*EXPRESSION_NAMES, *ANGLE_COLUMNS)]
    if not set(wanted) & set(names):
        hint = nearest("JawOpen", names)
        raise UnreadableMedia(f"{path} has none of the 61 columns of a Live Link Face CSV; {hint}found {names[:6]}")
    try:
        counts = np.array([milliframes_from_timecode(row[0], rate) for row in kept], dtype=np.int64)
        table = np.zeros((len(kept), len(wanted)))
        for column, name in enumerate(wanted):
            if name in names:
                table[:, column] = [float(row[names.index(name)]) for row in kept]
    except ValueError as error:
        raise UnreadableMedia(f"{path} is no Live Link Face CSV: {error}") from None
    return LiveLinkTake(counts, table[:, :EXPRESSION_COUNT], table[:, EXPRESSION_COUNT:])
