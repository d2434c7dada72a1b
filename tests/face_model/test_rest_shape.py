"""Identities at rest in millimetres: what the table of 3D errors measures, and nothing of a motion."""

from dataclasses import replace

import numpy as np
import pytest

from commedia.evaluation.paper2_people import CROP_MM, surface_of
from commedia.evaluation.shape_error import shape_error_mm
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import load_head
from commedia.face_model.rest_shape import frame_shape_mm, rest_shape

REST = np.zeros(52, np.float32)


def test_lengths_are_the_errors_that_tables_print() -> None:
    head, chance = load_head(), np.random.default_rng(0)
    rest = rest_shape(head)
    for size in (0.2, 1.0):
        one, other = size * chance.normal(size=(2, 50))
        shapes = [surface_of(vertices_from_params(head.model, who.astype(np.float32), REST)) for who in (one, other)]
        measured = shape_error_mm(shapes[0], shapes[1], crop_mm=CROP_MM)
        # The table crops around the nose of the truth, and turns are not small for ever.
        assert np.linalg.norm((one - other) @ rest.mm_from_identity) == pytest.approx(measured, rel=0.04)


def test_what_faces_do_counts_as_far_as_it_moves_them() -> None:
    head, chance = load_head(), np.random.default_rng(2)
    one, other = 0.3 * chance.normal(size=(2, 50)), 0.5 * chance.uniform(size=(2, 52)) * (chance.random(52) < 0.2)
    shapes = [
        surface_of(vertices_from_params(head.model, who.astype(np.float32), acts.astype(np.float32)))
        for who, acts in zip(one, other, strict=True)
    ]
    off = np.concatenate([one[0] - one[1], other[0] - other[1]])
    expected = shape_error_mm(shapes[0], shapes[1], crop_mm=CROP_MM)
    assert np.linalg.norm(off @ frame_shape_mm(head)) == pytest.approx(expected, rel=0.05)


def test_rigid_motions_cost_nothing() -> None:
    head = load_head()
    model = head.model
    basis = model.identity_basis.copy()
    basis[0] = 0.001 * np.array([1.0, 2.0, -3.0])
    basis[1] = np.cross(np.array([0.01, -0.02, 0.03]), model.mean)
    rest = rest_shape(replace(head, model=replace(model, identity_basis=basis)))
    moved = np.linalg.norm(rest.mm_from_identity[:2], axis=1)
    assert moved.max() < 1e-2
    assert np.linalg.norm(rest.mm_from_identity[2]) > 0.5


def test_directions_are_those_of_people_strongest_first_and_mirrored_in_a_mirror() -> None:
    head = load_head()
    rest = rest_shape(head)
    people = np.random.default_rng(1).normal(size=(20000, 50))
    along = people @ rest.mm_from_identity
    np.testing.assert_allclose(along.std(0), rest.spread_mm, rtol=0.05)
    assert (np.diff(rest.spread_mm) <= 0).all()
    np.testing.assert_allclose(along @ rest.identity_from_mm, people, atol=1e-6)
    mirrored = (people * head.identity_mirror) @ rest.mm_from_identity
    np.testing.assert_allclose(np.abs(mirrored[:, :20]), np.abs(along[:, :20]), atol=0.02)
