"""Edited expressions: pixels go where the labels say, labels are the changed face's, and no face contradicts itself."""

import copy

import cv2
import numpy as np
import pytest
import torch

from commedia.conventions import (
    CONTRADICTORY_PAIRS,
    EXPRESSION_COUNT,
    EXPRESSION_INDEX,
    EXPRESSION_MIRROR,
    EXPRESSION_NAMES,
)
from commedia.geometry.cameras import image_from_head
from commedia.training.editing import (
    LARGEST_CHANGE,
    changed_expression,
    editable,
    edited,
    editor_for,
    moved_landmarks,
    warped,
)
from commedia.training.face_model import FaceModel
from commedia.training.labels import FaceArrays, Placement, arrays_from_faces, placed
from tests.training.drawings import drawn_face

SIDE = 128
LATTICE = np.stack(np.meshgrid(np.linspace(20, 108, 8), np.linspace(18, 110, 9)), axis=-1).reshape(-1, 2)[:68]
PAIRS = np.array([[EXPRESSION_INDEX[name] for name in pair] for pair in CONTRADICTORY_PAIRS])


@pytest.fixture
def face(model: FaceModel, rng: np.random.Generator) -> FaceArrays:
    return arrays_from_faces([drawn_face(rng, model.landmarks, np.array([60.0, 66.0]), 80.0)])


def consistent(rng: np.random.Generator) -> np.ndarray:
    """A sparse expression that does not contradict itself, with some blendshapes barely on."""
    expression = rng.random(EXPRESSION_COUNT) * (rng.random(EXPRESSION_COUNT) < 0.3)
    expression[rng.random(EXPRESSION_COUNT) < 0.3] *= 0.1
    for first, second in PAIRS:
        expression[second] *= expression[first] == 0
    close, jaw = EXPRESSION_INDEX["mouthClose"], EXPRESSION_INDEX["jawOpen"]
    expression[close] = min(expression[close], expression[jaw])
    return expression.astype(np.float32)


def dot_at(point: np.ndarray) -> np.ndarray:
    """A soft white dot on black."""
    centers = np.arange(SIDE) + 0.5
    along = [np.exp(-np.square(centers - place) / 2) for place in point]
    return np.repeat((255 * along[1][:, None] * along[0])[..., None], 3, axis=2).astype(np.uint8)


def place_of(image: np.ndarray) -> np.ndarray:
    """The dot's centre of mass."""
    weight, centers = image[..., 0].astype(float), np.arange(SIDE) + 0.5
    return np.array([weight.sum(0) @ centers, weight.sum(1) @ centers]) / weight.sum()


def test_no_move_is_the_same_picture(rng: np.random.Generator) -> None:
    image, points = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8), rng.uniform(0, SIDE, (68, 2))
    assert np.array_equal(warped(image, points, points), image)


def test_pixels_go_where_the_points_go(rng: np.random.Generator) -> None:
    """To about a pixel, though neighbours 12 pixels apart go elsewhere and draw the dot out of shape."""
    moves = rng.uniform(-3, 3, LATTICE.shape)
    rows = range(0, len(LATTICE), 5)
    found = np.array([place_of(warped(dot_at(LATTICE[row]), LATTICE, LATTICE + moves)) for row in rows])
    off = np.linalg.norm(found - (LATTICE + moves)[rows], axis=1)
    assert off.max() < 1.2
    assert off.mean() < 0.4 < np.linalg.norm(moves[rows], axis=1).mean() / 5


def test_points_are_looked_up_where_they_were(rng: np.random.Generator) -> None:
    """On a picture whose colours are places, the colour at a new point is the old place."""
    columns, rows = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    image = np.stack([2 * columns, 2 * rows, 0 * rows], axis=-1).astype(np.uint8)
    after = LATTICE + rng.uniform(-3, 3, LATTICE.shape)
    x, y = (after - 0.5).astype(np.float32).T
    colours = cv2.remap(warped(image, LATTICE, after), x[None], y[None], cv2.INTER_LINEAR)[0]
    np.testing.assert_allclose(colours[:, :2] / 2 + 0.5, LATTICE, atol=0.6)


def test_the_edge_stays(rng: np.random.Generator) -> None:
    slope = np.repeat(np.add.outer(np.arange(SIDE), np.arange(SIDE))[..., None], 3, axis=2).astype(np.uint8)
    image = warped(slope, LATTICE, LATTICE + rng.uniform(-3, 3, LATTICE.shape)).astype(int)
    moved = abs(image - slope).max(-1)
    edge = np.concatenate([*moved[[0, -1]], *moved[:, [0, -1]].T])
    assert edge.max() <= 3
    assert edge.mean() < 0.5 < moved[20:-20, 20:-20].mean() / 2


def test_lips_part(rng: np.random.Generator) -> None:
    """Two points on one spot that go apart: the spot becomes a bar between them, and nothing tears."""
    before, after = LATTICE.copy(), LATTICE.copy()
    before[28] = before[27] = (64, 64)
    after[27], after[28] = (64, 61), (64, 67)
    image = warped(dot_at(before[27]), before, after)[..., 0].astype(float)
    spread = np.sqrt(image.sum(1) @ np.square(np.arange(SIDE) + 0.5 - 64) / image.sum())
    narrow = dot_at(before[27])[..., 0].astype(float)
    assert spread > 1.3 * np.sqrt(narrow.sum(1) @ np.square(np.arange(SIDE) + 0.5 - 64) / narrow.sum())


def test_a_changed_expression_keeps_the_rules() -> None:
    choosable = np.arange(EXPRESSION_COUNT) % 4 != 0
    changes = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        before = consistent(rng)
        after = changed_expression(before, choosable, rng)
        assert after.dtype == np.float32
        assert ((after >= 0) & (after <= 1)).all()
        assert not (after[PAIRS] > 0).all(1).any()
        assert after[EXPRESSION_INDEX["mouthClose"]] <= after[EXPRESSION_INDEX["jawOpen"]]
        assert abs(after - before).max() <= LARGEST_CHANGE + 1e-6
        raised = np.flatnonzero(after > before)
        assert choosable[raised].all()
        assert len(raised) <= 3
        changes += len(raised)
    assert changes > 150


def test_a_unit_that_is_on_is_not_contradicted() -> None:
    before = np.zeros(EXPRESSION_COUNT, dtype=np.float32)
    smile, frown = EXPRESSION_INDEX["mouthSmileLeft"], EXPRESSION_INDEX["mouthFrownLeft"]
    before[smile] = 0.8
    only = np.arange(EXPRESSION_COUNT) == frown
    assert np.array_equal(changed_expression(before, only, np.random.default_rng(0)), before)
    before[smile] = 0.05
    after = changed_expression(before, only, np.random.default_rng(0))
    assert after[frown] > 0
    assert after[smile] == 0


def test_moved_landmarks_are_those_of_the_changed_face(model: FaceModel, rng: np.random.Generator) -> None:
    sample = drawn_face(rng, model.landmarks, np.array([60.0, 66.0]), 80.0)
    face, expression = arrays_from_faces([sample]), consistent(rng)
    points = model.landmarks(torch.from_numpy(face.identity), torch.from_numpy(expression)[None])[0].numpy()
    expected = image_from_head(points, sample.pose)
    np.testing.assert_allclose(moved_landmarks(face, expression, model.landmarks), expected, atol=2e-2)
    assert np.linalg.norm(expected - face.landmarks[0], axis=1).max() > 0.5


@pytest.mark.parametrize("mirror", [False, True])
def test_placing_an_edited_face_is_editing_a_placed_one(
    mirror: bool, face: FaceArrays, model: FaceModel, rng: np.random.Generator
) -> None:
    """Marked points a little off the model's, as people mark them."""
    face = face._replace(landmarks=face.landmarks + rng.normal(0, 0.5, face.landmarks.shape).astype(np.float32))
    placement = Placement(0.4, 1.3, mirror, np.array([50.0, 50.0]), np.array([64.0, 60.0]))
    after = consistent(rng)
    moved = face._replace(landmarks=moved_landmarks(face, after, model.landmarks)[None])
    first = placed(moved, placement, model.identity_mirror).landmarks[0]
    seen = after[list(EXPRESSION_MIRROR)] if mirror else after
    second = moved_landmarks(placed(face, placement, model.identity_mirror), seen, model.landmarks)
    np.testing.assert_allclose(second, first, atol=1e-2)


def test_identity_pose_and_unknown_units_stay(face: FaceArrays, model: FaceModel, rng: np.random.Generator) -> None:
    weight = np.zeros_like(face.expression_weight)
    weight[:, 17] = 0.4
    face = face._replace(expression_weight=weight)
    image = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    picture, other = edited(image, face, editor_for(model), rng)
    changed = {name for name, old, new in zip(face._fields, face, other, strict=True) if not np.array_equal(old, new)}
    assert changed == {"expression", "landmarks"}
    assert np.flatnonzero((face.expression != other.expression)[0]).tolist() in ([17], [17, 18])
    assert not np.array_equal(picture, image)


def test_only_units_that_show_are_edited(model: FaceModel) -> None:
    layer = copy.deepcopy(model.landmarks)
    layer.expression[EXPRESSION_INDEX["cheekPuff"]] = 0  # type: ignore[index]
    editor = editor_for(model._replace(landmarks=layer))
    hidden = {name for name, shows in zip(EXPRESSION_NAMES, editor.blendshapes, strict=True) if not shows}
    assert hidden == {"cheekPuff"} | {name for name in EXPRESSION_NAMES if "eyeLook" in name}
    assert editor.points is not layer


def test_faces_must_be_known(face: FaceArrays) -> None:
    nothing = np.zeros(1, dtype=np.float32)
    assert editable(face).tolist() == [True]
    for part in ("identity_weight", "pose_weight", "landmark_weight"):
        assert editable(face._replace(**{part: nothing})).tolist() == [False]
    assert editable(face._replace(expression_weight=face.expression_weight * 0)).tolist() == [False]
