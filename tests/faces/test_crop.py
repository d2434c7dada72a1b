"""Crops keep their place to a fraction of a pixel, and crop units round-trip."""

import cv2
import numpy as np
import pytest
from crop_params import crop_params_from_face_params, face_params_from_crop_params

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.face_model.landmarks import face_box_from_params, landmarks_from_params
from commedia.faces.crop import (
    PADDING_GREY,
    Crop,
    crop_from_landmarks,
    crop_image,
    crop_of_face_box,
)
from commedia.faces.landmarks import landmarks_of_faces
from commedia.geometry.placement import look_up
from commedia.geometry.rotations import wxyz_from_axis_angle, wxyz_from_yaw_pitch_roll
from commedia.structures import FaceParams, HeadPose


def random_params(rng: np.random.Generator) -> FaceParams:
    return FaceParams(
        identity=rng.normal(size=IDENTITY_COUNT).astype(np.float32),
        expression=rng.uniform(size=EXPRESSION_COUNT).astype(np.float32),
        pose=HeadPose(
            wxyz=wxyz_from_axis_angle(rng.normal(size=3).astype(np.float32) * 0.5),
            origin_px=rng.uniform(0, 500, 2).astype(np.float32),
            px_per_m=float(rng.uniform(200, 2000)),
        ),
    )


def test_crop_units_round_trip(rng: np.random.Generator):
    for _ in range(10):
        params = random_params(rng)
        crop = Crop(rng.uniform(0, 500, 2).astype(np.float32), float(rng.uniform(50, 300)), float(rng.uniform(-3, 3)))
        back = face_params_from_crop_params(crop_params_from_face_params(params, crop), crop)
        np.testing.assert_allclose(back.pose.origin_px, params.pose.origin_px, atol=1e-3)
        np.testing.assert_allclose(back.pose.wxyz, params.pose.wxyz, atol=1e-6)
        assert back.pose.px_per_m == pytest.approx(params.pose.px_per_m, rel=1e-5)


def test_translation_points_up_and_scale_counts_crop_sides_per_decimetre():
    params = FaceParams(
        np.zeros(50, np.float32),
        np.zeros(52, np.float32),
        HeadPose(np.array([1, 0, 0, 0], np.float32), np.array([100, 90], np.float32), 1000.0),
    )
    crop_params = crop_params_from_face_params(params, Crop(np.array([100, 100], np.float32), 200.0))
    assert crop_params.scale == pytest.approx(0.5)  # 0.1 m is 100 px is half a crop.
    np.testing.assert_allclose(crop_params.translation, [0, 0.1, 0], atol=1e-6)  # 10 px up is 0.01 m is 0.1 dm.


@pytest.fixture
def frontal_px() -> np.ndarray:
    """The mean head's points as a camera in front sees them, 600 pixels per metre, y down."""
    points = landmarks_of_faces([face_at(roll=0.0)])[0]
    return points.astype(np.float32)


def face_at(*, roll: float) -> FaceParams:
    wxyz = wxyz_from_axis_angle(np.array([0, 0, roll], np.float32))
    pose = HeadPose(wxyz, np.array([200, 150], np.float32), 600.0)
    return FaceParams(np.zeros(IDENTITY_COUNT, np.float32), np.zeros(EXPRESSION_COUNT, np.float32), pose)


def test_crop_is_square_around_the_longer_side(frontal_px: np.ndarray):
    crop = crop_from_landmarks(frontal_px)
    low, high = frontal_px.min(0), frontal_px.max(0)
    np.testing.assert_allclose(crop.center_px, (low + high) / 2, atol=0.1)
    assert crop.side_px == pytest.approx(1.5 * (high - low).max(), rel=2e-3)
    assert crop.roll == pytest.approx(0.0, abs=2e-3)


@pytest.mark.parametrize("roll", [-2.5, -0.7, 0.4, 1.6, 3.0])
def test_a_crop_turns_with_the_face(roll: float):
    """Whatever the roll of a head, its crop shows it upright, at the same place and size."""
    straight, turned = face_at(roll=0.0), face_at(roll=roll)
    crops = [crop_from_landmarks(landmarks_of_faces([face])[0]) for face in (straight, turned)]
    assert crops[1].roll - crops[0].roll == pytest.approx(roll, abs=1e-3)
    crop_params = [
        crop_params_from_face_params(face, crop) for face, crop in zip((straight, turned), crops, strict=True)
    ]
    np.testing.assert_allclose(crop_params[1].wxyz, crop_params[0].wxyz, atol=1e-3)
    np.testing.assert_allclose(crop_params[1].translation, crop_params[0].translation, atol=1e-3)
    assert crop_params[1].scale == pytest.approx(crop_params[0].scale, rel=1e-3)


def test_a_turned_crop_shows_the_turned_picture():
    """A crop at a quarter turn is the picture's own quarter turn, to the pixel."""
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    crop = Crop(np.array([32, 32], np.float32), 64.0, np.pi / 2)
    # A head with a roll of +90 degrees has its crown on image left; turned clockwise it is up again.
    expected = np.rot90(image, -1)
    assert abs(crop_image(image, crop, 64).astype(int) - expected.astype(int)).max() <= 1


@pytest.mark.parametrize("side_px", [24.0, 64.0, 127.0, 150.0, 333.3])
@pytest.mark.parametrize("offset", [0.0, 0.4])
def test_a_linear_ramp_is_resampled_exactly(side_px: float, offset: float):
    # The ramp climbs 200 greys over the crop, so half an output pixel of misplacement would show as 1.6 greys.
    ramp = (np.arange(500) + 0.5 - 250) * 200 / side_px
    expected = 200 * (offset / side_px + (np.arange(64) + 0.5) / 64 - 0.5)
    differences = []
    for sign in (1, -1):
        columns = np.clip(np.round(128 + sign * ramp), 0, 255).astype(np.uint8)
        image = np.repeat(columns[None, :, None], 500, 0).repeat(3, 2)
        result = crop_image(image, Crop(np.array([250 + offset, 250], np.float32), side_px), 64)
        differences.append(result[:, :, 0].mean(axis=0) - (128 + sign * expected))
    rising, falling = differences
    assert abs(np.concatenate(differences)).max() < 1.4
    # Rounding halves up lifts both alike; a misplacement lifts one and lowers the other.
    assert abs(rising.mean() - falling.mean()) / 2 < 0.4
    assert abs(rising.mean() + falling.mean()) / 2 < 0.6


@pytest.mark.parametrize("side_px", [60.0, 64.0, 90.0, 250.0])
@pytest.mark.parametrize("center_px", [(41.0, 40.5), (3.0, 75.0), (-20.0, 90.0)])
def test_a_large_crop_shows_means(rng: np.random.Generator, side_px: float, center_px: tuple[float, float]):
    """Each pixel is about the mean of its own square of the picture, grey beyond it; half a pixel aside is 13 off."""
    image = cv2.GaussianBlur(rng.integers(0, 256, (81, 90, 3)).astype(np.float32), (0, 0), 2.0)
    image = (128 + 4 * (image - 128)).clip(0, 255).astype(np.uint8)
    crop = Crop(np.array(center_px, np.float32), side_px, 0.3)
    places = np.stack(np.meshgrid(*[(np.arange(256) + 0.5) / 256 - 0.5] * 2), axis=-1)
    wide = np.pad(image.astype(np.float32), ((400, 400), (400, 400), (0, 0)), constant_values=PADDING_GREY)
    x_px, y_px = np.moveaxis(places * side_px @ crop.image_from_crop.T + crop.center_px + 400, -1, 0)
    samples = look_up(wide, x_px, y_px, border=cv2.BORDER_CONSTANT)
    means = samples.reshape(32, 8, 32, 8, 3).mean((1, 3))
    assert image.std() > 30
    assert ((crop_image(image, crop, 32) - means) ** 2).mean() ** 0.5 < 4


def test_outside_the_picture_is_grey():
    result = crop_image(np.zeros((20, 20, 3), np.uint8), Crop(np.array([-100, -100], np.float32), 30.0), 16)
    assert (result == PADDING_GREY).all()


@pytest.mark.parametrize("side_px", [40.0, 77.7, 200.0])
def test_a_mirrored_picture_gives_the_mirrored_crop(rng: np.random.Generator, side_px: float):
    image = rng.integers(0, 256, (90, 120, 3)).astype(np.uint8)
    crop = Crop(np.array([50.25, 45.5], np.float32), side_px)
    mirrored = Crop(np.array([120 - 50.25, 45.5], np.float32), side_px)
    straight = crop_image(image, crop, 32)[:, ::-1].astype(int)
    assert abs(straight - crop_image(image[:, ::-1].copy(), mirrored, 32)).max() <= 6


def test_a_face_box_alone_places_the_crop_as_the_landmarks_do(rng: np.random.Generator):
    shares, shifts = [], []
    for _ in range(60):
        angles = np.clip(rng.normal(0, 1, 3), -2, 2) * np.deg2rad([25, 10, 10])
        pose = HeadPose(wxyz_from_yaw_pitch_roll(angles.astype(np.float32)), np.array([300, 200], np.float32), 900.0)
        params = FaceParams(rng.normal(0, 0.7, 50).astype(np.float32), np.zeros(52, np.float32), pose)
        expected = crop_from_landmarks(landmarks_from_params(params))
        placed = crop_of_face_box(face_box_from_params(params))
        shares.append(placed.side_px / expected.side_px)
        shifts.append((placed.center_px - expected.center_px) / expected.side_px)
    assert np.mean(shares) == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(np.mean(shifts, axis=0), 0, atol=0.015)
    # SFN learned from crops that are off by as much: `Augmentation` of `training/config.py`.
    assert 0.8 < min(shares) <= max(shares) < 1.2
    assert np.abs(shifts).max() < 0.1
