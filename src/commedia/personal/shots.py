"""Cuts of a head to the shots that are drawn again, and what was fitted in them back to parameters of the cuts."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor

from commedia.face_model.landmarks import landmarks_from_params
from commedia.face_model.model import HeadModel
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.points import PointsPredictor
from commedia.geometry.placement import cut_square
from commedia.geometry.rotations import canonical_wxyz
from commedia.looks.portraits import Portrait
from commedia.personal.fit import FOCAL_SIDES, Moments, Shots
from commedia.structures import HeadPose

SHOT_M = 0.24
"""What a shot shows at the head's depth."""
BELOW_M = 0.015
"""How far its middle lies below the head's origin: a face reaches from 10 cm below to 7 above."""
DISTANCE_M = FOCAL_SIDES * SHOT_M


def shots_of(portraits: Sequence[Portrait], head: HeadModel, size: int, finder: PointsPredictor | None = None) -> Shots:
    """Cut the faces out of portraits, `size` pixels a side; a finder finds the points of each as well."""
    shots = Shots(*_stacked([_shot(portrait, head, size) for portrait in portraits]))
    if finder is None:
        return shots
    found, sure = _stacked([_found(portrait, head, finder) for portrait in portraits])
    return shots._replace(found=found, sure=sure)


def _stacked(rows: Sequence[tuple[np.ndarray, ...]]) -> list[Tensor]:
    return [torch.from_numpy(np.stack(part).astype(np.float32)) for part in zip(*rows, strict=True)]


def _found(portrait: Portrait, head: HeadModel, finder: PointsPredictor) -> tuple[np.ndarray, np.ndarray]:
    """The points that a network finds, in sides of the shot, and how sure it is of each."""
    crop = crop_from_landmarks(landmarks_from_params(portrait.params, head))
    seen = finder.find(portrait.image, [crop])
    side, middle = _square(portrait)
    return (seen.points_px[0] - (middle - side / 2)) / side, side * seen.sure[0]


def _square(portrait: Portrait) -> tuple[float, np.ndarray]:
    """Side and middle of a shot in pixels of its portrait."""
    pose = portrait.params.pose
    return SHOT_M * pose.px_per_m, pose.origin_px + np.array([0, BELOW_M * pose.px_per_m])


def _shot(portrait: Portrait, head: HeadModel, size: int) -> tuple[np.ndarray, ...]:
    pose, seen = portrait.params.pose, portrait.seen
    side, middle = _square(portrait)
    pixels = cut_square(portrait.image, np.eye(2), middle, side, size)
    shown = np.zeros((*portrait.image.shape[:2], 3), np.uint8)
    rows, columns = (
        slice(int(np.ceil(first)), int(last))
        for first, last in ((seen.top_px, seen.bottom_px), (seen.left_px, seen.right_px))
    )
    shown[rows, columns] = 255
    inside = cut_square(shown, np.eye(2), middle, side, size)[..., 0] / 255
    points = (landmarks_from_params(portrait.params, head) - (middle - side / 2)) / side
    translation = np.array([0.0, BELOW_M, -DISTANCE_M])
    return pixels / 255, cv2.erode(inside, np.ones((3, 3))), points, pose.wxyz, translation, portrait.params.expression


def as_fitted(portraits: Sequence[Portrait], moments: Moments) -> list[Portrait]:
    """The portraits with the poses and expressions that were fitted."""
    wxyz, translation, expression = (
        part.detach().numpy() for part in (moments.wxyz, moments.translation, moments.expression)
    )
    return [
        replace(
            portrait,
            params=replace(
                portrait.params, expression=expression[row], pose=_pose(portrait, wxyz[row], translation[row])
            ),
        )
        for row, portrait in enumerate(portraits)
    ]


def _pose(portrait: Portrait, wxyz: np.ndarray, translation: np.ndarray) -> HeadPose:
    """What the pinhole sees at the head's origin, without foreshortening."""
    side, middle = _square(portrait)
    scale = FOCAL_SIDES * side / -float(translation[2])
    origin = middle + scale * translation[:2] * np.array([1, -1])
    return HeadPose(canonical_wxyz(wxyz).astype(np.float32), origin.astype(np.float32), float(scale))
