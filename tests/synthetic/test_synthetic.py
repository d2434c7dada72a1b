"""Synthetic performers: the labels are true, sides are right, streams stay apart, and seeds repeat."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from commedia.conventions import CONTRADICTORY_PAIRS, EXPRESSION_INDEX, EXPRESSION_MIRROR, EXPRESSION_NAMES
from commedia.data.sample import FaceSample
from commedia.data.shards import read_shard
from commedia.errors import UnreadableMedia
from commedia.face_model.landmarks import face_box_from_params, landmarks_from_params, load_scheme, points
from commedia.face_model.model import load_head
from commedia.geometry.rotations import mirrored_wxyz
from commedia.structures import FaceParams
from commedia.synthetic.backgrounds import load_backgrounds
from commedia.synthetic.crowds import MOST_FACES, crowd_pictures
from commedia.synthetic.deviations import deviation_of
from commedia.synthetic.expressions import sample_expressions
from commedia.synthetic.heads import draw_heads, weak_fit
from commedia.synthetic.performers import Performer, filmed_again, sample_performers, stream_rng
from commedia.synthetic.shards import generate_shard, single_pictures
from tests.mirrored import mirrored_face

SIZE, SIDE = 96, 48.0


def draw(performers: list[Performer]):
    return draw_heads(performers, SIZE, np.full(len(performers), SIDE), np.zeros((len(performers), 2)))


def troupe(count: int) -> list[Performer]:
    return sample_performers(stream_rng("train", 3), count, name="t")


def as_the_model_moves(performer: Performer) -> Performer:
    """As far and in the shape that the model moves, and with eyes open: drawn lids never pass one another."""
    expression = performer.truth.expression.copy()
    expression[[EXPRESSION_INDEX["eyeBlinkLeft"], EXPRESSION_INDEX["eyeBlinkRight"]]] = 0
    return replace(
        performer,
        truth=replace(performer.truth, expression=expression),
        sizes=np.ones_like(performer.sizes),
        deviations=np.zeros_like(performer.deviations),
    )


def params_of(face: FaceSample) -> FaceParams:
    assert face.identity is not None
    assert face.expression is not None
    return FaceParams(face.identity, face.expression, face.pose)


def test_a_far_face_is_where_its_parameters_say() -> None:
    for head in draw([as_the_model_moves(replace(p, distance_m=float("inf"))) for p in troupe(4)]):
        np.testing.assert_allclose(landmarks_from_params(params_of(head.face)), head.face.landmarks_px, atol=0.02)
        box = face_box_from_params(params_of(head.face))
        assert (box.left_px, box.bottom_px) == pytest.approx((head.face.box.left_px, head.face.box.bottom_px), abs=0.02)


def test_a_near_face_is_close_to_where_its_parameters_say_but_not_there() -> None:
    for head in draw([as_the_model_moves(replace(p, distance_m=0.6)) for p in troupe(4)]):
        error = np.linalg.norm(landmarks_from_params(params_of(head.face)) - head.face.landmarks_px, axis=1)
        assert 0.05 < error.mean() < 0.05 * SIDE


def test_landmark_box_has_the_size_and_place_asked_for() -> None:
    for head in draw(troupe(4)):
        low, high = head.face.landmarks_px.min(0), head.face.landmarks_px.max(0)
        assert (high - low).max() == pytest.approx(SIDE, abs=0.01)
        np.testing.assert_allclose((low + high) / 2, SIZE / 2, atol=0.01)


def mirrored(performer: Performer) -> Performer:
    truth, appearance = performer.truth, performer.appearance
    symmetric = replace(
        appearance, strengths=appearance.strengths | {"blotch": 0.0, "mottle": 0.0, "pores": 0.0, "freckles": 0.0}
    )
    light = replace(performer.light, directions=performer.light.directions * np.float32([-1, 1, 1]))
    return replace(
        performer,
        truth=replace(
            truth,
            identity=truth.identity * load_head().identity_mirror,
            expression=truth.expression[list(EXPRESSION_MIRROR)],
            wxyz=mirrored_wxyz(truth.wxyz),
        ),
        sizes=performer.sizes[list(EXPRESSION_MIRROR)],
        deviations=performer.deviations[list(EXPRESSION_MIRROR)],
        appearance=symmetric,
        light=light,
    )


def test_the_mirrored_performer_is_the_mirrored_picture() -> None:
    bare = [replace(p, hair=None, glasses=None) for p in troupe(6)]
    here, there = draw([mirrored(mirrored(p)) for p in bare]), draw([mirrored(p) for p in bare])
    for head, other in zip(here, there, strict=True):
        expected = mirrored_face(head.face, float(SIZE), load_head().identity_mirror)
        np.testing.assert_allclose(expected.landmarks_px, other.face.landmarks_px, atol=0.35)
        np.testing.assert_allclose(expected.pose.origin_px, other.face.pose.origin_px, atol=0.35)
        np.testing.assert_array_equal(expected.expression, other.face.expression)
        # The face, not the shoulders, which lean by chance; and not every strand of noise.
        middle = slice(SIZE // 4, 3 * SIZE // 4)
        flipped = cv2.GaussianBlur(head.rgba[:, ::-1], (0, 0), 2)[middle, middle].astype(int)
        difference = np.abs(flipped - cv2.GaussianBlur(other.rgba, (0, 0), 2)[middle, middle]).mean()
        unflipped = np.abs(head.rgba[middle, middle].astype(int) - other.rgba[middle, middle]).mean()
        assert difference < 6
        assert difference < unflipped


def test_a_blink_of_the_left_eye_is_seen_on_image_right() -> None:
    performer = troupe(1)[0]
    still = np.zeros(52, np.float32)
    blink = still.copy()
    blink[EXPRESSION_INDEX["eyeBlinkLeft"]] = 1
    frontal = replace(performer.truth, wxyz=np.float32([1, 0, 0, 0]))
    plain = replace(performer, hair=None, glasses=None, truth=frontal)
    open_eyes, shut = draw([replace(plain, truth=replace(frontal, expression=e)) for e in (still, blink)])
    moved = np.abs(open_eyes.rgba.astype(int) - shut.rgba).sum((0, 2))
    assert moved[SIZE // 2 :].sum() > 5 * moved[: SIZE // 2].sum()


def test_people_differ_in_how_a_smile_moves_but_not_in_how_a_blink_does() -> None:
    head = load_head()
    first, second = (torch.from_numpy(p.deviations) for p in troupe(2))
    for name, differs in (("mouthSmileLeft", True), ("browInnerUp", True), ("eyeBlinkLeft", False)):
        weights = torch.zeros(52)
        weights[EXPRESSION_INDEX[name]] = 1
        moved = torch.from_numpy(head.model.expression_basis[EXPRESSION_INDEX[name]])
        here, there = (moved + deviation_of(head, weights, own) for own in (first, second))
        alike = float((here * there).sum() / here.norm() / there.norm())
        assert (0.6 < alike < 0.995) if differs else alike > 0.9999, (name, alike)


def test_a_person_shuts_the_mouth_of_an_open_jaw_as_well_as_the_model() -> None:
    head = load_head()
    upper, lower = (list(pair) for pair in ((61, 62, 63), (67, 66, 65)))
    weights = torch.zeros(52)
    weights[[EXPRESSION_INDEX["jawOpen"], EXPRESSION_INDEX["mouthClose"]]] = 1
    moved = head.model.mean + np.tensordot(weights.numpy(), head.model.expression_basis, 1)

    def gap(vertices: np.ndarray) -> float:
        marks = points(load_scheme("ibug68"), vertices)
        return float(np.linalg.norm(marks[upper] - marks[lower], axis=1).max())

    for performer in troupe(6):
        own = deviation_of(head, weights, torch.from_numpy(performer.deviations)).numpy()
        assert gap(moved + own) < gap(moved) + 0.002


def test_expressions_obey_the_rules_and_reach_every_unit() -> None:
    drawn = sample_expressions(np.random.default_rng(1), 3000)
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    for first, second in CONTRADICTORY_PAIRS:
        together = (drawn[:, EXPRESSION_INDEX[first]] > 0) & (drawn[:, EXPRESSION_INDEX[second]] > 0)
        assert not together.any(), (first, second)
    assert (drawn[:, EXPRESSION_INDEX["mouthClose"]] <= drawn[:, EXPRESSION_INDEX["jawOpen"]]).all()
    strong = (drawn > 0.5).mean(0)
    rare = {name: share for name, share in zip(EXPRESSION_NAMES, strong, strict=True) if share < 0.05}
    assert not rare


def test_streams_share_nobody_and_seeds_repeat() -> None:
    train, test = (sample_performers(stream_rng(s, 0), 3, name=s) for s in ("train", "test"))
    again = sample_performers(stream_rng("train", 0), 3, name="train")
    for one, same, other in zip(train, again, test, strict=True):
        assert np.array_equal(one.truth.identity, same.truth.identity)
        assert not np.allclose(one.truth.identity, other.truth.identity)
        assert not np.allclose(one.truth.expression, other.truth.expression)


def test_a_person_filmed_again_is_the_same_person_who_does_something_else() -> None:
    (one,) = troupe(1)
    taken = filmed_again(stream_rng("train", 4), one, 3)
    assert len({frame.truth.name for frame in taken}) == 1
    for frame in taken:
        assert np.array_equal(frame.truth.identity, one.truth.identity)
        assert (frame.appearance, frame.hair, frame.outfit) == (one.appearance, one.hair, one.outfit)
        assert np.array_equal(frame.deviations, one.deviations)
    for first, second in ((0, 1), (1, 2), (0, 2)):
        assert not np.allclose(taken[first].truth.expression, taken[second].truth.expression)
        assert not np.allclose(taken[first].truth.wxyz, taken[second].truth.wxyz)
    pictures = list(single_pictures("train", 5, 5, load_backgrounds(None, "train"), size=48, frames=2))
    names = [picture.faces[0].identity_name for picture in pictures]
    assert names[0] == names[1] != names[2] == names[3] != names[4]


def test_held_back_backgrounds_are_never_trained_on(shared_data: Path) -> None:
    path = shared_data / "backgrounds" / "bsds500.tar"
    train, test = (load_backgrounds(path, stream)._pictures for stream in ("train", "test"))
    assert len(test) == 60
    seen = {picture.tobytes() for picture in train}
    assert not any(picture.tobytes() in seen for picture in test)


def test_a_file_that_is_no_tar_of_pictures_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_text("hello")
    with pytest.raises(UnreadableMedia, match=r"x\.tar"):
        load_backgrounds(path, "train")


def test_weak_fit_recovers_a_weak_camera() -> None:
    generator = torch.Generator().manual_seed(0)
    rotated = torch.randn(2, 9, 3, generator=generator)
    origin, scale = torch.tensor([[3.0, 4.0], [9.0, -1.0]]), torch.tensor([50.0, 7.0])
    points = origin[:, None] + scale[:, None, None] * rotated[..., :2] * torch.tensor([1.0, -1.0])
    for found, truth in zip(weak_fit(rotated, points), (origin, scale), strict=True):
        torch.testing.assert_close(found, truth)


def test_a_shard_of_single_faces_round_trips_and_repeats(tmp_path: Path) -> None:
    for name in ("a.tar", "b.tar"):
        assert generate_shard(tmp_path / name, "single", 3, seed=5, size=80) == 3
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    for picture in read_shard(tmp_path / "a.tar"):
        assert picture.image.shape == (80, 80, 3)
        assert len(picture.faces) == 1
        assert picture.image.std() > 3


def test_crowds_hold_their_faces_in_order_and_in_sight() -> None:
    backdrop = load_backgrounds(None, "train")
    counts = []
    for picture in crowd_pictures("train", 2, 4, backdrop, size=160):
        counts.append(len(picture.faces))
        assert len(picture.faces) <= MOST_FACES
        for face in picture.faces:
            x, y = face.box.center_px
            assert -10 < x < 170
            assert -20 < y < 180
            assert face.box.left_px < face.landmarks_px[:, 0].max()
    assert max(counts) > 1


def test_singles_keep_the_face_inside_the_picture() -> None:
    for picture in single_pictures("test", 1, 4, load_backgrounds(None, "test"), size=96):
        marks = picture.faces[0].landmarks_px
        assert marks.min() > 12
        assert marks.max() < 84
