"""Table `rolls`: given pictures, turned in steps of fifteen degrees; is the face found, alone, and tilted as it is."""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

from commedia.errors import CommediaError
from commedia.evaluation.report import Cell, Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.geometry.placement import affine_between, warp
from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz
from commedia.sources.open import open_frames
from commedia.structures import TrackedFace
from commedia.tracking.models import open_models
from commedia.tracking.settings import PHOTO_SETTINGS
from commedia.tracking.tracker import Tracker

ROLLS_DEG = tuple(range(-165, 181, 15))
GOAL_DEG = 5.0


class Rolled(NamedTuple):
    """One picture at one roll."""

    roll_deg: int
    faces: int
    read_deg: float
    """Of the largest face; NaN where there is none."""

    @property
    def error_deg(self) -> float:
        """Unsigned; NaN where nobody is found."""
        return abs((self.read_deg - self.roll_deg + 180) % 360 - 180)


def rolls(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Turn each picture of `--files`, in which one face stands upright, and read it as a photograph."""
    if not settings.files:
        raise CommediaError("this table turns pictures of one upright face; name them with --files")
    tracker = Tracker(open_models(settings.mfn, settings.sfn, flip_average=settings.flip_average), PHOTO_SETTINGS)
    rows: list[tuple[str, Rolled]] = []
    for path in settings.files:
        image = next(iter(open_frames(path))).image
        for index, roll_deg in enumerate(ROLLS_DEG):
            progress(path.name, index, len(ROLLS_DEG))
            tracker.reset()
            rows.append((path.name, _rolled(tracker.step(turned(image, roll_deg), 0).faces, roll_deg)))
        progress(path.name, len(ROLLS_DEG), len(ROLLS_DEG))
    return [rolls_table(rows)]


def turned(image: UInt8[np.ndarray, "h w 3"], roll_deg: int) -> UInt8[np.ndarray, "a b 3"]:
    """Turn a picture anticlockwise, as a positive roll does, on a canvas that holds all of it."""
    cosine, sine = np.cos(np.radians(roll_deg)), np.sin(np.radians(roll_deg))
    turn = np.array([[cosine, sine], [-sine, cosine]])
    size = np.array([image.shape[1], image.shape[0]], dtype=np.float64)
    whole = np.ceil(np.abs(turn) @ size - 1e-6)
    canvas_from_image = affine_between(turn, size / 2, whole / 2)
    width, height = whole.astype(int).tolist()
    return warp(image, canvas_from_image, (width, height), border=cv2.BORDER_REPLICATE)


def rolls_table(rows: list[tuple[str, Rolled]]) -> Table:
    """Tabulate every picture at every roll; missed faces and others' fail the goals."""
    cells: tuple[tuple[Cell, ...], ...] = tuple(
        (name, one.roll_deg, one.faces, one.read_deg, one.error_deg) for name, one in rows
    )
    errors = np.array([one.error_deg for _, one in rows])
    found = float(np.mean([one.faces == 1 for _, one in rows]))
    goals = (
        Goal("one face found, share of rolls", found, 1.0, at_most=False),
        Goal("largest error of HeadRoll, degrees", float(errors.max()), GOAL_DEG, at_most=True),
    )
    notes = (
        "HeadRoll is the last angle of yaw, pitch, roll, as files carry it; the given picture counts as roll 0.",
        "The canvas grows with the turn; beyond the picture its edge goes on.",
    )
    columns = ("picture", "roll, degrees", "faces found", "HeadRoll", "error")
    return Table("rolls", "A face at every roll", columns, cells, notes, goals)


def _rolled(faces: tuple[TrackedFace, ...], roll_deg: int) -> Rolled:
    largest = max(faces, key=lambda face: face.box.width_px * face.box.height_px, default=None)
    if largest is None:
        return Rolled(roll_deg, 0, float("nan"))
    roll = yaw_pitch_roll_from_wxyz(largest.params.pose.wxyz.astype(np.float64))[2]
    return Rolled(roll_deg, len(faces), float(np.degrees(roll)))
