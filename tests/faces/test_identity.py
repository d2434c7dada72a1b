"""Who somebody is, of several frames: the sure ones count more, and errors that frames share do not average out."""

from dataclasses import dataclass

import numpy as np
import pytest

from commedia.conventions import EXPRESSION_MIRROR
from commedia.face_model.model import load_head
from commedia.face_model.rest_shape import rest_shape
from commedia.faces.crop import AROUND, Crop, around
from commedia.faces.identity import IDENTITY_OUTPUTS, SHARED, IdentityPredictor, SeenIdentity, together
from commedia.faces.session import OnnxSession

REST = rest_shape(load_head())
CHANCE = np.random.default_rng(0)


def nothing(said: np.ndarray) -> np.ndarray:
    return np.zeros((len(said), 52))


def spreads(count: int, least: float = 0.2, most: float = 0.9) -> np.ndarray:
    return np.tile(REST.spread_mm * CHANCE.uniform(least, most, 50), (count, 1))


def test_frames_that_are_equally_sure_count_alike_and_for_more_than_one() -> None:
    said, spread = CHANCE.normal(size=(4, 50)), spreads(4)
    along = together(SeenIdentity(said, spread, nothing(said)), REST).identity @ REST.mm_from_identity
    farther = along / (said.mean(0) @ REST.mm_from_identity)
    # By hand: the mean as an observation without the people, whose noise frames share in part.
    shares = (spread[0] / REST.spread_mm) ** 2
    noise = (SHARED + (1 - SHARED) / 4) / (1 / shares - 1)
    np.testing.assert_allclose(farther, 1 / (1 - shares) / (1 + noise), rtol=1e-6)
    assert farther.min() > 1


def test_each_direction_comes_from_who_is_sure_of_it() -> None:
    said, spread = CHANCE.normal(size=(2, 50)), spreads(2, 0.98, 0.99)
    spread[0, :25], spread[1, 25:] = (1e-3 * REST.spread_mm[part] for part in (slice(25), slice(25, 50)))
    along = said @ REST.mm_from_identity
    found = together(SeenIdentity(said, spread, nothing(said)), REST).identity @ REST.mm_from_identity
    np.testing.assert_allclose(found, np.where(np.arange(50) < 25, along[0], along[1]), atol=1e-3)


def test_two_thousand_people_are_found_as_well_as_is_said() -> None:
    people = CHANCE.normal(size=(2000, 50)) @ np.diag(REST.spread_mm)
    noise = np.array([0.9, 1.0, 1.2]) * REST.spread_mm[:, None]
    found = []
    for truth in people:
        shared = np.sqrt(SHARED) * CHANCE.normal(size=50)
        off = noise.T * (shared + np.sqrt(1 - SHARED) * CHANCE.normal(size=(3, 50)))
        posterior = 1 / (1 / noise.T**2 + REST.spread_mm**-2)
        seen = SeenIdentity(
            (truth + off) / noise.T**2 * posterior @ REST.identity_from_mm, np.sqrt(posterior), off[:, :1]
        )
        known = together(seen, REST)
        found.append(known.identity @ REST.mm_from_identity - truth)
    off_mm = np.sqrt(np.square(found).sum(1).mean())
    best_alone = np.sqrt((1 / (1 / noise[:, 0] ** 2 + REST.spread_mm**-2)).sum())
    assert off_mm < 0.97 * best_alone
    variance = np.square(REST.identity_from_mm @ known.sure).sum(1) ** -1
    assert off_mm == pytest.approx(np.sqrt(variance.sum()), rel=0.1)


def test_one_frame_says_what_it_says() -> None:
    said, spread = CHANCE.normal(size=(1, 50)), spreads(1)
    known = together(SeenIdentity(said, spread, nothing(said)), REST)
    np.testing.assert_allclose(known.identity, said[0], atol=1e-6)
    off = REST.identity_from_mm[3] * spread[0, 3]
    assert np.linalg.norm(off @ known.sure) == pytest.approx(1.0)


@dataclass
class ReadsSides:
    """A network that takes the colours of a crop's left and right for who it is."""

    def run(self, names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        (pixels,) = inputs.values()
        left, right = pixels[:, 0, :, :8].mean((1, 2)), pixels[:, 0, :, 8:].mean((1, 2))
        identity = np.tile(left[:, None], (1, 50)) + np.arange(50) * right[:, None]
        both = np.tile(left[:, None], (1, 50)), np.arange(52) * left[:, None]
        return [part.astype(np.float32) for part in (identity, *both)]


def test_in_a_mirror_somebody_is_mirrored() -> None:
    head = load_head()
    predictor = IdentityPredictor((OnnxSession(ReadsSides(), "pixels", IDENTITY_OUTPUTS, 16, {}),), head)
    image = CHANCE.integers(0, 255, (16, 16, 3)).astype(np.uint8)
    crop = Crop(np.array([8, 8], np.float32), 16.0, 0.0)
    plain, mirrored = (predictor.read(np.ascontiguousarray(one), [crop]) for one in (image, image[:, ::-1]))
    np.testing.assert_allclose(mirrored.identity, plain.identity * head.identity_mirror, rtol=1e-5)
    np.testing.assert_allclose(mirrored.spread_mm, plain.spread_mm, rtol=1e-5)
    np.testing.assert_allclose(mirrored.expression, plain.expression[:, list(EXPRESSION_MIRROR)], rtol=1e-5)
    assert predictor.read(image, []).identity.shape == (0, 50)


def test_crops_around_a_face_turn_with_it_and_lie_on_both_sides() -> None:
    crop = Crop(np.array([40, 70], np.float32), 30.0, 0.3)
    near = around(crop)
    assert (near[0].center_px == crop.center_px).all()
    shifts = np.array([(one.center_px - crop.center_px) @ crop.image_from_crop / crop.side_px for one in near])
    larger = np.array([[one.side_px / crop.side_px] for one in near])
    places = {tuple(np.round(row, 3).tolist()) for row in np.hstack([shifts, larger])}
    assert len(places) == len(AROUND) == 9
    assert {(-x, y, size) for x, y, size in places} == places
    assert {one.roll for one in near} == {crop.roll}


@dataclass
class Says:
    """A network that says one number of everybody."""

    number: float

    def run(self, names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        return [np.full((len(inputs["pixels"]), count), self.number) for count in (50, 50, 52)]


def test_the_last_network_says_who_it_is_and_all_what_it_does() -> None:
    sessions = tuple(OnnxSession(Says(number), "pixels", IDENTITY_OUTPUTS, 16, {}) for number in (1.0, 2.0))
    seen = IdentityPredictor(sessions, load_head()).read(np.zeros((20, 20, 3), np.uint8), [Crop(np.ones(2), 9.0)] * 2)
    assert seen.identity.shape == (2, 50)
    symmetric = load_head().identity_mirror > 0
    np.testing.assert_allclose(seen.identity, np.where(symmetric, 2.0, 0.0).astype(np.float32)[None].repeat(2, 0))
    np.testing.assert_allclose(seen.spread_mm, np.exp(2.0))
    np.testing.assert_allclose(seen.expression, 1.5)
