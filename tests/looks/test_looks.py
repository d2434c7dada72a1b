"""Heads whose colours are known, drawn and read back: what is found of them, and what is not found of bad pictures."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from commedia.characters.character import Character
from commedia.characters.hair import with_hair
from commedia.characters.skin import Look
from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.demo.performance import Performer
from commedia.demo.troupe import stage_picture
from commedia.errors import UnknownName
from commedia.face_model.model import REGIONS, load_head
from commedia.geometry.meshes import smooth_normals
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.looks.hair import USUAL_M
from commedia.looks.look import look_of
from commedia.looks.portraits import MOST_PEOPLE, PER_PERSON, SIDE_PX, Portrait, Portraits, portrait_of
from commedia.retarget.cast import OWN, PAINTED, Cast
from commedia.structures import Box, FaceParams, Frame, HeadPose, TrackedFace, TrackedFrame

IRISES = {"brown": (74, 44, 26), "green": (84, 122, 78), "blue": (84, 122, 168)}
PEOPLE = {
    1: Look(skin=(236, 196, 174), lips=(196, 112, 106), hair=(196, 164, 110), iris=IRISES["blue"]),
    2: Look(skin=(196, 146, 116), lips=(160, 88, 80), hair=(52, 36, 28), iris=IRISES["brown"]),
    3: Look(skin=(98, 66, 50), lips=(96, 52, 50), hair=(22, 18, 16), iris=IRISES["brown"]),
    4: Look(skin=(222, 176, 152), lips=(186, 104, 98), hair=(120, 60, 34), iris=IRISES["green"]),
}
"""Drawn side by side; from light to dark: 1, 4, 2, 3."""
PX_PER_M = 1250.0


def face_of(person: int, *, yaw_deg: float = 0.0) -> TrackedFace:
    wxyz = wxyz_from_yaw_pitch_roll(np.radians([yaw_deg, 0.0, 0.0])).astype(np.float32)
    identity = np.random.default_rng(person).normal(0, 0.5, IDENTITY_COUNT).astype(np.float32)
    pose = HeadPose(wxyz, np.array([320.0 * person - 160, 240.0], np.float32), PX_PER_M)
    face = FaceParams(identity, np.zeros(EXPRESSION_COUNT, np.float32), pose)
    x, y = (float(value) for value in pose.origin_px)
    box = Box(x - 100, y - 100, x + 100, y + 100)
    return TrackedFace(person, "tracked", box, face, np.zeros((68, 2), np.float32), 0.95)


@pytest.fixture(scope="module")
def frame() -> Frame:
    """All four, from the front."""
    cast = [
        (Performer(f"p{person}", person, (0.5, 0.5), PX_PER_M, (), (0.0, 0.0, 0.0), look), face_of(person).params)
        for person, look in PEOPLE.items()
    ]
    return Frame(stage_picture(cast, load_head()), 0, Fraction(0))


@pytest.fixture(scope="module")
def found(frame: Frame) -> dict[int, Look]:
    portraits = seen(frame)
    looks = {person: look_of(portraits.of(person), face_of(person).params.identity, load_head()) for person in PEOPLE}
    assert None not in looks.values()
    return looks  # type: ignore[return-value]


def seen(frame: Frame, *faces: TrackedFace) -> Portraits:
    portraits = Portraits()
    portraits.see(frame, TrackedFrame(frame.index, frame.time_s, faces or tuple(map(face_of, PEOPLE))))
    return portraits


def far(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    return float(np.abs(np.subtract(one, other)).max())


def skin_of(character: Character) -> np.ndarray:
    image = character.materials[character.meshes[0].primitives[0].material].image
    assert image is not None
    return image


def test_skin_is_near_what_was_painted_and_who_is_darker_stays_darker(found: dict[int, Look]) -> None:
    assert all(far(found[person].skin, look.skin) < 36 for person, look in PEOPLE.items())
    assert sorted(PEOPLE, key=lambda person: -sum(found[person].skin)) == [1, 4, 2, 3]


def test_irises_have_their_colour(found: dict[int, Look]) -> None:
    def hue(colour: tuple[int, ...]) -> np.ndarray:
        return np.array(colour) / sum(colour)

    def nearest(look: Look) -> str:
        return min(IRISES, key=lambda name: float(np.abs(hue(look.iris) - hue(IRISES[name])).sum()))

    right = [person for person, look in PEOPLE.items() if IRISES[nearest(found[person])] == look.iris]
    assert len(right) >= 3


def test_hair_lips_and_brows_are_told_apart(found: dict[int, Look]) -> None:
    for person, painted in PEOPLE.items():
        look = found[person]
        assert look.scalp > 0
        others = [far(look.hair, other.hair) for other in PEOPLE.values() if other is not painted]
        assert far(look.hair, painted.hair) < min(others)
        # Redder than skin.
        assert look.lips[0] / sum(look.lips) > look.skin[0] / sum(look.skin)


def test_hair_lies_close_where_the_picture_ends_with_the_scalp(found: dict[int, Look]) -> None:
    """Nobody drawn has any that stands off; the dark hair of one has no outline before the dark curtain."""
    assert sorted(look.hair_m for look in found.values())[2] <= 0.005
    assert max(look.hair_m for look in found.values()) <= USUAL_M


def test_hair_moves_nothing_but_the_scalp_and_only_outwards() -> None:
    head = load_head()
    moved = with_hair(head, head.model.mean, 0.02) - head.model.mean
    length, scalp = np.linalg.norm(moved, axis=1), head.vertex_region == REGIONS.index("scalp")
    assert not length[~scalp].any()
    assert 0.019 < length.max() < 0.021
    assert ((moved * smooth_normals(head.model.mean, head.model.triangles)).sum(axis=1) >= 0).all()
    assert with_hair(head, head.model.mean, 0.0) is head.model.mean


def test_who_has_no_hair_gets_none(frame: Frame) -> None:
    bare = replace(PEOPLE[1], scalp=0.0)
    cast = [(Performer("bare", 1, (0.5, 0.5), PX_PER_M, (), (0.0, 0.0, 0.0), bare), face_of(1).params)]
    drawn = Frame(stage_picture(cast, load_head()), 0, Fraction(0))
    look = look_of(seen(drawn, face_of(1)).of(1), face_of(1).params.identity, load_head())
    assert look is not None
    assert (look.scalp, look.hair_m) == (0, 0)


def test_two_who_look_different_never_get_the_same_head(frame: Frame) -> None:
    cast, identity = Cast(), np.zeros(IDENTITY_COUNT, np.float32)
    cast.see(frame, TrackedFrame(0, Fraction(0), tuple(map(face_of, PEOPLE))))
    skins = [skin_of(cast.character_for(person, identity)) for person in PEOPLE]
    middles = [skin[skin.shape[0] * 2 // 5, skin.shape[1] // 2, :3].astype(int) for skin in skins]
    for place, one in enumerate(middles):
        assert all(far(one, other) > 8 for other in middles[:place])
    assert [cast.look_of(person) for person in PEOPLE] == [OWN] * len(PEOPLE)


def test_a_mask_is_the_same_for_everybody(frame: Frame) -> None:
    cast = Cast(look="mask")
    cast.see(frame, TrackedFrame(0, Fraction(0), tuple(map(face_of, PEOPLE))))
    one, other = (cast.character_for(person, face_of(person).params.identity) for person in (1, 3))
    for mine, theirs in zip(one.meshes[0].primitives, other.meshes[0].primitives, strict=True):
        assert np.array_equal(mine.positions, theirs.positions)
    assert np.array_equal(skin_of(one), skin_of(other))


def test_a_look_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UnknownName, match="mask"):
        Cast(look="masc")


@pytest.mark.parametrize("what", ["grey", "black", "white", "noise"])
def test_pictures_that_show_no_colours_give_no_look(frame: Frame, what: str) -> None:
    images = {
        "grey": np.repeat(frame.image.mean(axis=-1, keepdims=True), 3, axis=-1),
        "black": np.zeros_like(frame.image),
        "white": np.full_like(frame.image, 255),
        "noise": np.random.default_rng(0).integers(0, 256, frame.image.shape[:2])[..., None] * np.ones(3),
    }
    bad = replace(frame, image=images[what].astype(np.uint8))
    assert look_of(seen(bad, face_of(1)).of(1), face_of(1).params.identity, load_head()) is None


def test_who_is_seen_from_the_side_only_or_tiny_or_out_of_the_picture_has_no_portrait(frame: Frame) -> None:
    face = face_of(1)

    def placed(**changes: object) -> TrackedFace:
        return replace(face, params=replace(face.params, pose=replace(face.params.pose, **changes)))

    away = placed(origin_px=np.array([-900.0, 9000.0], np.float32))
    assert seen(frame, face_of(1, yaw_deg=70)).of(1) == ()
    assert seen(frame, placed(px_per_m=60.0)).of(1) == ()
    assert seen(frame, placed(px_per_m=float("nan"))).of(1) == ()
    held = replace(face, status="held")
    assert seen(frame, held).of(1) == ()
    kept = seen(frame, away).of(1)
    assert look_of(kept, face.params.identity, load_head()) is None


def test_few_small_cuts_are_kept_however_long_the_take_and_however_many_there_are(frame: Frame) -> None:
    portraits = Portraits()
    for index in range(40):
        crowd = tuple(replace(face_of(1), id=person) for person in (range(1, MOST_PEOPLE + 9) if index == 20 else (1,)))
        portraits.see(Frame(frame.image, index, Fraction(index, 4)), TrackedFrame(index, Fraction(index, 4), crowd))
    kept = portraits.of(1)
    assert len(kept) == PER_PERSON
    assert all(max(one.image.shape[:2]) <= SIDE_PX for one in kept)
    assert sum(bool(portraits.of(person)) for person in range(1, MOST_PEOPLE + 9)) == MOST_PEOPLE


def test_the_sharper_frame_is_kept(frame: Frame) -> None:
    blurred = replace(frame, image=np.repeat(np.repeat(frame.image[4::8, 4::8], 8, axis=0), 8, axis=1))
    sharp, soft = (portrait_of(picture, face_of(1)) for picture in (frame, smooth(blurred)))
    assert sharp.worth > 1.3 * soft.worth


def smooth(frame: Frame) -> Frame:
    image = frame.image.astype(np.float32)
    for axis in (0, 1):
        image = np.mean([np.roll(image, shift, axis) for shift in range(-6, 7)], axis=0)
    return replace(frame, image=image.astype(np.uint8))


def test_cuts_of_an_id_that_turned_out_to_be_somebody_else_are_theirs(frame: Frame) -> None:
    portraits = seen(frame)
    mine: tuple[Portrait, ...] = portraits.of(2)
    portraits.turned_out(2, 7)
    assert portraits.of(7) == mine
    assert portraits.of(2) == ()


def test_another_take_begins_with_nobodys_look(frame: Frame) -> None:
    cast, identity = Cast(), face_of(1).params.identity
    for sees in (True, False):
        cast.begin(is_read=True)
        if sees:
            cast.see(frame, TrackedFrame(0, Fraction(0), (face_of(1),)))
        cast.character_for(1, identity)
        assert cast.look_of(1) == (OWN if sees else PAINTED)
