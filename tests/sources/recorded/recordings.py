"""Motion as other programs save it, and what was read of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from commedia.conventions import EXPRESSION_INDEX
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_yaw_pitch_roll
from commedia.sources.open import open_source
from commedia.sources.source import RecordedSource
from commedia.structures import TrackedFrame


def read(path: Path, **options: Any) -> tuple[RecordedSource, list[TrackedFrame]]:
    """Open a file of motion and read it to its end."""
    source = open_source(path, **options)
    assert not source.info.pictures, "taken for pictures"
    return source, list(source)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def unit(frame: TrackedFrame, name: str, person: int = 1) -> float:
    """Weight of a unit of one person."""
    (face,) = (face for face in frame.faces if face.id == person)
    return float(face.params.expression[EXPRESSION_INDEX[name]])


def head(frame: TrackedFrame) -> np.ndarray:
    return frame.faces[0].params.pose.wxyz


def transform(yaw_pitch_roll: tuple[float, float, float]) -> np.ndarray:
    """A face 40 cm before the camera, as MediaPipe places it: centimetres, a little off the axis and scaled."""
    matrix = np.eye(4)
    matrix[:3, :3] = 1.02 * matrix_from_wxyz(wxyz_from_yaw_pitch_roll(np.array(yaw_pitch_roll)))
    matrix[:3, 3] = (1.5, -2.5, -40)
    return matrix


def browser_frame(index: int, score: float = 0.5, **more: Any) -> dict[str, Any]:
    """A frame as JavaScript's JSON.stringify writes a FaceLandmarkerResult, with a timestamp added."""
    categories = [
        {"index": 0, "score": 0.9, "categoryName": "_neutral", "displayName": ""},
        {"index": 25, "score": score, "categoryName": "jawOpen", "displayName": ""},
    ]
    matrix = {"rows": 4, "columns": 4, "data": transform((0.3, 0.2, 0.1)).T.reshape(-1).tolist()}
    return {
        "timestamp_ms": 33 * index + (index + 1) // 3,
        "faceLandmarks": [[{"x": 0.5, "y": 0.4, "z": -0.1, "visibility": 0}] * 3],
        "faceBlendshapes": [{"categories": categories, "headIndex": -1, "headName": ""}],
        "facialTransformationMatrixes": [matrix],
        **more,
    }


def json_lines(frames: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(frame) + "\n" for frame in frames)
