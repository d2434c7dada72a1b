"""What `Tracker.step` takes and says, and detectors that only have boxes."""

import inspect
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest
from fakes import FakeDetector, FakeRegressor, Person, World, fake_landmarks
from test_tracker import absent, follow, ids, play, still, tracker_of

from commedia.demo.performance import TROUPE, params_at
from commedia.demo.troupe import stage_picture
from commedia.errors import BadPicture
from commedia.face_model.landmarks import landmarks_from_params
from commedia.face_model.model import load_head
from commedia.faces.mfn import open_mfn
from commedia.faces.protocol import DetectorProtocol
from commedia.faces.sfn import open_sfn
from commedia.faces.tiled import TiledDetector
from commedia.structures import Face
from commedia.tracking.models import Models
from commedia.tracking.settings import PHOTO_SETTINGS, VIDEO_SETTINGS, TrackerSettings
from commedia.tracking.tracker import Tracker


@dataclass
class BoxesOf:
    """Another detector's boxes, and nothing of what it read."""

    detector: DetectorProtocol

    def detect(self, image: np.ndarray) -> list[Face]:
        return [Face(face.box, face.confidence) for face in self.detector.detect(image)]


@pytest.mark.parametrize(
    ("image", "time_s", "found"),
    [
        ([[0]], 0.0, "a list"),
        (np.zeros((4, 6), np.uint8), 0.0, r"an array of uint8 with shape \(4, 6\)"),
        (np.zeros((4, 6, 4), np.uint8), 0.0, r"an array of uint8 with shape \(4, 6, 4\)"),
        (np.zeros((0, 6, 3), np.uint8), 0.0, r"an array of uint8 with shape \(0, 6, 3\)"),
        (np.zeros((4, 6, 3), np.float32), 0.0, r"an array of float32 with shape \(4, 6, 3\)"),
        (np.zeros((4, 6, 3), np.uint8), float("nan"), "the time nan"),
        (np.zeros((4, 6, 3), np.uint8), "0.5", "the time '0.5'"),
    ],
)
def test_what_is_no_picture_or_no_time_is_refused_in_a_sentence(image: object, time_s: object, found: str):
    # As a user calls it: without the checks of the test run.
    tracker = tracker_of(World([]))
    with pytest.raises(BadPicture, match=rf"^a tracker takes an RGB picture, .*seconds; it was given {found}$"):
        inspect.unwrap(Tracker.step)(tracker, image, time_s)
    assert tracker.step(np.zeros((4, 6, 3), np.uint8), 0).faces == ()


def test_a_step_says_who_may_yet_be_somebody_and_who_just_became():
    world = World([Person(1, still(80)), Person(2, absent(still(220), 0.0, 0.2))])
    tracker = tracker_of(world, replace(VIDEO_SETTINGS, detect_every=1))
    named: dict[int, int] = {}
    for index in range(12):
        frame = world.frame(index)
        before = {} if index == 0 else dict(step.unconfirmed)
        step = tracker.step(frame.image, float(frame.time_s))
        assert all(face.id == 0 for face in step.unconfirmed.values())
        assert not set(step.unconfirmed) & set(step.newly_confirmed)
        for key, person in step.newly_confirmed.items():
            assert key in before
            assert person in [face.id for face in step.faces]
        named |= step.newly_confirmed
    assert sorted(named.values()) == [1, 2]
    assert [face.id for face in step.faces] == [1, 2]


def test_exact_and_floating_times_say_the_same():
    world = World([Person(1, lambda t: (60 + 60 * t, 100))])
    exact, floating = tracker_of(world), tracker_of(world)
    for index in range(20):
        image = world.frame(index).image
        steps = exact.step(image, Fraction(index, 30)), floating.step(image, index / 30)
        for one, other in zip(*(step.faces for step in steps), strict=True):
            np.testing.assert_array_equal(one.landmarks_px, other.landmarks_px)


SETTINGS = [VIDEO_SETTINGS, replace(VIDEO_SETTINGS, detect_every=1), replace(VIDEO_SETTINGS, refine_budget=1)]


@pytest.mark.parametrize("settings", SETTINGS)
def test_boxes_are_enough_to_follow_read_and_confirm_people(settings: TrackerSettings):
    """Also more people than are refined where the detector reads them itself."""
    people = [Person(1, lambda t: (60 + 60 * t, 100 + 20 * np.sin(4 * t))), Person(2, absent(still(260), 0.5, 1.0))]
    world = World(people)
    boxes = Models(BoxesOf(FakeDetector(world)), FakeRegressor(world), landmarker=fake_landmarks)
    followed = follow(Tracker(boxes, settings), (world.frame(index) for index in range(45)))
    plain = play(world, 45, settings)
    assert [ids(tracked) for _, tracked in followed][1:] == [ids(tracked) for tracked in plain][1:]
    for frame, tracked in followed[1:]:
        for face in tracked.faces:
            truth = people[face.id - 1].params(float(frame.time_s))
            if face.status == "tracked" and truth is not None:
                np.testing.assert_allclose(face.params.pose.origin_px, truth.pose.origin_px, atol=5)
                np.testing.assert_allclose(face.params.identity, truth.identity, atol=1e-5)


def test_boxes_of_drawn_heads_are_read_as_well_as_detections():
    """With the shipped networks: the box's crop leads SFN to the points that MFN's landmarks lead it to."""
    truth = [params_at(performer, 1.0) for performer in TROUPE]
    picture = stage_picture(list(zip(TROUPE, truth, strict=True)), load_head())
    mfn, sfn = open_mfn(), open_sfn()
    full = Tracker(Models(mfn, sfn), PHOTO_SETTINGS).step(picture, 0).faces
    boxes = Tracker(Models(BoxesOf(mfn), sfn, TiledDetector(BoxesOf(mfn))), PHOTO_SETTINGS).step(picture, 0).faces
    assert len(full) == len(boxes) == len(TROUPE)
    for one, other in zip(full, boxes, strict=True):
        size = np.sqrt(one.box.width_px * one.box.height_px)
        points = [landmarks_from_params(params) for params in truth]
        true = min(points, key=lambda candidate: float(abs(candidate - one.landmarks_px).mean()))
        apart, error, detected_error = (
            np.linalg.norm(first - second, axis=1).mean() / size
            for first, second in (
                (one.landmarks_px, other.landmarks_px),
                (other.landmarks_px, true),
                (one.landmarks_px, true),
            )
        )
        assert apart < 0.015
        assert error < detected_error + 0.01
