"""A regressor that says whether anybody is there: jars and sleeves never become people, doubtful people do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from fakes import FPS, FakeDetector, FakeRegressor, Person, World, fake_box, fake_landmarks, fake_params
from test_tracker import step

from commedia.conventions import EXPRESSION_INDEX
from commedia.faces.crop import Crop, crop_from_landmarks
from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz
from commedia.structures import Box, Face, FaceParams, TrackedFrame
from commedia.tracking.models import Models
from commedia.tracking.settings import PHOTO_SETTINGS, VIDEO_SETTINGS, TrackerSettings
from commedia.tracking.tracker import Tracker
from commedia.tracking.turned import box_turned_back

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


@dataclass
class UprightReader(FakeRegressor):
    """Sees a face only in crops that are turned as the person is, as a network taught on upright crops does."""

    roll: float = 0.0
    calls: int = 0

    def regress(self, image: np.ndarray, crops: list[Crop]) -> list[FaceParams]:
        self.calls += 1
        read = [self._turned(face, crop) for face, crop in zip(super().regress(image, crops), crops, strict=True)]
        apart = [abs((crop.roll - self.roll + np.pi) % (2 * np.pi) - np.pi) for crop in crops]
        return [replace(face, presence=face.presence * (far < 0.6)) for face, far in zip(read, apart, strict=True)]

    @staticmethod
    def _turned(face: FaceParams, crop: Crop) -> FaceParams:
        """The same head with the crop's roll, in the middle of the crop."""
        wxyz = np.array([np.cos(crop.roll / 2), 0, 0, np.sin(crop.roll / 2)], np.float32)
        face = replace(face, pose=replace(face.pose, wxyz=wxyz))
        shift = crop.center_px - crop_from_landmarks(fake_landmarks([face])[0]).center_px
        return replace(face, pose=replace(face.pose, origin_px=face.pose.origin_px + shift))


def rolled_landmarks(faces: Sequence[FaceParams]) -> list[np.ndarray]:
    """The fake landmarks, turned about the middle of their crop as the head is."""
    points = fake_landmarks(faces)
    for face, points_px in zip(faces, points, strict=True):
        middle, roll = crop_from_landmarks(points_px).center_px, float(yaw_pitch_roll_from_wxyz(face.pose.wxyz)[2])
        points_px[:] = middle + (points_px - middle) @ Crop(middle, 1.0, roll).image_from_crop.T
    return points


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_who_lies_or_stands_on_their_head_is_read_as_they_are(quarter: int):
    world = World([Person(1, lambda t: (80, 100))])
    reader = UprightReader(world, judges=True, roll=quarter * np.pi / 2)
    tracker = Tracker(Models(FakeDetector(world), reader, landmarker=rolled_landmarks), PHOTO_SETTINGS)
    (face,) = step(tracker, world.frame(0)).faces
    _, _, roll = yaw_pitch_roll_from_wxyz(face.params.pose.wxyz)
    assert np.cos(roll - reader.roll) == pytest.approx(1)
    # Who is surely seen upright is read once.
    reader.roll, calls = 0.0, reader.calls
    tracker.reset()
    step(tracker, world.frame(0))
    assert reader.calls == calls + 1


@dataclass
class UprightDetector(FakeDetector):
    """Finds people only in a picture that is turned by so many quarters."""

    quarters: int = 1

    def detect(self, image: np.ndarray) -> list[Face]:
        found, (height, width) = super().detect(image), self.world.size
        turns = [n for n in range(4) if np.array_equal(image, np.rot90(self.world.frame(0).image, n))]
        boxes = [turned_box(face.box, self.quarters, height, width) for face in found]
        return [Face(box, self.confidence) for box in boxes] if turns == [self.quarters] else []


def turned_box(box: Box, quarters: int, height: int, width: int) -> Box:
    """Where `np.rot90` takes a box."""
    left, top, right, bottom = box.left_px, box.top_px, box.right_px, box.bottom_px
    return (
        box,
        Box(top, width - right, bottom, width - left),
        Box(width - right, height - bottom, width - left, height - top),
        Box(height - bottom, left, height - top, right),
    )[quarters]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_box_in_a_turned_picture_is_told_where_it_is(quarters: int):
    box, picture = Box(3.0, 5.0, 10.0, 9.0), np.zeros((20, 30), np.uint8)
    picture[5:9, 3:10] = 1
    rows, columns = np.nonzero(np.rot90(picture, quarters))
    found = Box(float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
    assert found == turned_box(box, quarters, 20, 30)
    assert box_turned_back(found, quarters, 20, 30) == box


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_photograph_in_which_nobody_is_found_is_turned(quarters: int):
    world = World([Person(1, lambda t: (80, 100))])
    detector = UprightDetector(world, quarters=quarters)
    # Turned by so many quarters the head is upright: its own roll is as much the other way.
    reader = UprightReader(world, judges=True, roll=-quarters * np.pi / 2)
    tracker = Tracker(Models(detector, reader, landmarker=rolled_landmarks), PHOTO_SETTINGS)
    (face,) = step(tracker, world.frame(0)).faces
    assert np.cos(yaw_pitch_roll_from_wxyz(face.params.pose.wxyz)[2] - reader.roll) == pytest.approx(1)
    np.testing.assert_allclose(face.params.pose.origin_px, [80, 100], atol=15)
    assert detector.calls == 4
    # A doubtful find there is none, a video is not turned, and a photograph is only when nobody is found in it.
    for settings, confidence, upright, calls in (
        (PHOTO_SETTINGS, 0.6, quarters, 4),
        (VIDEO_SETTINGS, 0.8, quarters, 1),
        (PHOTO_SETTINGS, 0.8, 0, 1),
    ):
        other = UprightDetector(world, confidence, quarters=upright)
        faces = step(Tracker(replace(tracker.models, detector=other), settings), world.frame(0)).faces
        assert (len(faces), other.calls) == (int(upright == 0), calls)


@pytest.mark.parametrize(("settings", "turns"), [(VIDEO_SETTINGS, 1), (PHOTO_SETTINGS, 3)], ids=["video", "photo"])
def test_a_frame_of_a_video_looks_for_one_face_at_every_roll(settings: TrackerSettings, turns: int):
    """What the detector dreams asks for it in every frame; a photograph has the time."""
    world = World([Person(seed, lambda t, x=60.0 + 80 * seed: (x, 100)) for seed in range(3)])
    reader = UprightReader(world, judges=True, roll=np.pi)
    tracker = Tracker(Models(FakeDetector(world), reader, landmarker=rolled_landmarks), settings)
    step(tracker, world.frame(0))
    # The detector's crops once, then each turned face in eight crops and those that passed again.
    assert reader.calls == 1 + 2 * turns
