"""The torch layer is the numpy reference, with gradients."""

import numpy as np
import torch

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.landmarks import load_scheme, points
from commedia.face_model.layer import MorphableLayer
from commedia.face_model.model import load_head


def test_the_layer_equals_the_reference_also_when_reduced(rng: np.random.Generator) -> None:
    model, scheme = load_head().model, load_scheme("ibug68")
    identity = rng.standard_normal((3, IDENTITY_COUNT)).astype(np.float32)
    expression = rng.uniform(0, 1, (3, EXPRESSION_COUNT)).astype(np.float32)
    layer = MorphableLayer(model)
    vertices = layer(torch.from_numpy(identity), torch.from_numpy(expression))
    landmarks = layer.reduced(scheme)(torch.from_numpy(identity), torch.from_numpy(expression))
    for row in range(3):
        expected = vertices_from_params(model, identity[row], expression[row])
        np.testing.assert_allclose(vertices[row].numpy(), expected, atol=1e-6)
        np.testing.assert_allclose(landmarks[row].numpy(), points(scheme, expected), atol=1e-6)


def test_gradients_are_the_basis() -> None:
    model = load_head().model
    layer = MorphableLayer(model)
    identity = torch.zeros(1, IDENTITY_COUNT, requires_grad=True)
    expression = torch.zeros(1, EXPRESSION_COUNT, requires_grad=True)
    layer(identity, expression)[0, 100, 1].backward()
    assert identity.grad is not None
    assert expression.grad is not None
    np.testing.assert_array_equal(identity.grad[0].numpy(), model.identity_basis[:, 100, 1])
    np.testing.assert_array_equal(expression.grad[0].numpy(), model.expression_basis[:, 100, 1])


def test_it_has_nothing_to_train_and_nothing_to_save() -> None:
    layer = MorphableLayer(load_head().model)
    assert not list(layer.parameters())
    assert not layer.state_dict()
