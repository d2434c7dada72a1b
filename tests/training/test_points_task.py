"""Points that training marks: the first 68 are the landmarks, all lie where the head has them, no unit goes unseen."""

import numpy as np
import pytest
import torch

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.landmarks import load_scheme, points
from commedia.face_model.layer import MorphableLayer
from commedia.face_model.model import face_vertices, load_head
from commedia.face_model.spread import spread_vertices
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.losses.faces import FaceTargets
from commedia.training.points_task import points_layer, true_points

COUNT = 164


@pytest.fixture(scope="module")
def layer() -> MorphableLayer:
    return points_layer(COUNT)


def test_points_are_where_the_head_has_them_when_it_is_turned_scaled_and_moved(layer: MorphableLayer) -> None:
    rng, head = np.random.default_rng(0), load_head()
    identity, expression = rng.normal(size=IDENTITY_COUNT), rng.uniform(0, 0.3, size=EXPRESSION_COUNT)
    wxyz = wxyz_from_yaw_pitch_roll(np.array([0.5, -0.2, 0.3]))
    vertices = vertices_from_params(head.model, identity.astype(np.float32), expression.astype(np.float32))
    w, x, y, z = wxyz
    # The rotation written out, so that no function of the product is its own judge.
    turned = (
        vertices
        @ np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ]
        ).T
    )
    image = np.stack([0.05 + 3.0 * turned[:, 0], -0.02 - 3.0 * turned[:, 1], 0 * turned[:, 2]], axis=1)
    marks = points(load_scheme("ibug68"), image)[:, :2]
    everywhere = np.concatenate([marks, image[spread_vertices(head, COUNT - 68), :2]])
    found = true_points(layer, _targets(marks, identity, expression, wxyz))
    np.testing.assert_allclose(found[0].numpy(), everywhere, atol=2e-4)


def test_marks_are_the_labels_own_even_where_the_parameters_are_wrong(layer: MorphableLayer) -> None:
    marks = np.random.default_rng(1).normal(size=(68, 2))
    found = true_points(layer, _targets(marks, np.zeros(50), np.zeros(52), np.array([1.0, 0, 0, 0])))
    np.testing.assert_allclose(found[0, :68].numpy(), marks, atol=1e-6)


def test_no_unit_of_the_skin_goes_unseen(layer: MorphableLayer) -> None:
    """Some point sees at least a third of the largest move of each unit on the face."""
    head = load_head()
    face, chosen = face_vertices(head), layer.source.expression_basis
    for name, index in EXPRESSION_INDEX.items():
        if name.startswith(("eyeLook", "tongue")):
            continue
        whole = np.linalg.norm(head.model.expression_basis[index][face], axis=-1)
        assert np.linalg.norm(chosen[index], axis=-1).max() > whole.max() / 3, name


def _targets(marks: np.ndarray, identity: np.ndarray, expression: np.ndarray, wxyz: np.ndarray) -> FaceTargets:
    row = lambda array: torch.from_numpy(np.asarray(array, dtype=np.float32))[None]  # noqa: E731
    sure = torch.ones(1)
    return FaceTargets(
        row(marks), row(identity), sure, row(expression), torch.ones(1, EXPRESSION_COUNT), row(wxyz), sure, sure
    )
