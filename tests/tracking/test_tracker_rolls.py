"""Faces that lie on their side or stand on their head are found and read as they are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from fakes import FakeDetector, FakeRegressor, Person, World, fake_landmarks, fake_params
from test_tracker import step

from commedia.faces.crop import Crop, crop_from_landmarks
from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz
from commedia.structures import Box, Face, FaceParams
from commedia.tracking.models import Models
from commedia.tracking.settings import PHOTO_SETTINGS, VIDEO_SETTINGS, TrackerSettings
from commedia.tracking.tracker import Tracker
from commedia.tracking.turned import box_turned_back

JAR = fake_params(np.array([250.0, 100.0]), 40.0, seed=7)


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
