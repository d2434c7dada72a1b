"""The whole job on faces whose truth is known, with the teacher's predictions laid ready."""

import numpy as np
import pytest

from commedia.conventions import EXPRESSION_INDEX
from commedia.data.shards import read_shard
from commedia.errors import CommediaError
from commedia.labelling import label as job
from commedia.labelling.inputs import group_inputs
from commedia.labelling.label import LabelSettings, label_pictures
from commedia.labelling.predictions import GroupPredictions, Readers, _fingerprint, _save

from .fakes import known_faces, scores_of, write_pictures


@pytest.fixture
def laid_ready(tmp_path, rng):
    """Three pictures: one read well, one not read, one with points that no head explains."""
    faces = known_faces(rng, 3, blendshapes=("jawOpen",))
    source = write_pictures(tmp_path / "set-000.tar", 3, [{"source": "s", "identity": f"person {n}"} for n in range(3)])
    readers = Readers(tmp_path / "teacher.task")
    points = faces.points_px[[0, 2]].copy()
    points[1] += rng.normal(scale=15, size=points[1].shape).astype(np.float32)
    predictions = GroupPredictions(np.array([0, 2]), points, scores_of(faces.expression)[[0, 2]], np.array([1]), 3)
    (group,) = group_inputs([source])
    _save(tmp_path / "out" / "predictions" / "set.npz", _fingerprint(group, readers), predictions)
    return source, readers, faces


def _silent(stage: str, done: int, total: int) -> None:
    assert 0 < done <= total


def test_good_faces_are_written_and_bad_ones_left_out(laid_ready, tmp_path):
    source, readers, faces = laid_ready
    settings = LabelSettings(licence="for this test", max_side=96)
    (report,) = label_pictures([source], tmp_path / "out", readers, settings, _silent)
    assert (report.pictures, report.faces, report.pictures_written) == (3, 2, 1)
    assert report.shards == ("set-000.tar",)
    (sample,) = read_shard(tmp_path / "out" / "set-000.tar")
    (face,) = sample.faces
    assert sample.image.shape == (96, 96, 3)
    assert (sample.source, sample.licence, sample.kind) == ("s/p0", "for this test", "labelled")
    assert (face.identity_name, face.landmark_kind) == ("person 0", "fit")
    np.testing.assert_allclose(face.landmarks_px, faces.landmarks_px[0] / 2, atol=0.6)
    assert face.expression[EXPRESSION_INDEX["jawOpen"]] == pytest.approx(0.7, abs=0.1)
    assert face.expression_weight[EXPRESSION_INDEX["tongueOut"]] < 0.2
    inside = np.array(face.box.center_px) - face.landmarks_px.mean(axis=0)
    assert np.abs(inside).max() < 0.2 * face.box.height_px


def test_an_interrupted_job_leaves_no_half_written_shard(laid_ready, tmp_path, monkeypatch):
    source, readers, _ = laid_ready

    def interrupted(*arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("commedia.labelling.samples._face_sample", interrupted)
    with pytest.raises(KeyboardInterrupt):
        label_pictures([source], tmp_path / "out", readers, LabelSettings(), _silent)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["predictions"]


def test_shards_of_a_longer_run_disappear_but_other_files_stay(laid_ready, tmp_path):
    source, readers, _ = laid_ready
    out = tmp_path / "out"
    for name in ("set-000.tar", "set-001.tar", "settings-001.tar"):
        (out / name).write_bytes(b"old")
    label_pictures([source], out, readers, LabelSettings(), _silent)
    assert {path.name for path in out.glob("*.tar")} == {"set-000.tar", "settings-001.tar"}
    assert (out / "set-000.tar").stat().st_size > 1000


def test_shards_made_of_other_inputs_are_not_lost(laid_ready, tmp_path):
    source, readers, _ = laid_ready
    out = tmp_path / "out"
    label_pictures([source], out, readers, LabelSettings(), _silent)
    made = (out / "set-000.tar").read_bytes()
    another = write_pictures(tmp_path / "set-001.tar", 3)
    (elsewhere := tmp_path / "elsewhere").mkdir()
    for others in (another, write_pictures(elsewhere / source.name, 3)):
        with pytest.raises(
            CommediaError, match=r"already holds 'set', made of \S+set-000.tar; .*given \S+set-000.tar: name"
        ):
            label_pictures([others], out, readers, LabelSettings(), _silent)
        assert (out / "set-000.tar").read_bytes() == made
    # The same inputs again, more of them, or a clear word get as far as reading: there is no teacher here.
    for inputs, settings in (([source, another], LabelSettings()), ([another], LabelSettings(replace=True))):
        with pytest.raises(CommediaError, match="no face landmarker"):
            label_pictures(inputs, out, readers, settings, _silent)
    label_pictures([source], out, readers, LabelSettings(), _silent)


def test_other_pictures_are_read_afresh(laid_ready, tmp_path):
    source, readers, _ = laid_ready
    write_pictures(source, 2)
    with pytest.raises(CommediaError, match="no face landmarker"):
        label_pictures([source], tmp_path / "out", readers, LabelSettings(), _silent)


def test_pictures_without_any_face(tmp_path, monkeypatch):
    none = np.zeros((0,), np.int64)
    empty = GroupPredictions(none, np.zeros((0, 478, 3), np.float32), np.zeros((0, 52), np.float32), np.arange(2), 2)
    monkeypatch.setattr(job, "read_group", lambda *_: empty)
    source = write_pictures(tmp_path / "void.tar", 2)
    with pytest.raises(CommediaError, match="no face was found in the 2 pictures of 'void'"):
        label_pictures([source], tmp_path / "out", Readers(tmp_path / "x"), LabelSettings(), _silent)


def test_gold_landmarks_are_kept_as_they_are(laid_ready, tmp_path, monkeypatch):
    source, readers, faces = laid_ready
    shifted = faces.landmarks_px[0] + np.float32([0.5, 0.25])
    write_pictures(source, 3, [{"landmarks68": shifted.tolist()}, {}, {}])
    predictions = job.read_group
    kept = GroupPredictions(np.array([0, 1]), faces.points_px[:2], scores_of(faces.expression)[:2], np.array([2]), 3)
    monkeypatch.setattr(job, "read_group", lambda *_: kept)
    assert predictions is not job.read_group
    (report,) = label_pictures([source], tmp_path / "out", readers, LabelSettings(), _silent)
    first, second = read_shard(tmp_path / "out" / "set-000.tar")
    np.testing.assert_allclose(first.faces[0].landmarks_px, shifted, atol=1e-3)
    assert (first.faces[0].landmark_kind, second.faces[0].landmark_kind) == ("gold", "fit")
    assert 0 < report.gold_nme < 0.01
