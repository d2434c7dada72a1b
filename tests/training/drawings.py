"""Drawn faces with exact labels: a random face model's 68 points as dots, so that a network can learn from them."""

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_MIRROR, IDENTITY_COUNT, LANDMARK_COUNT, LANDMARK_MIRROR
from commedia.data.sample import FaceSample, PictureSample
from commedia.geometry.boxes import tight_box
from commedia.geometry.cameras import image_from_head
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.structures import Box, HeadPose


class MirrorLandmarks(nn.Module):
    """A linear model of 68 points whose mean is an ellipse and which obeys the mirror law exactly."""

    mean: Tensor
    identity: Tensor
    expression: Tensor

    def __init__(self, seed: int = 0):
        super().__init__()
        rng = np.random.default_rng(seed)
        angle = np.linspace(0, 2 * np.pi, LANDMARK_COUNT, endpoint=False)
        mean = np.stack([0.07 * np.cos(angle), 0.09 * np.sin(angle), 0.03 * np.cos(2 * angle)], axis=1)
        identity = rng.normal(0, 0.002, (IDENTITY_COUNT, LANDMARK_COUNT, 3))
        expression = rng.normal(0, 0.002, (EXPRESSION_COUNT, LANDMARK_COUNT, 3))
        sign = np.where(np.arange(IDENTITY_COUNT) % 3 == 2, -1, 1)
        self.identity_mirror = sign.astype(np.float32)
        self.register_buffer("mean", torch.tensor((mean + mirrored(mean)) / 2, dtype=torch.float32))
        self.register_buffer(
            "identity", torch.tensor((identity + sign[:, None, None] * mirrored(identity)) / 2, dtype=torch.float32)
        )
        symmetric = (expression + mirrored(expression)[list(EXPRESSION_MIRROR)]) / 2
        self.register_buffer("expression", torch.tensor(symmetric, dtype=torch.float32))

    def forward(self, identity: Tensor, expression: Tensor) -> Tensor:
        moved = torch.einsum("bi,ilc->blc", identity, self.identity) + torch.einsum(
            "be,elc->blc", expression, self.expression
        )
        return self.mean + moved


def mirrored(points: np.ndarray) -> np.ndarray:
    """Reflect points in x = 0 and renumber them."""
    return points[..., list(LANDMARK_MIRROR), :] * np.array([-1, 1, 1])


def drawn_face(rng: np.random.Generator, layer: nn.Module, center: np.ndarray, size_px: float) -> FaceSample:
    identity = rng.normal(size=IDENTITY_COUNT).astype(np.float32)
    expression = (rng.random(EXPRESSION_COUNT) * (rng.random(EXPRESSION_COUNT) < 0.2)).astype(np.float32)
    pose = HeadPose(
        wxyz_from_yaw_pitch_roll(rng.normal(0, 0.2, 3)).astype(np.float32),
        center.astype(np.float32),
        float(size_px / 0.2),
    )
    points = layer(torch.from_numpy(identity)[None], torch.from_numpy(expression)[None])[0].numpy()
    landmarks = image_from_head(points, pose).astype(np.float32)
    box = tight_box(landmarks)
    grown = Box(box.left_px, box.top_px - 0.2 * box.height_px, box.right_px, box.bottom_px)
    weight = np.ones(EXPRESSION_COUNT, dtype=np.float32)
    return FaceSample(grown, landmarks, "synthetic", pose, identity, expression, weight, None)


def drawn_picture(rng: np.random.Generator, layer: nn.Module, faces: int, size: int) -> PictureSample:
    image = np.full((size, size, 3), rng.integers(40, 90), dtype=np.uint8)
    samples = []
    for index in range(faces):
        size_px = 0.5 * size if faces == 1 else 0.25 * size
        center = (
            np.array([size / 2, size / 2])
            if faces == 1
            else size * np.array([0.25 + 0.5 * (index % 2), 0.25 + 0.5 * (index // 2)])
        )
        samples.append(drawn_face(rng, layer, center + rng.normal(0, 2, 2), size_px))
        for x, y in samples[-1].landmarks_px:
            cv2.circle(image, (round(float(x)), round(float(y))), 2, (230, 200, 180), -1)
    return PictureSample(image, tuple(samples), "drawn", "CC0-1.0", "synthetic")


def on_dots(image: np.ndarray, landmarks: np.ndarray) -> float:
    """Share of the landmarks inside the picture that lie on something brighter than the drawn background."""
    inside = ((landmarks > 2) & (landmarks < len(image) - 2)).all(1)
    columns, rows = np.floor(landmarks[inside]).astype(int).T
    return float((image[rows, columns].mean(-1) > 125).mean())
