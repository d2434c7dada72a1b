"""Faces whose parameters are known, as the teacher would see them, and tar files to find them in."""

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.landmarks import load_scheme, reduced_model
from commedia.face_model.model import load_head
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_yaw_pitch_roll
from commedia.labelling.blendshapes import load_blendshapes
from commedia.labelling.fit import DenseTargets

PX_PER_M = 700.0


@dataclass(frozen=True)
class KnownFaces:
    identity: Float[np.ndarray, "b 50"]
    expression: Float[np.ndarray, "b 52"]
    wxyz: Float[np.ndarray, "b 4"]
    points_px: Float[np.ndarray, "b 478 3"]
    landmarks_px: Float[np.ndarray, "b 68 2"]

    def targets(self, *, with_gold: bool = False) -> DenseTargets:
        gold = self.landmarks_px if with_gold else np.full_like(self.landmarks_px, np.nan)
        return DenseTargets(self.points_px, scores_of(self.expression), gold)


def known_faces(
    rng: np.random.Generator, count: int, *, blendshapes: tuple[str, ...] = (), weight: float = 0.7
) -> KnownFaces:
    """Random people, each making one unit after another of `blendshapes`; neutral when there are none."""
    identity = rng.normal(size=(count, 50)).clip(-2, 2).astype(np.float32) * np.float32(0.6)
    expression = np.zeros((count, EXPRESSION_COUNT), np.float32)
    for row in range(count if blendshapes else 0):
        expression[row, EXPRESSION_INDEX[blendshapes[row % len(blendshapes)]]] = weight
    wxyz = wxyz_from_yaw_pitch_roll(rng.normal(size=(count, 3)) * np.array([0.4, 0.2, 0.2])).astype(np.float32)
    points, landmarks = (_placed(identity, expression, wxyz, scheme) for scheme in ("mediapipe478", "ibug68"))
    return KnownFaces(identity, expression, wxyz, points, landmarks[..., :2])


def placed(faces: KnownFaces, expression: Float[np.ndarray, "b 52"]) -> Float[np.ndarray, "b 478 3"]:
    """Dense points of the same people, turned alike, with another expression."""
    return _placed(faces.identity, expression, faces.wxyz, "mediapipe478")


def _placed(identity: np.ndarray, expression: np.ndarray, wxyz: np.ndarray, scheme: str) -> np.ndarray:
    model = reduced_model(load_head().model, load_scheme(scheme))
    shape = np.stack([vertices_from_params(model, *weights) for weights in zip(identity, expression, strict=True)])
    turned = shape @ matrix_from_wxyz(wxyz).transpose(0, 2, 1) * np.float32(PX_PER_M)
    return (turned * np.float32([1, -1, -1]) + np.float32([96, 100, 0])).astype(np.float32)


def scored_blendshapes() -> tuple[str, ...]:
    """Those that the teacher knows best, without blinks: a single one is not believed of a face that is turned."""
    known = (name for name, index in EXPRESSION_INDEX.items() if load_blendshapes().weight[index] >= 0.8)
    return tuple(name for name in known if not name.startswith("eyeBlink"))


def scores_of(expression: Float[np.ndarray, "b 52"]) -> Float[np.ndarray, "b 52"]:
    """What a teacher would say who is right: the scores whose limits lie around each weight."""
    scores = np.zeros_like(expression)
    for column, rows in enumerate(load_blendshapes().rows):
        middle = rows[:, 1:].mean(axis=1) + 1e-6 * np.arange(len(rows))
        scores[:, column] = np.where(expression[:, column] > 0, np.interp(expression[:, column], middle, rows[:, 0]), 0)
    return scores


def write_pictures(path: Path, count: int, records: list[dict] | None = None) -> Path:
    """A tar file of grey pictures, with records where they are given."""
    _, jpeg = cv2.imencode(".jpg", np.full((192, 192, 3), 90, np.uint8))
    with tarfile.open(path, "w") as tar:
        for index in range(count):
            members = {f"p{index}.jpg": jpeg.tobytes()}
            if records is not None:
                members[f"p{index}.json"] = json.dumps(records[index]).encode()
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path
