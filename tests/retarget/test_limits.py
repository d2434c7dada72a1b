"""Limits take from what pushes, in proportion, and only as much as is needed."""

from pathlib import Path

import numpy as np
from rigs import params, small_builder

from commedia.characters.gltf import character_from_bytes
from commedia.retarget.limits import Limit, Limits, limits_of_rig
from commedia.retarget.solve import Retargeter

NAMES = ("blink", "squint", "jaw", "close")


def limited(weights: list[float], *limits: Limit) -> np.ndarray:
    found = limits_of_rig(limits, NAMES)
    assert found is not None
    return found.applied(np.array(weights))


def test_within_its_range_nothing_changes():
    weights = [0.6, 1.0, 0.3, 0.3]
    lid, lips = Limit({"blink": 1.0, "squint": 0.4}, 1.0), Limit({"close": 1.0, "jaw": -1.0}, 0.0)
    assert limited(weights, lid, lips).tolist() == weights


def test_beyond_it_all_that_push_shrink_alike_and_the_rest_stays():
    found = limited([1.0, 0.5, 0.9, 0.9], Limit({"blink": 1.0, "squint": 0.5}, 1.0))
    np.testing.assert_allclose(found, [0.8, 0.4, 0.9, 0.9])


def test_lips_close_no_further_than_the_jaw_is_open():
    lips = Limit({"close": 0.8, "jaw": -1.0}, 0.0)
    np.testing.assert_allclose(limited([0, 0, 0.4, 1.0], lips), [0, 0, 0.4, 0.5])
    np.testing.assert_allclose(limited([0, 0, 0, 1.0], lips), [0, 0, 0, 0])


def test_every_limit_holds_though_they_take_each_other_s_room():
    lips, jaw = Limit({"close": 1.0, "jaw": -1.0}, 0.0), Limit({"jaw": 1.0}, 0.25)
    limits = [limited([0, 0, 1.0, 0.9], *order) for order in ((lips, jaw), (jaw, lips))]
    np.testing.assert_allclose(limits[0], [0, 0, 0.25, 0.25])
    np.testing.assert_allclose(limits[1], limits[0])


def test_random_limits_hold_and_never_add(rng: np.random.Generator):
    for _ in range(50):
        limits = Limits(rng.uniform(0, 1, (3, 6)), rng.uniform(0, 1, 3))
        weights = rng.uniform(0, 1, 6)
        found = limits.applied(weights)
        assert (limits.factors @ found <= limits.most + 1e-12).all()
        assert (found <= weights).all()
        np.testing.assert_allclose(limits.applied(found), found)


def test_morphs_that_a_rig_lacks_do_not_matter():
    assert limits_of_rig((Limit({"wink": 1.0}, 0.5),), NAMES) is None
    assert limits_of_rig((), ()) is None
    np.testing.assert_allclose(limited([1.0, 0, 0, 0], Limit({"blink": 1.0, "wink": 1.0}, 0.5)), [0.5, 0, 0, 0])


def test_a_table_s_limits_reach_the_pose_by_any_spelling(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text(
        "[morphs]\nMund_zu = { mouthClose = 1.0 }\n[[limits]]\nsum = { mund-zu = 1, jaw_open = -1 }\nmost = 0"
    )
    character = character_from_bytes(small_builder(("jawOpen", "Mund.zu")).to_bytes(), "small")
    pose = Retargeter(character, mapping=str(path)).pose_from_params(params(jawOpen=0.2, mouthClose=0.7))
    np.testing.assert_allclose(pose.weights, [0.2, 0.2])
