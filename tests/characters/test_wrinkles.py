"""Skin that changes with the expression: what a byte means, the file that carries it, and who sees it."""

import copy
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from oracles import needs_validator, validated
from rigs import params

from commedia.characters.character import Character, Document, Material
from commedia.characters.container import parse_document
from commedia.characters.default_head import own_character, own_glb
from commedia.characters.gltf import character_from_document
from commedia.characters.wrinkles import EXTRAS, WrinkledTexture
from commedia.conventions import EXPRESSION_NAMES
from commedia.errors import CommediaError
from commedia.face_model.person import Person
from commedia.face_model.wrinkles import WrinkleMap, change_of, doublings, shares_of
from commedia.outputs.preview.player import Player
from commedia.render.colour_numpy import linear_from_srgb, srgb_from_linear
from commedia.retarget.solve import Retargeter

GREY = 188
"""sRGB of linear 0.5."""


def evenly(byte: int, **weights: float) -> WrinkleMap:
    """The same change everywhere."""
    return WrinkleMap("even", weights, np.full((4, 4, 3), byte, np.uint8))


def painted(*maps: WrinkleMap) -> Person:
    return Person("mara", albedo=np.full((32, 32, 3), GREY, np.uint8), wrinkles=maps)


@cache
def darkened() -> Document:
    return parse_document(own_glb(painted(evenly(0, browInnerUp=1.0))), name="mara")


def skin_of(character: Character) -> Material:
    return next(material for material in character.materials if material.name == "skin")


def shown(maps: list[WrinkleMap], **weights: float) -> np.ndarray:
    """Linear red of a grey texture."""
    texture = WrinkledTexture(np.full((8, 8, 4), GREY, np.uint8), maps, EXPRESSION_NAMES)
    told = np.array([weights.get(name, 0.0) for name in EXPRESSION_NAMES])
    return linear_from_srgb(texture.at(told)[..., 0] / 255)


def test_byte_0_halves_a_colour_128_leaves_it_and_192_is_half_way_to_its_double() -> None:
    assert doublings(np.array([0, 128, 192], np.uint8)).tolist() == [-1.0, 0.0, 0.5]
    assert shown([evenly(0, jawOpen=1.0)], jawOpen=1.0) == pytest.approx(0.25, abs=0.005)
    assert shown([evenly(128, jawOpen=1.0)], jawOpen=1.0) == pytest.approx(0.5, abs=0.005)
    assert shown([evenly(192, jawOpen=1.0)], jawOpen=1.0) == pytest.approx(0.5 * 2**0.5, abs=0.005)


def test_every_colour_changes_as_light_does_and_a_map_that_does_not_count_changes_none() -> None:
    every = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 4, axis=2)
    for byte in (0, 60, 128, 192):
        texture = WrinkledTexture(every, [evenly(byte, jawOpen=1.0)], ("jawOpen",))
        np.testing.assert_array_equal(texture.at(np.array([0.0])), every)
        wanted = srgb_from_linear(linear_from_srgb(every / 255) * 2 ** ((byte - 128) / 128)) * 255
        found = texture.at(np.array([1.0]))
        assert np.abs(found[..., :3] - wanted[..., :3]).max() <= 0.75
        np.testing.assert_array_equal(found[..., 3], every[..., 3])


def test_changes_come_back_as_near_as_a_byte_is() -> None:
    wanted = np.linspace(-1, 0.99, 50)
    assert np.abs(doublings(change_of(wanted)) - wanted).max() <= 0.5 / 128 + 1e-6
    assert doublings(change_of(np.array([-9.0, 9.0]))).tolist() == [-1.0, 127 / 128]


def test_maps_count_by_their_shares_at_most_fully_and_add_up() -> None:
    both = evenly(0, browDownLeft=0.5, browDownRight=0.5)
    assert shown([both], browDownLeft=1.0) == pytest.approx(0.5 * 2**-0.5, abs=0.005)
    assert shown([both], browDownLeft=2.0, browDownRight=2.0) == pytest.approx(0.25, abs=0.005)
    assert shown([both], jawOpen=1.0) == pytest.approx(0.5, abs=0.005)
    two = [evenly(64, jawOpen=1.0), evenly(64, mouthPucker=1.0)]
    assert shown(two, jawOpen=1.0, mouthPucker=1.0) == pytest.approx(0.25, abs=0.005)
    assert shares_of([both], ("browDownLeft", "jawOpen")).tolist() == [[0.5, 0.0]]


def test_what_does_not_change_is_not_painted_again() -> None:
    texture = WrinkledTexture(np.full((8, 8, 4), GREY, np.uint8), [evenly(0, jawOpen=1.0)], ("jawOpen",))
    rest, half = texture.at(np.array([0.0])), texture.at(np.array([0.5]))
    assert texture.at(np.array([0.501])) is half
    assert rest is not half
    assert (rest == GREY).all(), "the texture at rest stays what it is"


def test_a_map_of_no_known_blendshape_is_refused() -> None:
    with pytest.raises(CommediaError, match="did you mean 'jawOpen'"):
        evenly(0, jawOpn=1.0)


def test_a_file_carries_maps_and_plain_readers_see_the_skin_at_rest(tmp_path: Path) -> None:
    change = np.random.default_rng(1).integers(0, 255, (16, 16, 3)).astype(np.uint8)
    person = painted(WrinkleMap("frown", {"browDownLeft": 0.5, "browDownRight": 0.5}, change))
    material = skin_of(own_character(person))
    (found,) = material.wrinkles
    assert (found.name, found.weights) == ("frown", {"browDownLeft": 0.5, "browDownRight": 0.5})
    np.testing.assert_array_equal(found.change, change)
    assert material.image is not None
    assert abs(material.image[..., :3].astype(int) - GREY).max() <= 2, "the base texture is the skin at rest"
    others = [other for other in own_character(person).materials if other.name != "skin"]
    assert not any(other.wrinkles for other in others)


def test_without_maps_a_file_says_nothing_of_them() -> None:
    assert EXTRAS.encode() not in own_glb(painted())


@needs_validator
def test_the_file_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "mara.glb"
    path.write_bytes(own_glb(painted(evenly(0, browInnerUp=1.0))))
    (issues,) = validated(path)
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"]


@pytest.mark.parametrize(
    "told",
    [
        {"version": 2, "maps": []},
        {"version": 1, "maps": [{"name": "a", "texture": {"index": 99}, "weights": {}}]},
        {"version": 1, "maps": [{"name": "a", "texture": {"index": 1}, "weights": {"jawOpn": 1}}]},
        {"version": 1, "maps": [{"name": "a", "texture": {"index": 1}, "weights": {"jawOpen": "much"}}]},
        {"version": 1, "maps": [{"name": "a", "texture": {"index": 1}, "weights": 3}]},
        {"version": 1, "maps": "all"},
        {"version": 1, "maps": [7]},
        [],
        "maps",
    ],
)
def test_maps_that_cannot_be_read_are_left_out_and_the_head_plays(told: object) -> None:
    tree = copy.deepcopy(darkened().json)
    next(one for one in tree["materials"] if one["name"] == "skin")["extras"][EXTRAS] = told
    character = character_from_document(replace(darkened(), json=tree))
    assert skin_of(character).wrinkles == ()
    assert "the wrinkle maps of the material 'skin' cannot be read, and are left out" in character.notes


def test_the_preview_shows_them_with_their_blendshape_and_nowhere_else() -> None:
    dark, plain = character_from_document(darkened()), own_character(painted())
    retargeter, players = Retargeter(dark), [Player(dark), Player(plain)]

    def pictures(**weights: float) -> list[np.ndarray]:
        drawn = [np.zeros((120, 120, 3), np.uint8) for _ in players]
        for player, picture in zip(players, drawn, strict=True):
            player.draw(retargeter.pose_from_params(params((0.0, 0.0, 0.0), **weights)), picture, opacity=1.0)
        return drawn

    np.testing.assert_array_equal(*pictures())
    after, before = pictures(browInnerUp=1.0)
    skin = before.min(axis=2) > 60
    assert after[skin].mean() < 0.8 * before[skin].mean()
    np.testing.assert_array_equal(*pictures(jawOpen=1.0)), "and it goes away again"
