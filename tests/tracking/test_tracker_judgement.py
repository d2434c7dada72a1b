"""A regressor that says whether anybody is there: jars and sleeves never become people, doubtful people do."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from fakes import FPS, FakeDetector, FakeRegressor, Person, World, fake_box, fake_landmarks, fake_params
from test_tracker import step

from commedia.conventions import EXPRESSION_INDEX
from commedia.faces.crop import Crop, crop_from_landmarks
from commedia.structures import Face, FaceParams, TrackedFrame
from commedia.tracking.models import Models
from commedia.tracking.settings import PHOTO_SETTINGS, VIDEO_SETTINGS, TrackerSettings
from commedia.tracking.tracker import Tracker

JAR = fake_params(np.array([250.0, 100.0]), 40.0, seed=7)


@dataclass
class Dreamer(FakeDetector):
    """Also sees a face where a jar stands."""

    jar_confidence: float = 0.95

    def detect(self, image: np.ndarray) -> list[Face]:
        jar = Face(fake_box(JAR), self.jar_confidence, JAR, fake_landmarks([JAR])[0])
        return sorted([*super().detect(image), jar], key=lambda face: -face.confidence)


def played(
    world: World, frames: int, detector: FakeDetector, *, judges: bool, settings: TrackerSettings = VIDEO_SETTINGS
) -> list[TrackedFrame]:
    tracker = Tracker(Models(detector, FakeRegressor(world, judges=judges), landmarker=fake_landmarks), settings)
    return [step(tracker, world.frame(index)) for index in range(frames)]


def people(frames: list[TrackedFrame]) -> set[int]:
    return {face.id for frame in frames for face in frame.faces}


@pytest.mark.parametrize("settings", [VIDEO_SETTINGS, PHOTO_SETTINGS], ids=["video", "photo"])
def test_what_the_detector_dreams_is_nobody(settings: TrackerSettings):
    world = World([Person(1, lambda t: (80, 100))])
    assert people(played(world, 12, Dreamer(world), judges=False, settings=settings)) == {1, 2}
    frames = played(world, 12, Dreamer(world), judges=True, settings=settings)
    assert people(frames) == {1}
    assert all(len(frame.faces) == 1 for frame in frames[2:])


@pytest.mark.parametrize("confidence", [0.35, 0.6])
def test_who_is_doubtful_begins_when_the_regressor_sees_a_face(confidence: float):
    world = World([Person(1, lambda t: (80, 100))])
    assert people(played(world, 9, FakeDetector(world, confidence), judges=False)) == set()
    assert people(played(world, 9, FakeDetector(world, confidence), judges=True)) == {1}


def test_hardly_anything_is_not_even_looked_at():
    world = World([Person(1, lambda t: (80, 100))])
    regressor = FakeRegressor(world, judges=True)
    tracker = Tracker(Models(FakeDetector(world, 0.25), regressor, landmarker=fake_landmarks))
    assert step(tracker, world.frame(0)).faces == ()
    assert regressor.crops == []


def test_doubts_take_nobodys_place():
    """With room for one, the person is refined in every frame, not the larger jar."""
    world = World([Person(1, lambda t: (80, 100), width_px=25)])
    settings = replace(VIDEO_SETTINGS, refine_budget=1, detect_every=1)
    frames = played(world, 12, Dreamer(world, jar_confidence=0.5), judges=True, settings=settings)
    assert people(frames) == {1}
    for frame in frames[2:]:
        np.testing.assert_allclose(frame.faces[0].params.pose.origin_px, [80, 100], atol=0.5)


def test_who_is_gone_is_not_read_into_the_background():
    """Between two detections nobody but the regressor looks, and the picture need not change much."""
    settings = replace(VIDEO_SETTINGS, detect_every=6, pattern_change=2.1)
    world = World([Person(1, lambda t: (80, 100) if t < 0.49 else None)])
    for judges, last in ((False, "tracked"), (True, "held")):
        frames = played(world, 16, FakeDetector(world), judges=judges, settings=settings)
        assert frames[14].faces[0].status == "tracked"
        assert frames[15].faces[0].status == last


@dataclass
class NarrowReader(FakeRegressor):
    """Reads a face only in a crop that lies on it; beside it, doubtful, a wide open jaw."""

    def _read(self, crop: Crop) -> FaceParams:
        read = super()._read(crop)
        points = fake_landmarks([read])[0]
        beside = np.linalg.norm(crop_from_landmarks(points).center_px - crop.center_px) > 0.15 * crop.side_px
        return replace(self._imagined(crop), presence=0.5) if beside else read


def jerking(time_s: float) -> tuple[float, float]:
    """Up and down by 60 pixels four times a second, at constant speed: what went before foretells no turn."""
    return 100.0, 60 + 60 * abs((4 * time_s) % 2 - 1)


def test_who_jerks_out_of_the_crop_is_read_where_they_are():
    world = World([Person(1, jerking, width_px=60)])

    def jaws(settings: TrackerSettings) -> tuple[float, int]:
        detector = FakeDetector(world)
        tracker = Tracker(Models(detector, NarrowReader(world, judges=True), landmarker=fake_landmarks), settings)
        frames = [step(tracker, world.frame(index)) for index in range(60)][4:]
        assert all(face.status == "tracked" for frame in frames for face in frame.faces)
        return max(frame.faces[0].params.expression[EXPRESSION_INDEX["jawOpen"]] for frame in frames), detector.calls

    raw = replace(VIDEO_SETTINGS, smoothing=None)
    jaw, calls = jaws(raw)
    assert jaw == 0
    assert calls < 60
    assert jaws(replace(raw, lifecycle=replace(raw.lifecycle, follow_presence=0.1)))[0] == 1


def test_a_jar_in_sight_does_not_keep_the_detector_awake():
    world = World([Person(1, lambda t: (80, 100))])
    detector = Dreamer(world, jar_confidence=0.5)
    played(world, 60, detector, judges=True)
    assert detector.calls <= 60 / VIDEO_SETTINGS.detect_every + 3


def test_nobody_lives_on_two_doubts():
    """Hardly detected and not seen by the regressor: gone, as if nothing had been detected."""

    @dataclass
    class Fading(FakeDetector):
        def detect(self, image: np.ndarray) -> list[Face]:
            return [replace(face, confidence=0.25 if self.world.now_s > 0.3 else 0.8) for face in super().detect(image)]

    for presence, last in ((0.02, "held"), (0.4, "tracked")):

        class Doubting(FakeRegressor):
            def _read(self, crop: Crop) -> FaceParams:
                read = super()._read(crop)
                return replace(read, presence=presence) if self.world.now_s > 0.3 else read  # noqa: B023

        world = World([Person(1, lambda t: (80, 100))])
        tracker = Tracker(Models(Fading(world), Doubting(world, judges=True), landmarker=fake_landmarks))
        frames = [step(tracker, world.frame(index)) for index in range(14)]
        assert [face.status for face in frames[-1].faces] == [last]


def test_one_lucky_look_confirms_nobody():
    """A jar that passes for a face in one frame only."""

    class Dazzled(FakeRegressor):
        def _read(self, crop: Crop) -> FaceParams:
            read = super()._read(crop)
            return replace(read, presence=0.9) if self.world.now_s == 0 else read

    world = World([])
    tracker = Tracker(
        Models(Dreamer(world, jar_confidence=0.6), Dazzled(world, judges=True), landmarker=fake_landmarks)
    )
    assert people([step(tracker, world.frame(index)) for index in range(9)]) == set()


@pytest.mark.parametrize(
    ("confidence", "presences", "first"),
    [
        (0.7, (0.94, 0.99, 0.87, 0.89, 0.91, 0.97, 0.99, 0.99, 0.98, 0.98), None),  # the dot of an i
        (0.4, (0.96, 0.98, 0.91, 0.77, 0.83, 0.74, 0.69, 0.63, 0.73, 0.49), None),  # a head from behind
        (0.7, (0.97,) * 10, 1),
        (0.4, (0.97,) * 10, 5),
        (0.7, (0.94, *(0.99,) * 9), 9),
        (0.4, (None,) * 10, None),  # of which the detector is not sure, and no look from near says anything
        (0.7, (None,) * 10, 1),
    ],
)
def test_somebody_appears_once_most_looks_from_near_say_so(
    confidence: float, presences: tuple[float | None, ...], first: int | None
) -> None:
    """Two things that were taken for faces in clips, as they were read, and people."""

    class Reading(FakeRegressor):
        def _read(self, crop: Crop) -> FaceParams:
            return replace(super()._read(crop), presence=presences[round(FPS * self.world.now_s)])

    @dataclass
    class Finding(FakeDetector):
        def detect(self, image: np.ndarray) -> list[Face]:
            return [replace(face, confidence=confidence) for face in super().detect(image)]

    world = World([Person(1, lambda t: (80, 100))])
    tracker = Tracker(Models(Finding(world), Reading(world), landmarker=fake_landmarks))
    there = [bool(step(tracker, world.frame(index)).faces) for index in range(10)]
    assert there == [first is not None and index >= first for index in range(10)]


def test_a_detection_outweighs_the_doubt_about_somebody_known():
    """Somebody half covered, whom the detector still sees, stays."""

    class Blind(FakeRegressor):
        def _read(self, crop: Crop) -> FaceParams:
            read = super()._read(crop)
            return replace(read, presence=0.02) if self.world.now_s > 0.3 else read

    world = World([Person(1, lambda t: (80, 100))])
    tracker = Tracker(Models(FakeDetector(world), Blind(world, judges=True), landmarker=fake_landmarks))
    settings_frames = [step(tracker, world.frame(index)) for index in range(30)]
    assert people(settings_frames) == {1}
    assert sum(frame.faces[0].status == "tracked" for frame in settings_frames[11:]) >= 18
