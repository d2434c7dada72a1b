import numpy as np
import pytest

from commedia.conventions import CONTRADICTORY_PAIRS, EXPRESSION_INDEX
from commedia.face_model.landmarks import landmarks_from_params
from commedia.labelling.fit import DenseTargets
from commedia.labelling.label import default_fitter
from commedia.labelling.samples import params_of

from .fakes import known_faces, placed, scored_blendshapes, scores_of


def test_known_faces_come_back(rng):
    faces = known_faces(rng, 24, blendshapes=scored_blendshapes())
    fitted = default_fitter().fit(faces.targets())
    landmarks = np.stack([landmarks_from_params(params_of(fitted, row)) for row in range(24)])
    span = faces.landmarks_px.max(axis=1) - faces.landmarks_px.min(axis=1)
    miss = np.linalg.norm(landmarks - faces.landmarks_px, axis=-1).mean(axis=1) / np.sqrt(span.prod(axis=1))
    # The mean, because the ridge on identity pulls unusual people a little.
    assert miss.mean() < 0.0025
    assert fitted.error.mean() < 0.0025
    scored = [EXPRESSION_INDEX[name] for name in scored_blendshapes()]
    assert np.abs(fitted.expression - faces.expression)[:, scored].max() < 0.1


@pytest.mark.parametrize("blendshape", ["eyeLookOutLeft", "mouthUpperUpRight", "browDownLeft"])
def test_within_the_limits_of_its_score_a_blendshape_is_seen_in_the_points(rng, blendshape):
    column = EXPRESSION_INDEX[blendshape]
    found = []
    for weight in (0.3, 0.5):
        faces = known_faces(np.random.default_rng(3), 8, blendshapes=(blendshape,), weight=weight)
        same = scores_of(np.where(faces.expression > 0, np.float32(0.4), 0))
        silent = DenseTargets(faces.points_px, same, faces.targets().gold_px)
        found.append(default_fitter().fit(silent).expression[:, column].mean())
    assert found[1] - found[0] > 0.1


def test_a_grin_keeps_the_jaw_shut_and_the_lips_do_the_rest(rng):
    grin = dict.fromkeys(("mouthUpperUpLeft", "mouthUpperUpRight", "mouthLowerDownLeft", "mouthLowerDownRight"), 0.4)
    grin |= {"mouthSmileLeft": 0.6, "mouthSmileRight": 0.6}
    faces = known_faces(rng, 8, blendshapes=("jawForward",), weight=0)
    weights = np.zeros_like(faces.expression)
    for name, weight in grin.items():
        weights[:, EXPRESSION_INDEX[name]] = weight
    points = placed(faces, weights)
    scores = scores_of(weights)
    scores[:, EXPRESSION_INDEX["jawOpen"]] = 0.09
    fitted = default_fitter().fit(DenseTargets(points, scores, faces.targets().gold_px))
    assert fitted.expression[:, EXPRESSION_INDEX["jawOpen"]].max() <= 0.05
    for name, weight in grin.items():
        assert abs(fitted.expression[:, EXPRESSION_INDEX[name]].mean() - weight) < 0.2, name


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
    after = fitter.fit(DenseTargets(grown, scores_of(faces.expression), faces.targets().gold_px))
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
    fitted = default_fitter().fit(known_faces(rng, 16, blendshapes=scored_blendshapes()).targets())
    for first, second in CONTRADICTORY_PAIRS:
        both = fitted.expression[:, EXPRESSION_INDEX[first]] * fitted.expression[:, EXPRESSION_INDEX[second]]
        assert both.max() < 0.1
