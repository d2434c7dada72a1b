"""MediaPipe's face landmarker as we compare with it: called in the crop that suits it best; its clips kept on disk.

A crop of 1.5 times the longer side of the 68 points' box, turned upright, at 512 px, gives it its lowest error; it is
the crop SFN reads. Measured in `docs/evaluation.md`.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

from commedia.conventions import EXPRESSION_COUNT
from commedia.faces.crop import crop_from_landmarks, crop_image
from commedia.files import named_aside, sha256_of
from commedia.labelling.teacher import Teacher, TeacherPrediction
from commedia.sources.open import open_frames

MAPPING_FILE = Path(__file__).resolve().parents[1] / "assets" / "mappings" / "mediapipe478-ibug68.toml"
BEST_SCALE, BEST_PX = 1.5, 512
"""Side of the crop over the longer side of the 68 points' box, and in pixels."""


@dataclass(frozen=True)
class ClipReading:
    """What MediaPipe says of the person of a clip, frame by frame; rows of NaN where it sees nobody."""

    scores: Float[np.ndarray, "n 52"]
    points_px: Float[np.ndarray, "n 68 2"]

    @property
    def seen(self) -> np.ndarray:
        """Frames in which it sees somebody, as booleans."""
        return np.isfinite(self.scores[:, 0])

    @property
    def shows_somebody(self) -> bool:
        """Whether it sees somebody in more than a tenth of the frames; a few are mistakes."""
        return bool(self.seen.mean() > 0.1)


@cache
def ibug_from_mediapipe() -> Int[np.ndarray, "68"]:
    """Which of MediaPipe's 478 points stands for each iBUG-68 point."""
    groups = tomllib.loads(MAPPING_FILE.read_text(encoding="utf-8"))
    return np.concatenate([np.array(group) for group in groups.values()])


def ibug_points(prediction: TeacherPrediction) -> Float[np.ndarray, "68 2"]:
    """The iBUG-68 points of a prediction, in pixels of the picture."""
    return prediction.points_px[ibug_from_mediapipe(), :2]


def read_around(
    teacher: Teacher, image: UInt8[np.ndarray, "h w 3"], points_px: Float[np.ndarray, "68 2"]
) -> TeacherPrediction | None:
    """Read the face at these points in MediaPipe's best crop; None when it finds none there."""
    crop = crop_from_landmarks(points_px, scale=BEST_SCALE)
    prediction = teacher.read(crop_image(image, crop, BEST_PX))
    if prediction is None:
        return None
    px_per_px = crop.side_px / BEST_PX
    plane = (prediction.points_px[:, :2] - BEST_PX / 2) * px_per_px @ crop.image_from_crop.T + crop.center_px
    depth = prediction.points_px[:, 2:] * px_per_px
    return TeacherPrediction(np.concatenate([plane, depth], axis=1).astype(np.float32), prediction.scores)


def read_closely(teacher: Teacher, image: UInt8[np.ndarray, "h w 3"]) -> TeacherPrediction | None:
    """Read the face nearest the middle: first in the whole picture, then in its best crop."""
    first = teacher.read(image)
    return None if first is None else read_around(teacher, image, ibug_points(first)) or first


def read_clip(path: Path, landmarker: Path, kept: Path) -> ClipReading:
    """Read a clip in best crops placed by the frame before; from the folder `kept` where it was read already."""
    name = f"{path.stem}-{sha256_of(path)[:12]}-{sha256_of(landmarker)[:8]}-{BEST_SCALE:g}x{BEST_PX}.npz"
    memory = kept / name
    if memory.is_file():
        with np.load(memory, allow_pickle=False) as arrays:
            return ClipReading(arrays["scores"], arrays["points"])
    reading = _read_clip(path, landmarker)
    with named_aside(memory, ".npz") as aside:
        np.savez_compressed(aside, scores=reading.scores, points=reading.points_px)
    return reading


def _read_clip(path: Path, landmarker: Path) -> ClipReading:
    scores, points = [], []
    last: Float[np.ndarray, "68 2"] | None = None
    with Teacher(landmarker) as teacher, open_frames(path) as source:
        for frame in source:
            near = None if last is None else read_around(teacher, frame.image, last)
            prediction = near or read_closely(teacher, frame.image)
            last = None if prediction is None else ibug_points(prediction)
            scores.append(np.full(EXPRESSION_COUNT, np.nan) if prediction is None else prediction.scores)
            points.append(np.full((68, 2), np.nan) if last is None else last)
    return ClipReading(
        np.array(scores, dtype=np.float32).reshape(-1, EXPRESSION_COUNT),
        np.array(points, dtype=np.float32).reshape(-1, 68, 2),
    )
