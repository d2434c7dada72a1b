"""The truth that is kept of drawn faces: it makes the face again, and its parse map lies on it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from commedia.conventions import EXPRESSION_INDEX
from commedia.data.sample import PictureSample
from commedia.data.shards import read_encoded, read_shard, write_shard
from commedia.data.truth import COVERED, truth_from_bytes, truth_to_bytes
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.landmarks import load_scheme, points
from commedia.face_model.model import PARSE_CLASSES, load_head
from commedia.synthetic.backgrounds import load_backgrounds
from commedia.synthetic.heads import DrawnHead, draw_heads
from commedia.synthetic.motion import moved_heads
from commedia.synthetic.performers import Performer, sample_performers, stream_rng
from commedia.synthetic.shards import single_pictures
from commedia.synthetic.truth import true_albedo, true_person, true_points, true_vertices, truth_of, with_own_wrinkles

SIZE = 96


@pytest.fixture(scope="module")
def pictures() -> list[PictureSample]:
    return list(single_pictures("test", 3, 4, load_backgrounds(None, "test"), size=SIZE, frames=2, truth=True))


def drawn(performers: list[Performer]) -> list[DrawnHead]:
    return draw_heads(performers, SIZE, np.full(len(performers), SIZE / 2), np.zeros((len(performers), 2)))


def troupe(count: int) -> list[Performer]:
    return sample_performers(stream_rng("train", 3), count, name="t")


def from_the_front(performer: Performer) -> Performer:
    truth = replace(performer.truth, wxyz=np.array([1, 0, 0, 0], np.float32), expression=np.zeros(52, np.float32))
    return replace(performer, truth=truth, glasses=None, hair=None)


def test_stored_truth_makes_the_drawn_vertices_again() -> None:
    performers = troupe(3)
    moved = moved_heads(performers, load_head(), "cpu").numpy()
    for performer, head, vertices in zip(performers, drawn(performers), moved, strict=True):
        again = truth_from_bytes(truth_to_bytes(truth_of(performer, head)))
        np.testing.assert_allclose(true_vertices(again), vertices, atol=1e-6)


def test_the_true_points_lie_on_the_labels(pictures: list[PictureSample]) -> None:
    for picture in pictures:
        assert picture.truth is not None
        flat = np.pad(true_points(picture.truth), ((0, 0), (0, 1)))
        marks = points(load_scheme("ibug68"), flat.astype(np.float32))[:, :2]
        np.testing.assert_allclose(marks, picture.faces[0].landmarks_px, atol=0.01)


def test_truth_changes_nobody_and_nothing_but_folds(pictures: list[PictureSample]) -> None:
    plain = single_pictures("test", 3, 4, load_backgrounds(None, "test"), size=SIZE, frames=2)
    for with_truth, without in zip(pictures, plain, strict=True):
        assert without.parse is None
        assert without.truth is None
        assert np.array_equal(with_truth.faces[0].landmarks_px, without.faces[0].landmarks_px)
        difference = np.abs(with_truth.image.astype(int) - without.image).mean()
        assert difference < 4


def test_somebodys_rig_plays_their_frames(pictures: list[PictureSample]) -> None:
    head = load_head()
    for picture in pictures[::2]:
        assert picture.truth is not None
        person = true_person(picture.truth, "somebody")
        open_eyed = picture.truth.expression.copy()
        open_eyed[[EXPRESSION_INDEX["eyeBlinkLeft"], EXPRESSION_INDEX["eyeBlinkRight"]]] = 0
        frame = true_vertices(replace(picture.truth, expression=open_eyed))
        played = vertices_from_params(person.head.model, picture.truth.identity, open_eyed)
        np.testing.assert_allclose(played, frame, atol=2e-6)
        jaw, row = person.blendshapes["jawOpen"], EXPRESSION_INDEX["jawOpen"]
        assert np.linalg.norm(jaw - head.model.expression_basis[row], axis=1).max() > 1e-3
        at_rest = vertices_from_params(head.model, picture.truth.identity, np.zeros(52))
        np.testing.assert_allclose(person.neutral, at_rest, atol=1e-6)


def test_folds_are_everybodys_own_and_come_with_the_expression() -> None:
    first, second = (with_own_wrinkles(performer) for performer in troupe(2))
    second = replace(second, appearance=replace(second.appearance, colours=first.appearance.colours))
    uv = load_head().uv[::7]
    smile = np.zeros(52, np.float32)
    smile[[EXPRESSION_INDEX["mouthSmileLeft"], EXPRESSION_INDEX["mouthSmileRight"]]] = 1
    change = []
    for performer, head in zip((first, second), drawn([first, second]), strict=True):
        truth = truth_of(performer, head)
        rest = true_albedo(truth, uv, np.zeros(52, np.float32))
        change.append(true_albedo(truth, uv, smile) / rest - 1)
    assert all(np.abs(one).max() > 0.02 for one in change)
    assert np.abs(change[0] - change[1]).max() > 0.02
    folds = {k: v for k, v in first.appearance.strengths.items() if k.endswith(("Left", "Right"))}
    assert len(folds) == 16
    assert all(folds[f"{k[:-4]}Right"] != v for k, v in folds.items() if k.endswith("Left"))


def test_a_parse_map_lies_on_its_face() -> None:
    performer = from_the_front(troupe(1)[0])
    (head,) = drawn([performer])
    assert head.parse is not None
    assert set(np.unique(head.parse)) <= set(range(len(PARSE_CLASSES)))

    def at(marks: slice) -> str:
        x, y = head.face.landmarks_px[marks].mean(0)
        return PARSE_CLASSES[head.parse[int(y), int(x)]]

    found = [at(slice(*marks)) for marks in ((19, 20), (24, 25), (36, 42), (42, 48), (30, 31), (51, 53), (57, 58))]
    brows_eyes = ["right_brow", "left_brow", "right_eye", "left_eye"]
    assert found[:5] == [*brows_eyes, "nose"]
    assert head.parse[0, 0] == head.parse[-1, -1] == 0
    box = head.face.box
    rows, columns = np.nonzero(head.parse)
    np.testing.assert_allclose([columns.min(), rows.min()], [box.left_px, box.top_px], atol=2)
    np.testing.assert_allclose([columns.max() + 1, rows.max() + 1], [box.right_px, box.bottom_px], atol=2)


def test_what_is_before_a_face_is_marked_as_covered(pictures: list[PictureSample]) -> None:
    with_glasses = next(p for p in troupe(60) if p.glasses is not None)
    bare = from_the_front(with_glasses)
    worn, without = drawn([replace(bare, glasses=with_glasses.glasses), bare])
    covered, lashes = worn.parse == COVERED, without.parse == COVERED
    assert covered.sum() > 20 > 5 * lashes.sum()
    seen = ~covered & ~lashes
    assert np.array_equal(worn.parse[seen], without.parse[seen])
    assert (without.parse[covered] > 0).all()


def test_truth_and_parse_maps_travel_in_shards(tmp_path: Path, pictures: list[PictureSample]) -> None:
    first, second = tmp_path / "a.tar", tmp_path / "b.tar"
    write_shard(first, pictures)
    write_shard(second, read_encoded(first))
    assert first.read_bytes() == second.read_bytes()
    for before, after in zip(pictures, read_shard(second), strict=True):
        assert np.array_equal(after.parse, before.parse)
        assert after.truth is not None
        assert before.truth is not None
        assert torch.equal(*(torch.from_numpy(true_vertices(one)) for one in (after.truth, before.truth)))
        assert after.truth.paint == before.truth.paint
