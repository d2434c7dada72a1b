"""Characters perform: our head as a character is where our head is drawn, and what one lacks is unknown."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from commedia.characters.character import Character
from commedia.characters.default_head import default_head_glb
from commedia.characters.face_frame import FaceFrame
from commedia.characters.gltf import character_from_bytes
from commedia.characters.posing import Poser
from commedia.conventions import EXPRESSION_INDEX
from commedia.errors import BadCharacter
from commedia.face_model.landmarks import load_scheme
from commedia.face_model.model import load_head
from commedia.geometry.similarity import Similarity
from commedia.geometry.solvers import search_tree
from commedia.synthetic.avatars import Avatar, avatar_of, draw_avatar, held_back, read_avatar
from commedia.synthetic.backgrounds import Backgrounds
from commedia.synthetic.heads import draw_heads
from commedia.synthetic.performers import Performer, sample_performers, stream_rng
from commedia.synthetic.shards import avatar_pictures, generate_avatar_shard

pytest.importorskip("scipy")
SIZE, SIDE = 128, 64.0


@pytest.fixture(scope="module")
def character() -> Character:
    return character_from_bytes(default_head_glb(), "ours")


@pytest.fixture(scope="module")
def frame(character: Character) -> FaceFrame:
    """The exact one: our scheme's own corners."""
    scheme = load_scheme("ibug68")
    positions = np.concatenate([places for _, places in Poser(character).at_rest()])
    corners = search_tree(positions).query(load_head().model.mean[scheme.vertices].reshape(-1, 3))[1]
    return FaceFrame(Similarity(1.0, np.eye(3), np.zeros(3)), corners.reshape(68, 3), scheme.barycentric)


@pytest.fixture(scope="module")
def avatar(character: Character, frame: FaceFrame) -> Avatar:
    return avatar_of(character, frame, "ours")


def ours(count: int) -> list[Performer]:
    """Performers with the mean identity, who move as the model does: a character's morphs can do no more."""
    made = sample_performers(stream_rng("train", 9), count, name="t")
    alike = [replace(one, deviations=np.zeros_like(one.deviations)) for one in made]
    return [replace(one, truth=replace(one.truth, identity=np.zeros(50, np.float32))) for one in alike]


def test_our_head_as_a_character_has_our_head_s_points_and_pose(avatar: Avatar) -> None:
    performers = ours(4)
    drawn = draw_heads(performers, SIZE, np.full(4, SIDE), np.zeros((4, 2)))
    for performer, head in zip(performers, drawn, strict=True):
        found = draw_avatar(avatar, performer, SIZE, SIDE, np.zeros(2))
        np.testing.assert_allclose(found.face.landmarks_px, head.face.landmarks_px, atol=0.7)
        np.testing.assert_array_equal(found.face.pose.wxyz, head.face.pose.wxyz)
        assert found.face.pose.px_per_m == pytest.approx(head.face.pose.px_per_m, rel=0.01)
        np.testing.assert_allclose(found.face.expression, head.face.expression)
        assert found.face.identity is None
        assert found.face.rotation_weight == 1
        # Hair and shoulders aside, it covers what our head covers.
        both = (found.rgba[..., 3] > 128) & (head.rgba[..., 3] > 128)
        assert both.sum() > 0.97 * (found.rgba[..., 3] > 128).sum()


def test_a_larger_head_frame_is_the_same_picture_of_more_metres(character: Character, frame: FaceFrame, avatar: Avatar):
    far = replace(ours(1)[0], distance_m=float("inf"))
    large = avatar_of(character, replace(frame, head_from_scene=Similarity(1.1, np.eye(3), np.zeros(3))), "large")
    one, other = (draw_avatar(who, far, SIZE, SIDE, np.zeros(2)).face for who in (avatar, large))
    np.testing.assert_allclose(one.landmarks_px, other.landmarks_px, atol=0.01)
    assert one.pose.px_per_m == pytest.approx(1.1 * other.pose.px_per_m)


def test_what_a_character_lacks_is_unknown_and_not_played(character: Character, frame: FaceFrame) -> None:
    lacking = replace(character, rig=replace(character.rig, effective=np.ones(52, dtype=bool)))
    lacking.rig.effective[EXPRESSION_INDEX["cheekPuff"]] = False
    avatar = avatar_of(lacking, frame, "lacking")
    performer = ours(1)[0]
    expression = np.zeros(52, np.float32)
    expression[[EXPRESSION_INDEX["cheekPuff"], EXPRESSION_INDEX["jawOpen"]]] = 0.8
    puffed = replace(performer, truth=replace(performer.truth, expression=expression))
    face = draw_avatar(avatar, puffed, SIZE, SIDE, np.zeros(2)).face
    assert face.expression is not None
    assert (face.expression[EXPRESSION_INDEX["cheekPuff"]], face.expression_weight.sum()) == (0, 51)
    assert face.expression[EXPRESSION_INDEX["jawOpen"]] == np.float32(0.8)


def test_sizes_move_the_character_and_not_the_truth(avatar: Avatar) -> None:
    performer = ours(1)[0]
    expression = np.zeros(52, np.float32)
    expression[EXPRESSION_INDEX["jawOpen"]] = 1
    wide = replace(
        performer,
        truth=replace(performer.truth, expression=expression, wxyz=np.array([1, 0, 0, 0], np.float32)),
        distance_m=float("inf"),
    )
    faces = [
        draw_avatar(avatar, replace(wide, sizes=np.full(52, size, np.float32)), SIZE, SIDE, np.zeros(2)).face
        for size in (0.7, 1.3)
    ]
    np.testing.assert_array_equal(faces[0].expression, faces[1].expression)
    # Of the head's own length, as the box is as large as it is said to be.
    gaps = [(face.landmarks_px[66] - face.landmarks_px[62])[1] / face.pose.px_per_m for face in faces]
    assert gaps[1] == pytest.approx(gaps[0] * 1.3 / 0.7, rel=0.05)


def test_pictures_repeat_and_characters_take_turns(avatar: Avatar) -> None:
    pair = [avatar, replace(avatar, name="other")]
    first, again = (list(avatar_pictures("train", 3, 3, Backgrounds([]), pair, size=96)) for _ in range(2))
    assert [picture.faces[0].identity_name for picture in first] == ["ours", "other", "ours"]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.image, other.image)


def test_who_is_held_back_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    assert held_back("White_M_2_Default")
    assert not held_back("White_F_1_Default")
    with pytest.raises(BadCharacter, match="never trained on"):
        generate_avatar_shard(tmp_path / "out.tar", [tmp_path / "brunette-t.glb"], 5)


def test_a_file_without_a_face_frame_says_what_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "bare.glb"
    path.write_bytes(default_head_glb())
    with pytest.raises(BadCharacter, match="rig make"):
        read_avatar(path)
