import numpy as np
import pytest

from commedia.conventions import CONTRADICTORY_PAIRS, EXPRESSION_INDEX
from commedia.face_model.landmarks import landmarks_from_params
from commedia.labelling.fit import DenseTargets
from commedia.labelling.label import default_fitter
from commedia.labelling.samples import params_of

from .fakes import known_faces, usable_blendshapes


def test_known_faces_come_back(rng):
    faces = known_faces(rng, 24, blendshapes=usable_blendshapes())
    fitted = default_fitter().fit(faces.targets())
    landmarks = np.stack([landmarks_from_params(params_of(fitted, row)) for row in range(24)])
    span = faces.landmarks_px.max(axis=1) - faces.landmarks_px.min(axis=1)
    miss = np.linalg.norm(landmarks - faces.landmarks_px, axis=-1).mean(axis=1) / np.sqrt(span.prod(axis=1))
    # The mean, because the ridge on identity pulls unusual people a little.
    assert miss.mean() < 0.002
    assert fitted.error.mean() < 0.002
    usable = [EXPRESSION_INDEX[name] for name in usable_blendshapes()]
    assert np.abs(fitted.expression - faces.expression)[:, usable].max() < 0.1


@pytest.mark.parametrize(
    "blendshape", ["browInnerUp", "mouthPucker", "eyeLookOutLeft", "mouthUpperUpRight", "browDownLeft"]
)
def test_a_unit_without_a_hint_is_seen_in_the_points(rng, blendshape):
    faces = known_faces(rng, 8, blendshapes=(blendshape,))
    silent = DenseTargets(faces.points_px, np.zeros_like(faces.expression), faces.targets().gold_px)
    fitted = default_fitter().fit(silent)
    assert np.abs(fitted.expression[:, EXPRESSION_INDEX[blendshape]] - 0.7).mean() < 0.2


def test_fit_stays_in_bounds_on_nonsense(rng):
    noise = rng.normal(scale=40, size=(6, 478, 3)).astype(np.float32) + 100
    targets = DenseTargets(noise, rng.random((6, 52)).astype(np.float32), np.full((6, 68, 2), np.nan, np.float32))
    fitted = default_fitter().fit(targets)
    assert fitted.expression.min() >= 0
    assert fitted.expression.max() <= 1
    assert np.abs(fitted.identity).max() <= 4
    assert (fitted.px_per_m > 0).all()
    assert np.isfinite(fitted.error).all()


def test_moving_and_scaling_the_picture_only_moves_and_scales_the_pose(rng):
    faces = known_faces(rng, 3, blendshapes=("jawOpen",))
    fitter = default_fitter()
    before = fitter.fit(faces.targets())
    grown = (faces.points_px * 2 + np.float32([30, -10, 0])).astype(np.float32)
    after = fitter.fit(DenseTargets(grown, faces.expression, faces.targets().gold_px))
    np.testing.assert_allclose(after.expression, before.expression, atol=1e-3)
    np.testing.assert_allclose(after.wxyz, before.wxyz, atol=1e-4)
    np.testing.assert_allclose(after.px_per_m, 2 * before.px_per_m, rtol=1e-4)
    np.testing.assert_allclose(after.origin_px, 2 * before.origin_px + np.array([30, -10]), atol=1e-2)


def test_gold_landmarks_pull_the_fit_and_absent_ones_do_not(rng):
    faces = known_faces(rng, 2)
    fitter = default_fitter()
    plain = fitter.fit(faces.targets())
    gold = faces.landmarks_px.copy()
    gold[:, 48:] += np.float32([0, 4])
    pulled = fitter.fit(DenseTargets(faces.points_px, faces.expression, gold))
    mouth = np.stack([landmarks_from_params(params_of(pulled, row))[48:, 1].mean() for row in range(2)])
    before = np.stack([landmarks_from_params(params_of(plain, row))[48:, 1].mean() for row in range(2)])
    assert (mouth - before > 0.4).all()
    half = gold.copy()
    half[1] = np.nan
    mixed = fitter.fit(DenseTargets(faces.points_px, faces.expression, half))
    np.testing.assert_allclose(mixed.identity[1], plain.identity[1], atol=1e-4)
    np.testing.assert_allclose(mixed.identity[0], pulled.identity[0], atol=1e-4)


def test_units_that_exclude_each_other_are_not_fitted_together(rng):
    fitted = default_fitter().fit(known_faces(rng, 16, blendshapes=usable_blendshapes()).targets())
    for first, second in CONTRADICTORY_PAIRS:
        both = fitted.expression[:, EXPRESSION_INDEX[first]] * fitted.expression[:, EXPRESSION_INDEX[second]]
        assert both.max() < 0.1
