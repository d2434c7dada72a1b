"""When the tracker looks: detections in every frame or few, crops refined first, and tiled detections for small
faces."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from fakes import FPS, FakeDetector, FakeRegressor, Person, World, fake_landmarks
from test_tracker import Place, absent, follow, ids, play, step, still, tracker_of

from commedia.structures import Face, TrackedFrame
from commedia.tracking.models import Models
from commedia.tracking.settings import VIDEO_SETTINGS
from commedia.tracking.tracker import Tracker


@pytest.mark.parametrize("first", [15, 16, 17])
def test_who_enters_while_the_detector_rests_is_there_within_three_frames(first: int):
    world = World([Person(1, still(160)), Person(2, absent(still(60), 0.0, first / FPS))])
    followed = follow(tracker_of(world), (world.frame(index) for index in range(30)))
    shown = [tracked.index for _, tracked in followed if 2 in ids(tracked)]
    assert VIDEO_SETTINGS.detect_every == 3
    assert first <= shown[0] < first + 3
    assert shown == list(range(shown[0], 30))


def walking_out(last: int) -> Place:
    """Across the right edge between the frames `last` and `last` + 1."""
    return lambda time_s: (320 + 200 * (time_s - (last + 0.5) / FPS), 100)


@pytest.mark.parametrize("last", [15, 16, 17])
def test_who_vanishes_is_lost_at_once_although_the_regressor_sees_a_face_everywhere(last: int):
    frames = play(World([Person(1, still(60)), Person(2, absent(still(220), (last + 1) / FPS, 99.0))]), 30)
    theirs = {frame.index: face for frame in frames for face in frame.faces if face.id == 2}
    assert [theirs[index].status for index in (last - 1, last, last + 1, last + 2)] == ["tracked"] * 2 + ["held"] * 2
    assert not any(face.params.expression.any() for face in theirs.values())


@pytest.mark.parametrize("leaving", [walking_out, lambda last: absent(still(220), (last + 1) / FPS, 99.0)])
def test_who_leaves_unnoticed_by_the_picture_is_shown_two_frames_too_long_at_most(leaving: Callable[[int], Place]):
    blind = replace(VIDEO_SETTINGS, pattern_change=2.0)
    overstays = []
    for last in (15, 16, 17):
        frames = play(World([Person(1, still(60)), Person(2, leaving(last))]), 40, blind)
        tracked = [frame.index for frame in frames for face in frame.faces if (face.id, face.status) == (2, "tracked")]
        overstays.append(tracked[-1] - last)
        assert tracked == list(range(1, tracked[-1] + 1))
    # Only the detector can tell, and it looks every third frame.
    assert sorted(overstays) == [0, 1, 2]


def test_the_largest_are_refined_and_stay_refined(rng: np.random.Generator):
    people = [Person(n, still(30 + 65 * n), 30.0 + 2 * (n % 2)) for n in range(5)]
    world = World(people)
    tracker = tracker_of(world, replace(VIDEO_SETTINGS, refine_budget=2))
    chosen = []
    for index in range(10):
        step(tracker, world.frame(index))
        chosen.append(sorted(round(float(crop.center_px[0])) for crop in tracker.models.regressor.crops))
    assert chosen == [[95, 225]] * 10


def test_between_detections_the_detector_rests_until_there_is_doubt():
    world = World([Person(1, absent(still(160), 1.0, 2.0))])
    tracker = tracker_of(world, replace(VIDEO_SETTINGS, detect_every=5))
    counts = []
    for index in range(90):
        before = tracker.models.detector.calls
        step(tracker, world.frame(index))
        counts.append(tracker.models.detector.calls - before)
    assert sum(counts[2:27]) == 5
    assert all(counts[32:60])
    assert sum(counts[70:90]) == 4


class ShortSighted(FakeDetector):
    """Overlooks faces narrower than 20 pixels."""

    def detect(self, image: np.ndarray) -> list[Face]:
        return [face for face in super().detect(image) if face.box.width_px >= 20]


def tiled_calls(width_px: float, frames: int) -> tuple[list[TrackedFrame], int, int]:
    """Play one person of a size, found by the tiled detection whatever the size; returns the looks of either kind
    too."""
    world = World([Person(1, still(160), width_px=width_px)])
    plain, tiled = ShortSighted(world), FakeDetector(world)
    tracker = Tracker(Models(plain, FakeRegressor(world), tiled=tiled, landmarker=fake_landmarks))
    return [step(tracker, world.frame(index)) for index in range(frames)], plain.calls, tiled.calls


@pytest.mark.parametrize("width_px", [8, 12, 16, 19])
def test_a_small_face_is_kept_by_closer_looks(width_px: float):
    shown, _, _ = tiled_calls(width_px=width_px, frames=60)
    assert [ids(frame) for frame in shown[2:]] == [[1]] * 58


def test_a_large_face_costs_a_closer_look_now_and_then():
    shown, plain, tiled = tiled_calls(width_px=40, frames=96)
    assert [ids(frame) for frame in shown[2:]] == [[1]] * 94
    assert tiled <= 5
    assert plain >= 25


def crowd(last: int = 99) -> World:
    """Eight small people on their way, more than are refined, in two rows; the last of them leaves after a frame."""
    places = [(lambda t, x=x, y=y: (x + 12 * t, y + 3 * t)) for y in (60, 160) for x in (40, 110, 180, 250)]
    places[-1] = absent(places[-1], (last + 1) / FPS, 99.0)
    return World([Person(seed, place, width_px=10 + seed % 3) for seed, place in enumerate(places, start=1)])


def test_a_crowd_of_small_faces_is_looked_at_closely_in_every_third_frame_and_followed_in_all():
    world = crowd()
    plain, tiled = ShortSighted(world), FakeDetector(world)
    tracker = Tracker(Models(plain, FakeRegressor(world), tiled=tiled, landmarker=fake_landmarks))
    for index in range(60):
        shown = step(tracker, world.frame(index))
        if index < 2:
            continue
        assert [(face.id, face.status) for face in shown.faces] == [(person, "tracked") for person in range(1, 9)]
        apart = [
            np.linalg.norm(face.params.pose.origin_px - params.pose.origin_px)
            for face, params in zip(
                sorted(shown.faces, key=lambda face: (face.box.center_px[1] > 120, face.box.center_px[0])),
                sorted(world.visible(), key=lambda face: (face.pose.origin_px[1] > 120, face.pose.origin_px[0])),
                strict=True,
            )
        ]
        assert max(apart) < 1.5
    assert tiled.calls <= 60 / VIDEO_SETTINGS.detect_every + 2
    assert plain.calls >= 36


@pytest.mark.parametrize("last", [20, 21, 22])
def test_who_leaves_a_crowd_of_small_faces_is_shown_two_frames_too_long_at_most(last: int):
    world = crowd(last)
    models = Models(ShortSighted(world), FakeRegressor(world), tiled=FakeDetector(world), landmarker=fake_landmarks)
    tracker = Tracker(models)
    counts = [sum(face.status == "tracked" for face in step(tracker, world.frame(n)).faces) for n in range(40)]
    assert counts[2 : last + 1] == [8] * (last - 1)
    assert counts[last + 3 :] == [7] * (37 - last)
