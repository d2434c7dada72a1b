import sys

import cv2
import numpy as np
import pytest

from commedia.conventions import EXPRESSION_INDEX
from commedia.errors import CommediaError, MissingExtra
from commedia.geometry.placement import opencv_from_ours
from commedia.labelling.rfb import FaceFinder
from commedia.labelling.teacher import _CANVAS_PX, Teacher, _points_px, _view


def test_files_that_are_absent_or_something_else(tmp_path):
    for reader in (Teacher, FaceFinder):
        with pytest.raises(CommediaError, match=r"no face (landmarker|detector) at"):
            reader(tmp_path / "absent")
    (tmp_path / "words").write_text("only words")
    with pytest.raises(CommediaError, match="ONNX Runtime can load"):
        FaceFinder(tmp_path / "words")


def test_a_landmarker_that_is_none(tmp_path):
    pytest.importorskip("mediapipe")
    (tmp_path / "words").write_text("only words")
    with pytest.raises(CommediaError, match="not a face landmarker"):
        Teacher(tmp_path / "words")


def test_without_mediapipe_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    (tmp_path / "model.task").write_bytes(b"x")
    with pytest.raises(MissingExtra, match=r"commedia\[label\]"):
        Teacher(tmp_path / "model.task")


@pytest.mark.parametrize(("zoom", "turn_deg"), [(1.0, 0.0), (0.7, 25.0), (1.4, -50.0)])
def test_points_return_from_every_view(zoom, turn_deg):
    class Point:
        def __init__(self, x, y, z):
            self.x, self.y, self.z = x, y, z

    image = np.zeros((150, 110, 3), np.uint8)
    view = _view(110, 150, zoom, turn_deg)
    canvas = cv2.warpAffine(
        cv2.circle(image, (60, 70), 6, (255,) * 3, -1, cv2.LINE_AA), opencv_from_ours(view), (_CANVAS_PX, _CANVAS_PX)
    )
    rows, columns = np.indices(canvas.shape[:2])
    mass = canvas[..., 0] / canvas[..., 0].sum()
    spot = Point(((columns + 0.5) * mass).sum() / _CANVAS_PX, ((rows + 0.5) * mass).sum() / _CANVAS_PX, 0.1)
    found = _points_px([spot] * 478, view)[0]
    # OpenCV drew about the centre of pixel (60, 70), which is (60.5, 70.5) here.
    np.testing.assert_allclose(found[:2], [60.5, 70.5], atol=0.1)
    assert found[2] == pytest.approx(0.1 * 150 / zoom)


def test_a_real_face_and_no_face(shared_data):
    pytest.importorskip("mediapipe")
    from commedia.labelling.inputs import group_inputs

    (group,) = group_inputs([shared_data / "faces" / "helen-dev-000.tar"])
    picture = next(iter(group))
    with Teacher(shared_data / "models" / "face_landmarker_v2_with_blendshapes.task") as teacher:
        prediction = teacher.read(picture.decoded())
        assert teacher.read(np.full((200, 200, 3), 128, np.uint8)) is None
    gold = picture.gold_px
    # The outer corner of the subject's right eye is the teacher's point 33 and iBUG's 36; the chin is 152 and 8.
    size = np.sqrt(np.prod(np.ptp(gold, axis=0)))
    assert np.linalg.norm(prediction.points_px[33, :2] - gold[36]) < 0.06 * size
    assert np.linalg.norm(prediction.points_px[152, :2] - gold[8]) < 0.08 * size
    assert prediction.scores[EXPRESSION_INDEX["tongueOut"]] == 0


def test_the_detector_boxes_faces(shared_data):
    from commedia.labelling.inputs import group_inputs

    (group,) = group_inputs([shared_data / "faces" / "helen-dev-000.tar"])
    finder = FaceFinder(shared_data / "models" / "ultralight-rfb-640.onnx")
    for picture, _ in zip(group, range(5), strict=False):
        found = finder.find(picture.decoded())
        middle = picture.gold_px[27:].mean(axis=0)
        assert any(
            face.box.left_px < middle[0] < face.box.right_px and face.box.top_px < middle[1] < face.box.bottom_px
            for face in found
        )
