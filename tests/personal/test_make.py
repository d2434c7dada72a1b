"""Somebody drawn, with a shape of their own, is found: nearer to the truth than the head model comes."""

from dataclasses import replace

import numpy as np
import pytest

from commedia.conventions import EXPRESSION_INDEX
from commedia.face_model.albedo import skin_triangles
from commedia.face_model.evaluate import blendshapes_of_identity
from commedia.face_model.model import load_head
from commedia.geometry.similarity import fit_similarity
from commedia.personal.make import OWN, Effort, Made, make_person

from .drawn import SMILES, Drawn, drawn_person

FACE = np.unique(skin_triangles(load_head()))
QUICK = Effort(size_px=72, prior_steps=45, own_steps=90, judge_steps=20)
TINY = Effort(size_px=40, prior_steps=8, own_steps=8, judge_steps=3)
"""Enough to see what may change and what may not, and nothing else."""


def made_with(drawn: Drawn, effort: Effort) -> Made:
    return make_person("mara", drawn.cuts, load_head(), effort, lambda stage, done, total: None)


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return drawn_person()


@pytest.fixture(scope="module")
def begun(drawn: Drawn) -> Made:
    return made_with(drawn, TINY)


@pytest.fixture(scope="module")
def prior(drawn: Drawn) -> Made:
    """Without a step towards an own rig."""
    return made_with(drawn, replace(QUICK, own_steps=0))


@pytest.fixture(scope="module")
def own(drawn: Drawn) -> Made:
    return made_with(drawn, QUICK)


def error_mm(found: np.ndarray, truth: np.ndarray) -> float:
    placed = fit_similarity(found[FACE], truth[FACE])
    return 1000 * float(np.sqrt(((placed.points(found[FACE]) - truth[FACE]) ** 2).sum(1).mean()))


@pytest.mark.slow
def test_shape_comes_nearer_to_the_truth_than_the_head_model_comes(drawn: Drawn, prior: Made, own: Made) -> None:
    before, after = (error_mm(made.person.head.model.mean, drawn.neutral) for made in (prior, own))
    assert after < 0.85 * before


@pytest.mark.slow
def test_a_smile_comes_nearer_to_the_truth_and_stays_a_smile(drawn: Drawn, own: Made) -> None:
    assert own.person.identity is not None
    usual = blendshapes_of_identity(load_head().model, own.person.identity)[EXPRESSION_INDEX[SMILES[0]]]
    assert own.person.blendshapes is not None
    found = own.person.blendshapes[SMILES[0]]
    before, after = (np.linalg.norm((shape - drawn.smile)[FACE]) for shape in (usual, found))
    assert after < 0.9 * before
    assert np.median(list(own.cosines.values())) >= 0.9


def test_without_eq_7_blendshapes_leave_what_they_were_farther(drawn: Drawn) -> None:
    effort, loud = replace(TINY, own_steps=25), OWN._replace(blendshape_gradient=50.0)
    kept, free = (
        make_person("mara", drawn.cuts, load_head(), effort, lambda *_: None, weights=weights).cosines
        for weights in (loud, OWN._replace(blendshape_gradient=0.0))
    )
    assert kept.keys() == free.keys() != set()
    assert all(kept[name] > free[name] for name in kept)


@pytest.mark.slow
def test_unseen_frames_are_explained_better(own: Made) -> None:
    assert own.judgement.is_kept
    assert own.judgement.own < 0.8 * own.judgement.prior


def test_what_is_no_better_than_the_head_model_is_not_kept(drawn: Drawn) -> None:
    made = made_with(drawn, replace(TINY, own_steps=0))
    assert made.judgement.own == made.judgement.prior
    assert not made.judgement.is_kept
    assert made.person.blendshapes is None
    assert made.cosines == {}


def test_a_few_steps_are_better_already_and_leave_blinks_and_gaze_the_head_models(begun: Made) -> None:
    assert begun.judgement.is_kept
    assert begun.person.blendshapes is not None
    assert set(SMILES) <= set(begun.person.blendshapes)
    assert not any(name.startswith(("eyeBlink", "eyeLook")) for name in begun.person.blendshapes)


def test_without_unseen_frames_nothing_is_kept_and_no_error_is_said(drawn: Drawn) -> None:
    cuts = replace(drawn.cuts, unseen=[], made_of=drawn.cuts.made_of[:2], skin=drawn.cuts.made_of[:1])
    made = made_with(replace(drawn, cuts=cuts), replace(TINY, prior_steps=2))
    assert np.isnan(made.judgement.prior)
    assert not made.judgement.is_kept


@pytest.mark.slow
def test_what_somebody_does_is_read_the_same_from_anothers_rig(own: Made) -> None:
    """Two rigs mean the same by their weights: read with the head model's blendshapes, an own rig's motion is kept."""
    assert own.person.blendshapes is not None
    names = [name for name in own.person.blendshapes]
    model, rows = load_head().model, [EXPRESSION_INDEX[name] for name in names]
    weights = np.random.default_rng(2).uniform(0, 1, (40, len(rows))).astype(np.float32)
    played = np.tensordot(weights, np.stack([own.person.blendshapes[name] for name in names])[:, FACE], 1)
    usual = model.expression_basis[rows][:, FACE].reshape(len(rows), -1)
    read = np.linalg.lstsq(usual.T, played.reshape(40, -1).T, rcond=None)[0].T
    kept = [np.corrcoef(weights[:, column], read[:, column])[0, 1] for column in range(len(rows))]
    assert min(kept) >= 0.9
