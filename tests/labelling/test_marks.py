"""Marks: what a network's numbers say of where people mark the 68 points, fitted, kept in its file and applied."""

from dataclasses import replace

import numpy as np
import pytest

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_MIRROR, IDENTITY_COUNT, LANDMARK_COUNT, LANDMARK_MIRROR
from commedia.errors import WeightsMismatch
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.landmarks import landmark_model
from commedia.face_model.model import load_head
from commedia.faces.landmarks import landmarks_of_faces
from commedia.faces.marks import MARKS, STEP_M, Marks, marks_from_rows, marks_of, marks_to_text
from commedia.geometry.cameras import image_from_head
from commedia.geometry.rotations import mirrored_wxyz, wxyz_from_axis_angle
from commedia.labelling.marks import MarkedFaces, fitted_marks
from commedia.structures import FaceParams, HeadPose

HEAD = load_head()


def face(rng: np.random.Generator) -> FaceParams:
    pose = HeadPose(
        wxyz_from_axis_angle(rng.normal(size=3).astype(np.float32) * 0.4),
        rng.uniform(0, 500, 2).astype(np.float32),
        float(rng.uniform(500, 2000)),
    )
    numbers = rng.normal(size=IDENTITY_COUNT), rng.uniform(size=EXPRESSION_COUNT)
    return FaceParams(*(part.astype(np.float32) for part in numbers), pose)


def mirror_image(shown: FaceParams) -> FaceParams:
    origin = shown.pose.origin_px * np.array([-1, 1], dtype=np.float32)
    pose = replace(shown.pose, wxyz=mirrored_wxyz(shown.pose.wxyz), origin_px=origin)
    return FaceParams(shown.identity * HEAD.identity_mirror, shown.expression[list(EXPRESSION_MIRROR)], pose)


def some_marks(rng: np.random.Generator) -> Marks:
    """Up to some millimetres, and different on both sides."""
    return marks_from_rows(rng.normal(0, 1e-3, (1 + IDENTITY_COUNT + EXPRESSION_COUNT, 3 * LANDMARK_COUNT)))


def symmetric(marks: Marks) -> Marks:
    def half(table: np.ndarray) -> np.ndarray:
        return table[..., list(LANDMARK_MIRROR), :] * np.float32([-1, 1, 1])

    return Marks(
        (marks.rest + half(marks.rest)) / 2,
        (marks.identity + half(marks.identity) * HEAD.identity_mirror[:, None, None]) / 2,
        (marks.expression + half(marks.expression)[list(EXPRESSION_MIRROR)]) / 2,
    )


def test_marks_are_the_heads_points_moved_in_the_head_frame(rng: np.random.Generator):
    marks, shown = some_marks(rng), face(rng)
    points = vertices_from_params(landmark_model(HEAD), shown.identity, shown.expression)
    moved = marks.rest.copy()
    for weight, row in zip((*shown.identity, *shown.expression), (*marks.identity, *marks.expression), strict=True):
        moved += weight * row
    np.testing.assert_allclose(
        landmarks_of_faces([shown], HEAD, marks)[0], image_from_head(points + moved, shown.pose), atol=0.01
    )


def test_a_fit_finds_marks_again_on_faces_that_it_did_not_see(rng: np.random.Generator):
    truth, seen = symmetric(some_marks(rng)), [face(rng) for _ in range(300)]
    marked = MarkedFaces(seen, np.array(landmarks_of_faces(seen, HEAD, truth)), np.ones(len(seen)))
    found = fitted_marks(marked, HEAD, ridge=1e-6)
    unseen = [face(rng) for _ in range(5)]
    wanted = np.array(landmarks_of_faces(unseen, HEAD, truth))
    assert np.abs(np.array(landmarks_of_faces(unseen, HEAD)) - wanted).max() > 5, "no marks at all would pass"
    np.testing.assert_allclose(np.array(landmarks_of_faces(unseen, HEAD, found)), wanted, atol=0.1)


def test_marks_of_a_mirrored_face_are_the_mirror_image_whatever_was_marked(rng: np.random.Generator):
    seen = [face(rng) for _ in range(30)]
    lopsided = np.array(landmarks_of_faces(seen, HEAD, some_marks(rng)))
    found = fitted_marks(MarkedFaces(seen, lopsided, np.ones(len(seen))), HEAD)
    found = marks_of("net.onnx", {MARKS: marks_to_text(found)})
    assert found is not None
    plain, back = landmarks_of_faces([seen[0], mirror_image(seen[0])], HEAD, found)
    assert np.abs(plain - landmarks_of_faces([seen[0]], HEAD)[0]).max() > 1
    np.testing.assert_allclose(back[list(LANDMARK_MIRROR)] * [-1, 1], plain, atol=0.01)


def test_a_face_that_was_marked_wrongly_counts_less(rng: np.random.Generator):
    truth, seen = symmetric(some_marks(rng)), [face(rng) for _ in range(300)]
    marks_px = np.array(landmarks_of_faces(seen, HEAD, truth))
    marks_px[:10] += 40
    wrong, right = (MarkedFaces(seen[at:], marks_px[at:], np.ones(300 - at)) for at in (0, 10))
    clean = MarkedFaces(seen, np.array(landmarks_of_faces(seen, HEAD, truth)), np.ones(300))
    apart = [clean.errors(HEAD, fitted_marks(one, HEAD)).mean() for one in (right, wrong)]
    assert apart[1] < 1.5 * apart[0]


def test_files_keep_marks_to_a_hundredth_of_a_millimetre(rng: np.random.Generator):
    marks = some_marks(rng)
    again = marks_of("net.onnx", {MARKS: marks_to_text(marks)})
    assert again is not None
    np.testing.assert_allclose(again.rows, marks.rows, atol=0.51 * STEP_M)
    assert marks_of("net.onnx", {}) is None


@pytest.mark.parametrize("text", ["no numbers", "[1,2,3]", '{"a":1}', "[[1],[2,3]]"])
def test_marks_that_nobody_can_read_are_refused_by_name(text: str):
    with pytest.raises(WeightsMismatch, match=r"net\.onnx does not carry readable marks"):
        marks_of("net.onnx", {MARKS: text})
