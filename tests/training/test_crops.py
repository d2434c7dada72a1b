"""Pairs of crops: what two views or an edited crop must share they share, and labels lie on the pixels of each."""

from pathlib import Path

import numpy as np
import pytest
import torch

from commedia.geometry.rotations import inverse_wxyz, multiply_wxyz
from commedia.training.config import Augmentation
from commedia.training.crops import crops
from commedia.training.editing import editor_for
from commedia.training.face_model import FaceModel
from commedia.training.pictures import FaceCrops, load_face_crops
from tests.training.drawings import on_dots

MOVED = Augmentation(flip=0.5, colour=0.0)
SHARED_BY_VIEWS = ("identity", "identity_weight", "expression", "expression_weight", "pose_weight", "landmark_weight")
SHARED_BY_EDITS = ("identity", "identity_weight", "expression_weight", "wxyz", "pose_weight", "landmark_weight")


@pytest.fixture(scope="module")
def face_crops(shards: Path) -> FaceCrops:
    return load_face_crops([shards / "singles.tar"])


def complex_points(landmarks: torch.Tensor) -> np.ndarray:
    x, y = landmarks.double().numpy().T
    return x + 1j * y


def test_views_differ_by_a_similarity_alone(face_crops: FaceCrops, model: FaceModel) -> None:
    rng = np.random.default_rng(0)
    batch = crops(face_crops, np.arange(8), MOVED, model.identity_mirror, rng, groups="views")
    assert (batch.groups, batch.group_size, len(batch.pixels)) == ("views", 2, 16)
    for name in SHARED_BY_VIEWS:
        part = getattr(batch.targets, name)
        assert torch.equal(part[0::2], part[1::2]), name
    mirrored = 0
    for pair in range(8):
        first, second = (complex_points(batch.targets.landmarks[2 * pair + view]) for view in (0, 1))
        # A turn, a scale and a shift are one complex factor and one summand; a reflection is none.
        columns = np.stack([first, np.ones(68)], axis=1)
        (factor, _), *_ = np.linalg.lstsq(columns, second, rcond=None)
        np.testing.assert_allclose(columns @ np.linalg.lstsq(columns, second, rcond=None)[0], second, atol=1e-5)
        assert abs(factor - 1) > 0.01
        wxyz = batch.targets.wxyz[2 * pair : 2 * pair + 2].numpy()
        turn = multiply_wxyz(wxyz[1], inverse_wxyz(wxyz[0]))
        np.testing.assert_allclose(turn[1:3], 0, atol=1e-5)
        # y points down in the crop, so an anticlockwise turn is a negative angle there.
        assert np.sin(-np.angle(factor)) == pytest.approx(2 * turn[0] * turn[3], abs=1e-4)
        mirrored += not np.array_equal(face_crops.faces.expression[pair], batch.targets.expression[2 * pair].numpy())
    assert 0 < mirrored < 8
    for pixels, landmarks in zip(batch.pixels, batch.targets.landmarks, strict=True):
        assert on_dots(pixels.permute(1, 2, 0).numpy(), (landmarks.numpy() + 0.5) * 128) > 0.95


def test_an_edited_crop_differs_in_expression_alone(face_crops: FaceCrops, model: FaceModel) -> None:
    rng = np.random.default_rng(0)
    editor = editor_for(model)
    batch = crops(face_crops, np.arange(8), MOVED, model.identity_mirror, rng, groups="edits", editor=editor)
    assert (batch.groups, batch.group_size, len(batch.pixels)) == ("edits", 2, 16)
    for name in SHARED_BY_EDITS:
        part = getattr(batch.targets, name)
        assert torch.equal(part[0::2], part[1::2]), name
    for part in (batch.pixels, batch.targets.expression, batch.targets.landmarks):
        assert (part[0::2] != part[1::2]).flatten(1).any(1).all()
    for pixels, landmarks in zip(batch.pixels, batch.targets.landmarks, strict=True):
        assert on_dots(pixels.permute(1, 2, 0).numpy(), (landmarks.numpy() + 0.5) * 128) > 0.9
