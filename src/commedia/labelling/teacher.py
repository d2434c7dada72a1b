"""MediaPipe's face landmarker as a labeller: 478 points and 52 scores for the one face a crop is about.

Its points are good and its scores mostly are not (measured: `docs/label.md`), so nothing here turns scores into
expression; that is the fit's decision. It runs only where photographs are labelled, never on the live path.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.errors import CommediaError, MissingExtra
from commedia.geometry.placement import inverse_affine, moved_points, ours_from_opencv, warp

POINT_COUNT = 478

_CANVAS_PX = 512
# Zoom about the picture's centre and turn in degrees, tried in order until a face is found. The short-range detector
# inside wants a face of about a third to two thirds of its square, roughly upright.
_VIEWS = ((1.0, 0.0), (0.7, 0.0), (1.4, 0.0), (0.7, 25.0), (0.7, -25.0), (0.5, 0.0), (0.9, 50.0), (0.9, -50.0))


@dataclass(frozen=True)
class TeacherPrediction:
    """What the teacher says about one face."""

    points_px: Float[np.ndarray, "478 3"]
    """x and y in pixels of the picture, y down; z in the same unit, growing away from the viewer, zero near the head's
    middle."""
    scores: Float[np.ndarray, "52"]
    """Its blendshape scores by `EXPRESSION_NAMES`; 0 for `tongueOut`, which it does not know."""


class Teacher:
    """A landmarker that holds native resources; use it as a context."""

    def __init__(self, landmarker: Path):
        if not landmarker.is_file():
            raise CommediaError(
                f"no face landmarker at '{landmarker}'; give MediaPipe's 'face_landmarker_v2_with_blendshapes.task'"
            )
        try:
            with _quiet_stderr():
                import mediapipe
                from mediapipe.tasks.python import BaseOptions, vision
        except ImportError as error:
            raise MissingExtra("labelling photographs", "mediapipe", "label") from error
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_buffer=landmarker.read_bytes()),
            num_faces=4,
            min_face_detection_confidence=0.3,
            output_face_blendshapes=True,
        )
        self._picture = lambda image: mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image)
        with _quiet_stderr():
            try:
                self._landmarker = vision.FaceLandmarker.create_from_options(options)
            except (RuntimeError, ValueError) as error:
                raise CommediaError(f"'{landmarker}' is not a face landmarker MediaPipe can load") from error
            # The first call makes the native library log; have it do so here, unheard.
            self._landmarker.detect(self._picture(np.zeros((64, 64, 3), np.uint8)))

    def __enter__(self) -> "Teacher":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self.close()

    def close(self) -> None:
        """Give the native resources back; reading afterwards is a mistake."""
        self._landmarker.close()

    def read(self, image: UInt8[np.ndarray, "h w 3"]) -> TeacherPrediction | None:
        """Read the face nearest to the picture's centre (in units of its own size); None when no view shows
        one."""
        for zoom, turn_deg in _VIEWS:
            canvas_from_image = _view(image.shape[1], image.shape[0], zoom, turn_deg)
            result = self._landmarker.detect(self._picture(warp(image, canvas_from_image, (_CANVAS_PX, _CANVAS_PX))))
            if result.face_landmarks:
                predictions = [
                    TeacherPrediction(_points_px(points, canvas_from_image), _scores(scores))
                    for points, scores in zip(result.face_landmarks, result.face_blendshapes, strict=True)
                ]
                return min(predictions, key=lambda prediction: _distance_to_centre(prediction, image))
        return None


def _view(width: int, height: int, zoom: float, turn_deg: float) -> Float[np.ndarray, "2 3"]:
    """The similarity that lays the whole picture, zoomed and turned about its centre, on the canvas."""
    scale = zoom * _CANVAS_PX / max(width, height)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn_deg, scale).astype(np.float64)
    matrix[:, 2] += _CANVAS_PX / 2 - np.array([width / 2, height / 2])
    return ours_from_opencv(matrix)


def _points_px(points: list, canvas_from_image: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, "478 3"]:
    canvas_px = np.array([(point.x, point.y, point.z) for point in points], dtype=np.float64) * _CANVAS_PX
    plane = moved_points(canvas_px[:, :2], inverse_affine(canvas_from_image))
    scale = float(np.sqrt(np.linalg.det(canvas_from_image[:, :2])))
    return np.column_stack([plane, canvas_px[:, 2] / scale]).astype(np.float32)


def _scores(categories: list) -> Float[np.ndarray, "52"]:
    scores = np.zeros(EXPRESSION_COUNT, dtype=np.float32)
    for category in categories:
        if category.category_name in EXPRESSION_INDEX:
            scores[EXPRESSION_INDEX[category.category_name]] = category.score
    return scores


def _distance_to_centre(prediction: TeacherPrediction, image: UInt8[np.ndarray, "h w 3"]) -> float:
    plane = prediction.points_px[:, :2]
    low, high = plane.min(axis=0), plane.max(axis=0)
    middle = np.array([image.shape[1], image.shape[0]]) / 2
    return float(np.linalg.norm((low + high) / 2 - middle) / max(float(np.sqrt(np.prod(high - low))), 1e-6))


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Send what native libraries write to file descriptor 2 nowhere, for a moment."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
