"""How far a take of the troupe is from what the troupe really did."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from commedia.demo.performance import FRAME_RATE, TROUPE, params_at
from commedia.face_model.landmarks import face_box_from_params, landmarks_from_params
from commedia.formats.take import TakeReader
from commedia.geometry.boxes import intersection_over_union
from commedia.geometry.rotations import axis_angle_from_wxyz, inverse_wxyz, multiply_wxyz
from commedia.structures import Box, FaceParams, TrackedFace, TrackedFrame

ACTIVE = 0.5
"""Expression errors count where the true weight is larger: a face at rest is easy."""
SAME_FACE_IOU = 0.4


@dataclass(frozen=True)
class PerformerErrors:
    """Means over the frames in which the performer was found; nan where never."""

    name: str
    ids: tuple[int, ...]
    """One id throughout is right."""
    found: float
    """Share of frames."""
    landmarks: float
    """Mean distance of the head's 68 points, as a share of the root of the face box's area."""
    turn_deg: float
    active_expression: float
    """Mean absolute error of the blendshapes that are truly above `ACTIVE`."""


def troupe_errors(take: Path) -> list[PerformerErrors]:
    """Compare a take file of the troupe's clip with the script."""
    frames = list(TakeReader(take))
    return [_performer_errors(performer, frames) for performer in TROUPE]


def _performer_errors(performer, frames: list[TrackedFrame]) -> PerformerErrors:
    ids: list[int] = []
    rows, blendshapes = [], []
    for frame in frames:
        truth = params_at(performer, frame.index / FRAME_RATE)
        box = face_box_from_params(truth)
        face = _same_face(frame, box)
        if face is not None:
            ids.append(face.id)
            rows.append(_geometry_errors(face, truth, box))
            blendshapes.extend(np.abs(face.params.expression - truth.expression)[truth.expression > ACTIVE])
    landmarks, turn = np.mean(rows, axis=0) if rows else (np.nan, np.nan)
    expression = float(np.mean(blendshapes)) if blendshapes else np.nan
    share = len(rows) / max(len(frames), 1)
    return PerformerErrors(performer.name, tuple(sorted(set(ids))), share, float(landmarks), float(turn), expression)


def _same_face(frame: TrackedFrame, box: Box) -> TrackedFace | None:
    overlaps = [(intersection_over_union(face.box, box), face.id, face) for face in frame.faces]
    best = max(overlaps, default=(0.0, 0, None))
    return best[2] if best[0] >= SAME_FACE_IOU else None


def _geometry_errors(face: TrackedFace, truth: FaceParams, box: Box) -> tuple[float, float]:
    distance = np.linalg.norm(landmarks_from_params(face.params) - landmarks_from_params(truth), axis=1).mean()
    between = multiply_wxyz(inverse_wxyz(truth.pose.wxyz.astype(float)), face.params.pose.wxyz.astype(float))
    turn = np.linalg.norm(axis_angle_from_wxyz(between))
    return float(distance / np.sqrt(box.width_px * box.height_px)), float(np.degrees(turn))
