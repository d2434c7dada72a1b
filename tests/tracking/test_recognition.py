"""Where places cannot tell who is who, looks do: after a cut, on coming back, after two have crossed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import pytest
from fakes import FPS, FakeDetector, FakeRegressor, Person, World, fake_landmarks
from test_tracker import absent, follow, ids, step, still

from commedia.structures import Frame, TrackedFrame
from commedia.tracking.likeness import MOST_LOOKS
from commedia.tracking.models import Models
from commedia.tracking.settings import VIDEO_SETTINGS, Recognising
from commedia.tracking.tracker import Tracker

LOW = 205.0
"""So near the lower edge that no clothes are to be seen, which are alike here."""
Who = Callable[[float, float], int]
"""Time and x in pixels to the number of the person who is really there: everybody here looks alike to a camera."""


@dataclass
class FakeEmbedder:
    """Knows who is where; implements `EmbedderProtocol`."""

    world: World
    who: Who
    looks: list[int] = field(default_factory=list)

    def embed(self, image: np.ndarray, landmarks_px: Sequence[np.ndarray]) -> np.ndarray:
        here = [self.who(self.world.now_s, float(points[:, 0].mean())) for points in landmarks_px]
        self.looks += here
        return np.eye(8, dtype=np.float32)[here]


def tracker_of(world: World, who: Who) -> Tracker:
    models = Models(
        FakeDetector(world), FakeRegressor(world), landmarker=fake_landmarks, embedder=FakeEmbedder(world, who)
    )
    return Tracker(models)


def shown(world: World, who: Who, times_s: Sequence[float]) -> list[TrackedFrame]:
    """Play a world at these times."""
    frames = (world.frame(index, Fraction(time_s).limit_denominator(1000)) for index, time_s in enumerate(times_s))
    return [tracked for _, tracked in follow(tracker_of(world, who), frames)]


def seconds(start: float, stop: float) -> list[float]:
    return np.arange(start, stop, 1 / FPS).tolist()


def tracked(frame: TrackedFrame) -> list[int]:
    return [face.id for face in frame.faces if face.status == "tracked"]


def test_a_cut_between_two_who_stand_alike_gives_two() -> None:
    world = World([Person(1, still(160))], background=lambda time_s: 60 if time_s < 1 else 200)
    frames = shown(world, lambda time_s, x: int(time_s >= 1), seconds(0, 2))
    assert [tracked(frame) for frame in frames] == [[1]] * FPS + [[2]] * FPS
    assert all(len(frame.faces) == 1 for frame in frames), "nobody lingers in another picture"


def test_a_cut_to_another_view_of_one_person_keeps_the_name() -> None:
    world = World(
        [Person(1, lambda time_s: (100, 100) if time_s < 1 else (220, 150))],
        background=lambda time_s: 60 if time_s < 1 else 200,
    )
    frames = shown(world, lambda time_s, x: 0, seconds(0, 2))
    assert [tracked(frame) for frame in frames] == [[1]] * 2 * FPS


@pytest.mark.parametrize(("away_s", "name"), [(3, 1), (20, 1), (60, 1), (70, 2)])
def test_who_comes_back_within_a_minute_keeps_the_name(away_s: float, name: int) -> None:
    world = World([Person(1, absent(still(60), 1.0, 1.0 + away_s))])
    times_s = [*seconds(0, 1), *np.arange(1, 1 + away_s, 0.5).tolist(), *seconds(1 + away_s, 2 + away_s)]
    frames = shown(world, lambda time_s, x: 0, times_s)
    assert [tracked(frame) for frame in frames[:FPS]] == [[1]] * FPS
    assert [tracked(frame) for frame in frames[-FPS + 1 :]] == [[name]] * (FPS - 1)
    assert all(len(ids(frame)) == len(set(ids(frame))) for frame in frames)


@pytest.mark.parametrize("covered_s", [0.1, 0.4])
def test_who_is_half_covered_on_coming_back_is_not_taken_for_somebody_else_for_long(covered_s: float) -> None:
    # 0.1 s unlike: before they are doubted; 0.4 s: they are somebody new until they are seen well.
    world = World([Person(1, absent(still(60, LOW), 1.0, 1.5))])
    times_s = seconds(0, 4)
    tracker = tracker_of(world, lambda time_s, x: int(1.5 <= time_s < 1.5 + covered_s))
    frames = [
        tracked for _, tracked in follow(tracker, (world.frame(n, Fraction(n, FPS)) for n in range(len(times_s))))
    ]
    assert tracked(frames[-1]) == tracked(frames[FPS - 1]) == [1]
    assert tracker.recognition.recalled == ({} if covered_s < 0.2 else {2: 1})
    assert [tracked(frame) for frame in frames].count([2]) <= 0.6 * FPS


def test_somebody_else_with_a_lost_place_is_somebody_else_when_several_looks_say_so() -> None:
    world = World([Person(1, absent(still(60, LOW), 1.0, 1.5))])
    frames = shown(world, lambda time_s, x: int(time_s > 1.2), seconds(0, 4))
    assert tracked(frames[2 * FPS]) == tracked(frames[-1]) == [2]


def test_two_who_were_there_at_once_never_become_one_later() -> None:
    world = World([Person(1, absent(still(60), 1.2, 9.0)), Person(1, absent(still(220), 0.0, 1.0))])
    frames = shown(world, lambda time_s, x: 0, seconds(0, 4))
    assert tracked(frames[-1]) == [2]


def test_who_comes_instead_is_somebody_new() -> None:
    world = World([Person(1, absent(still(60), 1.0, 4.0))])
    frames = shown(world, lambda time_s, x: int(time_s > 3), seconds(0, 5))
    assert tracked(frames[-1]) == [2]


def test_two_who_are_there_at_once_are_two_however_alike() -> None:
    world = World([Person(1, still(60)), Person(1, absent(still(220), 0.0, 1.0))])
    frames = shown(world, lambda time_s, x: 0, seconds(0, 3))
    assert tracked(frames[-1]) == [1, 2]


@pytest.mark.parametrize("crossed", [True, False])
def test_two_who_meet_keep_their_names_whether_they_pass_or_turn_back(crossed: bool) -> None:
    def place(start: float, sign: int) -> Callable[[float], tuple[float, float]]:
        def at(time_s: float) -> tuple[float, float]:
            way = 120 * time_s if crossed or time_s < 0.8 else 120 * (1.6 - time_s)
            return (start + sign * way, 110)

        return at

    first, second = place(64, 1), place(256, -1)
    world = World([Person(1, first), Person(1, second, distance=2.0)])

    def who(time_s: float, x: float) -> int:
        return int(abs(x - first(time_s)[0]) > abs(x - second(time_s)[0]))

    frames = shown(world, who, seconds(0, 1.6))
    last = {face.id: face.box.center_px[0] for face in frames[-1].faces}
    assert last.keys() == {1, 2}
    assert (last[1] > last[2]) == crossed


def test_looks_are_few() -> None:
    world = World([Person(1, still(60)), Person(2, still(220))])
    tracker = tracker_of(world, lambda time_s, x: int(x > 140))
    for index in range(0, 40 * FPS, 8):
        step(tracker, world.frame(index))
    assert tracker.models.embedder.looks.count(0) == tracker.models.embedder.looks.count(1) <= MOST_LOOKS


def test_a_crowd_is_looked_at_again_one_by_one() -> None:
    """All once when they come; then nobody waits for ever, and no frame pays for two."""
    world = World([Person(seed, still(40 + 80 * seed)) for seed in range(4)])
    tracker = tracker_of(world, lambda time_s, x: int(x // 80))
    looks, per_frame = tracker.models.embedder.looks, []
    for index in range(FPS):
        before = len(looks)
        step(tracker, world.frame(index))
        per_frame.append(len(looks) - before)
    assert per_frame[0] == 4
    assert max(per_frame[1:]) == 1
    assert {looks.count(who) for who in range(4)} == {3}


def test_a_still_is_not_asked_who_is_on_it() -> None:
    world = World([Person(1, still(60))])
    tracker = tracker_of(world, lambda time_s, x: 0)
    tracker.settings = replace(VIDEO_SETTINGS, recognising=None)
    tracker.step(world.frame(0).image, 0)
    assert tracker.models.embedder.looks == []


def test_nothing_is_remembered_for_ever() -> None:
    few = replace(VIDEO_SETTINGS, recognising=Recognising(most_remembered=3))
    world = World([Person(1, lambda time_s: (160, 100) if time_s % 3 < 0.5 else None)])
    models = Models(
        FakeDetector(world), FakeRegressor(world), landmarker=fake_landmarks,
        embedder=FakeEmbedder(world, lambda time_s, x: int(time_s // 3) % 8),
    )  # fmt: skip
    tracker = Tracker(models, few)
    for index in range(0, 30 * FPS, 5):
        frame: Frame = world.frame(index)
        tracker.step(frame.image, frame.time_s)
    assert 1 <= len(tracker.recognition.gone) <= 3
