"""What the table of drawn takes says of readers whose faults are known."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from commedia.cli.evaluate import evaluate
from commedia.conventions import EXPRESSION_INDEX
from commedia.demo.performance import STAGE_WIDTH_PX, TROUPE, params_at
from commedia.errors import CommediaError
from commedia.evaluation.settings import EvaluationSettings
from commedia.evaluation.takes import (
    BLINKS,
    FRAME_RATE,
    FRAMES,
    JAW,
    LIDS,
    READ,
    SCRIPT,
    STREAM,
    TWICE,
    calm_frames,
    curves_of,
    measured,
    takes_table,
)
from commedia.structures import Box, TrackedFace, TrackedFrame

CAST = tuple(replace(one, script=SCRIPT) for one in TROUPE)


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    rows = [[params_at(one, index / FRAME_RATE).expression for index in range(FRAMES)] for one in CAST]
    return np.array(rows, np.float64)


def test_calm_is_far_from_everything_played_and_there_is_much_of_it(truth: np.ndarray) -> None:
    calm, played = calm_frames(truth), truth.any(axis=2)
    for row in range(len(truth)):
        for frame in np.flatnonzero(calm[row]):
            assert not played[row, max(0, frame - 4) : frame + 5].any()
    assert calm[:, 0].all()
    assert calm[:, -1].all()
    assert calm.mean() > 0.25


def test_truth_itself_is_calm_and_deep_and_one_eyed(truth: np.ndarray) -> None:
    found = measured(truth, truth)
    assert (found.jitter, found.rest, found.winks) == (0, 0, 1)
    assert (found.speech, found.murmur) == pytest.approx((1, 1))
    assert min(found.depths) > 0.8
    assert len(found.depths) == len(BLINKS)


def test_every_fault_shows_in_its_own_number_and_misses_its_own_goal(truth: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=truth.shape)
    read = measured(truth + 0.02 * noise, truth)
    assert read.jitter == pytest.approx(0.02 * np.sqrt(2), rel=0.05)
    shallow, both, loud = truth.copy(), truth.copy(), truth + 0.1
    shallow[:, :, LIDS] *= 0.8
    both[:, :, LIDS] = truth[:, :, LIDS].max(axis=2, keepdims=True)
    late = np.roll(truth, 4, axis=1)
    assert measured(late, truth).speech < 0.8
    mumbled, jaw = truth.copy(), truth[:, :, JAW]
    mumbled[:, :, JAW] = np.where(jaw <= 0.2, np.minimum(jaw, 0.05), jaw)
    faults = {"none": truth, "jitter": truth + 0.015 * noise, "depth": shallow, "winks": both, "mean": loud}
    faults["soft"] = mumbled
    for fault, curves in faults.items():
        table = takes_table({READ: read, STREAM: read, TWICE: measured(curves, truth)})
        missed = [goal.name for goal in table.goals if not goal.is_met]
        assert len(missed) == (fault != "none")
        assert all(name.startswith(fault) for name in missed)


def test_performers_are_known_by_their_place_and_who_is_not_found_shows_nothing() -> None:
    faces = []
    for number, performer in enumerate(CAST[:3]):
        x = performer.place[0] * STAGE_WIDTH_PX
        params = replace(params_at(performer, 0.0), expression=np.full(52, 0.1 * number, np.float32))
        box = Box(x - 50, 150.0, x + 50, 250.0)
        faces.append(TrackedFace(9 - number, "tracked", box, params, np.zeros((68, 2), np.float32), 0.9))
    curves = curves_of([TrackedFrame(5, Fraction(5, FRAME_RATE), tuple(faces))], CAST)
    np.testing.assert_allclose(curves[:3, 5, EXPRESSION_INDEX["jawOpen"]], [0, 0.1, 0.2], atol=1e-6)
    assert np.isnan(curves[3]).all()
    assert np.isnan(np.delete(curves, 5, axis=1)).all()


def test_only_clips_are_read_as_a_stream_on_demand(tmp_path: Path) -> None:
    with pytest.raises(CommediaError, match="--causal is for the table 'clips'"):
        evaluate("winks", EvaluationSettings(tmp_path / "out", causal=True))
    assert not (tmp_path / "out").exists()
