"""The CSV that the Live Link Face app saves, which Unreal, Blender and Maya importers read.

Read back as any table of ARKit blendshapes (`arkit_table.py`). Its column order differs from that of the app's network
packets, so everything here goes by name. Blendshapes, signs and the timecode are described in `docs/formats.md`.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.errors import BadRate, OutputFailed
from commedia.files import FileWriter
from commedia.formats.timecode import timecode
from commedia.geometry.gaze import gaze_yaw_pitch
from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz
from commedia.structures import FaceParams

_SWAPPED = {"jawLeft": "jawRight", "jawRight": "jawLeft", "mouthLeft": "mouthRight", "mouthRight": "mouthLeft"}
BLENDSHAPE_COLUMNS: tuple[str, ...] = tuple(_SWAPPED.get(name, name) for name in EXPRESSION_NAMES)
"""The app's order: ours (that of the packets) with left and right exchanged for jaw and mouth."""
_ANGLES = ("Yaw", "Pitch", "Roll")
ANGLE_COLUMNS = tuple(f"{part}{angle}" for part in ("Head", "LeftEye", "RightEye") for angle in _ANGLES)
EYE_SIGNS = (-1.0, 1.0)
"""The app's yaw of an eye is positive to the subject's right, its pitch downwards, as takes of it show."""
COLUMNS: tuple[str, ...] = (*(name[0].upper() + name[1:] for name in BLENDSHAPE_COLUMNS), *ANGLE_COLUMNS)
HEADER = ",".join(("Timecode", "BlendshapeCount", *COLUMNS))
DEFAULT_RATE = Fraction(60)


class LiveLinkCsvWriter(FileWriter):
    """Writes one person's CSV row by row."""

    def __init__(self, path: Path, rate: Fraction = DEFAULT_RATE, start_day_s: Fraction | None = None):
        """`start_day_s` is what the timecode of time 0 shows; None is 00:00:00:00."""
        if rate <= 0:
            raise BadRate(path, "a timecode", rate)
        super().__init__(path)
        self.rate, self._start_day_s = rate, start_day_s
        self._file.write(HEADER.encode() + b"\n")

    def add(self, time_s: Fraction, params: FaceParams) -> None:
        """Write one row."""
        values = column_values(params)
        if not np.isfinite(values).all():
            raise OutputFailed(f"cannot write {self.path}: the face at {float(time_s):.3f} s is not finite")
        self._file.write(row_from_values(time_s, self.rate, values, self._start_day_s).encode() + b"\n")


def column_values(params: FaceParams) -> Float[np.ndarray, "61"]:
    """The 61 numbers of a row, in the file's order."""
    expression = params.expression.astype(np.float64)
    blendshapes = expression[[EXPRESSION_INDEX[name] for name in BLENDSHAPE_COLUMNS]]
    return np.concatenate([blendshapes, angle_values(params)])


def angle_values(params: FaceParams) -> Float[np.ndarray, "9"]:
    """Yaw, pitch and roll of head, left eye and right eye, in radians, in the order of `ANGLE_COLUMNS`."""
    head = yaw_pitch_roll_from_wxyz(params.pose.wxyz.astype(np.float64))
    gaze = gaze_yaw_pitch(params.expression.astype(np.float64)) * EYE_SIGNS
    return np.concatenate([head, np.concatenate([gaze, np.zeros((2, 1))], axis=1).reshape(-1)])


def row_from_values(
    time_s: Fraction, rate: Fraction, values: Float[np.ndarray, "61"], start_day_s: Fraction | None = None
) -> str:
    """One line of the file, without its end."""
    # Adding 0.0 turns -0.0 into 0.0.
    numbers = ",".join(f"{value + 0.0:.10f}" for value in np.round(values, 10))
    return f"{timecode(time_s, rate, start_day_s)},{len(COLUMNS)},{numbers}"
