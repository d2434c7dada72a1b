"""The model of one person alone gives the faces that the model of everybody gives that person."""

import numpy as np

from commedia.face_model.evaluate import model_of_identity, vertices_from_params
from commedia.face_model.model import load_head


def test_a_persons_own_model_makes_their_faces() -> None:
    model, rng = load_head().model, np.random.default_rng(0)
    assert model.interaction is not None
    identity = rng.normal(size=len(model.identity_basis)).astype(np.float32)
    person = model_of_identity(model, identity)
    for expression in rng.uniform(0, 1, (3, len(model.expression_basis))).astype(np.float32):
        expected = vertices_from_params(model, identity, expression)
        np.testing.assert_allclose(vertices_from_params(person, np.zeros(0), expression), expected, atol=1e-7)
