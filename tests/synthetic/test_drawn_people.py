"""Whole people: joints go where they are sent, truth is where the face is, no face is left without a truth."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from commedia.characters.gltf import character_from_bytes
from commedia.conventions import EXPRESSION_INDEX
from commedia.data.shards import read_shard
from commedia.errors import BadCharacter
from commedia.geometry.boxes import intersection_over_union, tight_box
from commedia.geometry.cameras import image_from_head
from commedia.structures import Box
from commedia.synthetic.avatars import whole_avatar
from commedia.synthetic.backgrounds import Backgrounds
from commedia.synthetic.bodies import GARMENTS, read_body
from commedia.synthetic.body_poses import sample_pose
from commedia.synthetic.outfits import Outfit, dressed
from commedia.synthetic.people import (
    certain_faces,
    close_up,
    close_up_pictures,
    generate_people_shard,
    people_pictures,
    scene,
)
from commedia.synthetic.people_drawing import Camera, Person, look, seen_of_face, shown_alone, truth_of
from commedia.synthetic.skeleton import SIDES, Reach, facing, reached, unit
from tests.mirrored import mirrored_face
from tests.people import MORPHS, small_body, small_person

CAMERA = Camera(160, 2.0, 400.0)
REST = np.zeros(52, np.float32)
MIRROR = np.diag([-1.0, 1.0, 1.0])


def person(
    pose: dict | None = None, turned: np.ndarray | None = None, at: tuple = (0, 0, 0), expression=REST
) -> Person:
    """The small person with its head's joint at a place before the camera."""
    body, turned = small_body(), np.eye(3) if turned is None else turned
    moved = body.skeleton.moved(pose or {})
    vertices, normals = body.posed(moved, expression)
    start, place = moved.place("Head"), np.array(at)
    origin = (moved.carried("Head", np.zeros(3)) - start) @ turned.T + place
    placed = (vertices - start) @ turned.T + place
    return Person(
        body, expression, placed.astype(np.float32), (normals @ turned.T).astype(np.float32),
        turned @ moved.turn("Head"), origin,
    )  # fmt: skip


def faces_of(*people: Person, camera: Camera = CAMERA):
    return certain_faces(list(people), camera, look(list(people), camera))


@pytest.mark.parametrize(
    "yaw_pitch_roll", [(0.0, 0.0, 0.0), (60.0, -10.0, 20.0), (-85.0, 15.0, 0.0), (20.0, 30.0, 175.0)]
)
def test_the_truth_is_where_the_face_is(yaw_pitch_roll: tuple[float, float, float]) -> None:
    expression = REST.copy()
    expression[EXPRESSION_INDEX["jawOpen"]] = 0.7
    one = person(turned=facing(*yaw_pitch_roll), at=(0.05, -0.03, 0.2), expression=expression)
    (face,) = faces_of(one)
    marks = CAMERA.pixels(one.body.marks(one.vertices))[:, :2]
    np.testing.assert_allclose(face.landmarks_px, marks, atol=1e-3)
    corners = np.array([face.box.left_px, face.box.top_px, face.box.right_px, face.box.bottom_px])
    assert (corners[:2] <= face.landmarks_px.min(0)).all()
    assert (corners[2:] >= face.landmarks_px.max(0)).all()
    # A forehead is added, and nothing else: the box of the skin that is called face is nearly the same.
    skin = CAMERA.pixels(one.vertices[one.body.looks.triangles[one.body.of_face].ravel()])[:, :2]
    assert intersection_over_union(face.box, tight_box(skin)) > 0.6
    weights = np.zeros(52, np.float32)
    weights[EXPRESSION_INDEX["jawOpen"]] = 0.7
    shaped = (
        one.body.looks.vertices
        + weights[EXPRESSION_INDEX["jawOpen"]] * one.body.looks.morphs[EXPRESSION_INDEX["jawOpen"]]
    )
    projected = image_from_head(one.body.marks(shaped), face.pose)
    # Perspective at two metres bends what weak perspective says by a few hundredths of the face.
    assert np.linalg.norm(projected - marks, axis=1).mean() < 0.03 * np.ptp(marks[:, 1])
    np.testing.assert_array_equal(face.expression, weights)
    assert (face.identity, face.expression_weight.sum()) == (None, len(MORPHS))


def test_who_turns_away_has_no_face() -> None:
    assert len(faces_of(person())) == 1
    assert faces_of(person(turned=facing(180.0, 0.0, 0.0))) == ()
    assert faces_of(person(turned=facing(-135.0, 0.0, 0.0))) == ()
    # A cheek and the end of a nose are left at 105 degrees: such a picture is not used.
    assert faces_of(person(turned=facing(105.0, 0.0, 0.0))) is None


def test_who_stands_behind_somebody_has_no_face() -> None:
    back, front = person(at=(0, 0, -0.3)), person(turned=facing(180.0, 0.0, 0.0), at=(0, 0.02, 0.2))
    assert len(faces_of(back)) == 1
    assert faces_of(back, front) == ()
    half = person(turned=facing(180.0, 0.0, 0.0), at=(0.075, 0.02, 0.2))
    assert faces_of(back, half) is None or len(faces_of(back, half)) == 1


def test_a_face_that_hair_hides_is_neither_asked_for_nor_absent() -> None:
    one = person()
    looks = one.body.looks
    low = looks.vertices[looks.triangles].mean(axis=1)[:, 1] < one.body.face.chin[1] + 0.03
    hairy = replace(one, body=replace(one.body, of_face=one.body.of_face & low))
    assert seen_of_face(hairy, 0, look([hairy], CAMERA)) > 0.9 * shown_alone(hairy, CAMERA)
    assert faces_of(hairy) is None


def test_a_face_that_leaves_the_picture_is_not_asked_for() -> None:
    assert faces_of(person(at=(0.35, 0, 0))) == ()
    assert faces_of(person(at=(0.21, 0, 0))) is None


def test_a_mirrored_person_has_the_mirrored_truth() -> None:
    other = {"Left": "Right", "Right": "Left"}
    pose = sample_pose(np.random.default_rng(4), small_body().skeleton, small_body().face)
    mirrored = {}
    for name, turned in pose.items():
        side = next((side for side in SIDES if name.startswith(side)), "")
        mirrored[other.get(side, "") + name.removeprefix(side)] = MIRROR @ turned @ MIRROR
    first = person(pose, facing(35.0, 10.0, -20.0), (0.04, 0.02, 0.1))
    second = person(mirrored, facing(-35.0, 10.0, 20.0), (-0.04, 0.02, 0.1))
    (one,), (two,) = faces_of(first), faces_of(second)
    expected = mirrored_face(one, CAMERA.size, np.ones(50))
    np.testing.assert_allclose(two.landmarks_px, expected.landmarks_px, atol=0.15)
    np.testing.assert_allclose(two.pose.wxyz, expected.pose.wxyz, atol=1e-3)
    np.testing.assert_allclose(two.pose.origin_px, expected.pose.origin_px, atol=0.2)
    assert intersection_over_union(two.box, expected.box) > 0.99
    # And the picture: what is seen is what a mirror shows, but for a few pixels on outlines.
    pixels = [np.zeros(CAMERA.size**2, bool) for _ in range(2)]
    for covered, who in zip(pixels, (first, second), strict=True):
        covered[look([who], CAMERA).raster.pixel.numpy()] = True
    flipped = pixels[1].reshape(CAMERA.size, -1)[:, ::-1].ravel()
    assert (pixels[0] ^ flipped).sum() < 0.02 * pixels[0].sum()


@pytest.mark.parametrize("side", SIDES)
def test_a_palm_comes_where_it_is_sent_and_looks_there(side: str) -> None:
    skeleton, sign = small_body().skeleton, SIDES[side]
    for palm, looks, fingers in (
        ((0.02, -0.06, 0.2), (0, 0, -1), (0, 1, 0)),
        ((0.3, 0.05, 0.15), (0, 0, 1), (0, 1, 0)),
        ((0.25, -0.6, 0.1), (-1, 0, 0), (0.1, -0.8, 0.5)),
    ):
        place, way, along = (np.array(one, float) * (sign, 1, 1) for one in (palm, looks, fingers))
        start = skeleton.moved({"Spine1": facing(20.0, 5.0, 0.0), "Head": facing(-30.0, 0.0, 0.0)})
        turns = {"Spine1": facing(20.0, 5.0, 0.0)} | reached(
            start, side, Reach(place, way, along, np.array([sign, -1.0, -0.3]))
        )
        moved = skeleton.moved(turns)
        middle = (moved.place(f"{side}Hand") + moved.place(f"{side}HandMiddle1")) / 2
        assert np.linalg.norm(middle - place) < 0.08
        assert (moved.turn(f"{side}Hand") @ [0, -1, 0]) @ way > 0.7
        assert unit(moved.place(f"{side}HandMiddle1") - moved.place(f"{side}Hand")) @ unit(along) > 0.5
        # Elbows bend forward only, knees are not asked; no bone changes its length.
        bent = turns[f"{side}ForeArm"] @ skeleton.way(f"{side}ForeArm", f"{side}Hand")
        assert bent[2] > -1e-6
        for first, second in ((f"{side}Arm", f"{side}ForeArm"), (f"{side}ForeArm", f"{side}Hand")):
            length, before = (np.linalg.norm(one.place(second) - one.place(first)) for one in (moved, skeleton))
            assert length == pytest.approx(before)


def test_a_place_too_far_away_is_reached_for_with_a_straight_arm() -> None:
    skeleton = small_body().skeleton
    far = Reach(np.array([0.2, -0.2, 5.0]), np.array([0, -1.0, 0]), np.array([0, 0, 1.0]), np.array([1.0, -1, 0]))
    moved = skeleton.moved(reached(skeleton.moved({}), "Left", far))
    reach = np.linalg.norm(moved.place("LeftHand") - moved.place("LeftArm"))
    assert reach == pytest.approx(0.49, rel=0.01)


def test_poses_keep_every_bone_and_close_hands_towards_the_palm() -> None:
    skeleton, rng = small_body().skeleton, np.random.default_rng(0)
    closed = []
    for _ in range(40):
        pose = sample_pose(rng, skeleton, small_body().face)
        moved = skeleton.moved(pose)
        for turned in pose.values():
            np.testing.assert_allclose(turned @ turned.T, np.eye(3), atol=1e-9)
            assert np.linalg.det(turned) == pytest.approx(1)
        for side in SIDES:
            palm = moved.turn(f"{side}Hand") @ [0, -1, 0]
            tip = moved.place(f"{side}HandMiddle4") - moved.place(f"{side}HandMiddle1")
            closed.append((np.linalg.norm(tip) / 0.075, float(tip @ palm)))
    lengths, towards = np.array(closed).T
    assert lengths.min() < 0.7 < 0.97 < lengths.max()
    assert towards.min() > -0.02


def test_hands_before_a_face_hide_some_of_it_and_are_no_other_person() -> None:
    skeleton = small_body().skeleton
    over = Reach(np.array([0.0, -0.04, 0.11]), np.array([0, 0, -1.0]), np.array([0.2, 1.0, 0]), np.array([1.0, -1, 0]))
    shares = []
    for pose in ({}, reached(skeleton.moved({}), "Left", over)):
        one = person(pose)
        shares.append(seen_of_face(one, 0, look([one], CAMERA)) / shown_alone(one, CAMERA))
    assert shares[0] > 0.9
    assert 0.05 < shares[1] < 0.9


def test_close_ups_hold_nothing_of_a_face() -> None:
    for seed in range(12):
        people, camera, sight = close_up(np.random.default_rng(seed), [small_body()], 96)
        depth = np.full(camera.size**2, np.inf)
        corners = sight.points[0][sight.triangles[sight.raster.triangle], 2]
        depth[sight.raster.pixel.numpy()] = (corners * sight.raster.barycentric).sum(1).numpy()
        (one,) = people
        points = camera.pixels(one.vertices[np.unique(one.body.looks.triangles[one.body.of_face])])
        inside = (points[:, :2] >= 0).all(1) & (points[:, :2] < camera.size).all(1)
        x, y = points[inside, :2].astype(int).T
        hidden = points[inside, 2] > depth[y * camera.size + x] - 1e-4
        # A vertex on an outline may fall on a pixel whose centre is beside the face.
        assert hidden.mean() > 0.97 if len(hidden) else True
        assert len(sight.own) > 0.12 * camera.size**2


def test_pictures_repeat_and_every_truth_fits_the_format(tmp_path: Path) -> None:
    path = tmp_path / "small.glb"
    path.write_bytes(small_person())
    for close_ups in (False, True):
        files = [tmp_path / f"{close_ups}-{k}.tar" for k in range(3)]
        for number, file in enumerate(files):
            seed = 3 if number < 2 else 4
            assert generate_people_shard(file, [path], 3, close_ups=close_ups, seed=seed, size=96) == 3
        same, again, other = (file.read_bytes() for file in files)
        assert same == again != other
        pictures = list(read_shard(files[0]))
        assert all(picture.image.shape == (96, 96, 3) for picture in pictures)
        assert not close_ups or not any(picture.faces for picture in pictures)


def test_a_shard_of_few_is_the_beginning_of_one_of_many() -> None:
    few, many = (list(people_pictures("train", 5, count, Backgrounds([]), [small_body()], size=64)) for count in (2, 3))
    for one, other in zip(few, many[:2], strict=True):
        np.testing.assert_array_equal(one.image, other.image)
    assert not any(p.faces for p in close_up_pictures("train", 5, 2, Backgrounds([]), [small_body()], size=64))


def test_scenes_show_one_to_four_people_and_ask_only_for_certain_faces() -> None:
    counts = []
    for seed in range(14):
        people, camera, _, faces = scene(np.random.default_rng(seed), [small_body()], 96)
        counts.append(len(people))
        turned = [one.turned_deg(camera) for one in people]
        assert not any(
            100 < angle < 125 and truth_in(truth_of(one, camera).box, faces)
            for angle, one in zip(turned, people, strict=True)
        )
        assert all(box_of.width_px > 2 for box_of in (face.box for face in faces))
    assert 1 in counts
    assert max(counts) in (3, 4)


def truth_in(box: Box, faces: tuple) -> bool:
    return any(face.box == box for face in faces)


def test_cloth_changes_its_colour_and_skin_its_tone() -> None:
    body = small_body()
    texture = np.full((2, 2, 4), 128, np.uint8)
    texture[:, 1:, 3], texture[:, :1, 3] = 255, 0  # left half skin, right half cloth
    looks = replace(body.looks, textures=(texture,), paint=np.zeros_like(body.looks.paint))
    shirt = np.full_like(body.garment, GARMENTS.index("upper"))
    body = replace(body, looks=looks, garment=shirt, cloth_light=np.full(4, 0.2))
    red, blue = np.array([0.5, 0.05, 0.05]), np.array([0.05, 0.05, 0.5])
    outfit = Outfit(np.array([0.5, 0.5, 0.5]), (None, red, blue, None), None, 1.0)
    uv = np.array([[0.25, 0.5], [0.75, 0.5], [0.75, 0.5]], np.float32)
    skin, upper, lower = dressed(body, outfit, np.zeros(3, int), uv, np.array([0.0, 0.0, 1.0]))
    np.testing.assert_allclose(skin, 0.5 * 0.2158, atol=0.01)
    assert upper[0] > 5 * upper[2]
    assert lower[2] > 5 * lower[0]


def test_who_has_no_body_or_tests_other_networks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCharacter, match="never trained on"):
        generate_people_shard(tmp_path / "out.tar", [tmp_path / "White_M_2_Default.glb"], 5, close_ups=False)
    path = tmp_path / "legless.glb"
    path.write_bytes(small_person(without="LeftLeg"))
    with pytest.raises(BadCharacter, match="'LeftLeg'"):
        read_body(path)


def test_corneas_are_not_drawn() -> None:
    data = small_person()
    character = character_from_bytes(data, "small")
    frame = small_body().looks.marks
    clear = replace(character, meshes=tuple(replace(mesh, name="L_trans") for mesh in character.meshes))
    assert len(whole_avatar(clear, frame, "clear").triangles) == 0
    assert len(whole_avatar(character, frame, "all").triangles) > 0
