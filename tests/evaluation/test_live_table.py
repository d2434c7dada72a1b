"""What the table of still faces and blinks says of readers whose faults are known."""

import numpy as np
import pytest

from commedia.conventions import EXPRESSION_INDEX
from commedia.demo.performance import TROUPE
from commedia.evaluation.live import (
    BLINKS_S,
    FRAME_RATE,
    FRAMES,
    LIDS,
    READ,
    SENT,
    STILL_S,
    live_table,
    measured,
    played,
)


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    return np.array([[played(one, index).expression for index in range(FRAMES)] for one in TROUPE], np.float64)


def test_nobody_moves_but_to_blink(truth: np.ndarray) -> None:
    assert not truth[:, : round(FRAME_RATE * STILL_S[1]) + 1].any()
    assert not np.delete(truth, LIDS, axis=2).any()
    peaks = [truth[0, round(FRAME_RATE * middle_s), LIDS[0]] for middle_s in BLINKS_S]
    assert min(peaks) < 0.95 < max(peaks), "some fall on a frame, others between two"
    poses = [played(TROUPE[1], index).pose for index in (0, 100, FRAMES - 1)]
    assert all(np.array_equal(pose.origin_px, poses[0].origin_px) for pose in poses)
    assert all(np.array_equal(pose.wxyz, poses[0].wxyz) for pose in poses)


def test_every_fault_misses_its_own_goal(truth: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    trembling, shallow, gone = truth.copy(), truth.copy(), truth.copy()
    trembling[2, :, EXPRESSION_INDEX["mouthPucker"]] += 0.02 * rng.normal(size=FRAMES)
    shallow[:, :, LIDS] *= 0.7
    gone[1, 100:] = np.nan
    late, one_late = np.roll(truth, 2, axis=1), np.roll(truth, 1, axis=1)
    faults = {
        "truth": (truth, []),
        "one frame late": (one_late, []),
        "trembling": (trembling, ["standard"]),
        "shallow": (shallow, ["depth"]),
        "late": (late, ["frames"]),
        "not found": (gone, ["standard", "depth"]),
    }
    for name, (curves, expected) in faults.items():
        found = measured(curves, truth)
        table = live_table({READ: found, SENT: found})
        assert [goal.name.split()[0] for goal in table.goals if not goal.is_met] == expected, name
    assert measured(trembling, truth).least_steady == "mouthPucker"
    assert measured(trembling, truth).still == pytest.approx(0.02, rel=0.1)
    assert measured(one_late, truth).latest == 1
    assert (measured(truth, truth).depth, measured(truth, truth).latest) == (1, 0)
