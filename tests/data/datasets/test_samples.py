"""The bridge to training: what reaches a shard is what the data set said, and nothing that nobody knows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.data.datasets.cpem import crop_box
from commedia.data.datasets.items import IBUG68, ClipMoment, DatasetFace, DatasetItem, MarkedPoints, StoredPicture
from commedia.data.datasets.samples import pose_from_landmarks, samples_from_dataset
from commedia.data.datasets.table import DATASETS, open_dataset
from commedia.data.datasets.tree import LeftOut
from commedia.data.shards import read_shard, write_shard
from commedia.errors import CommediaError, UnknownName
from commedia.face_model.landmarks import face_box_from_params, landmarks_from_params
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.labelling.inputs import group_inputs
from commedia.structures import FaceParams, HeadPose

from .trees import TREES, picture

SAMPLES = {"300w-lp": 3, "300w-lp-3d": 3, "aflw2000-3d": 2, "aflw2000-3d-reannotated": 2, "300vw": 4, "afw": 3} | {
    "300w": 2, "helen": 1, "fddb": 2, "wider-face": 3, "cpem": 2, "lfw": 0, "voxceleb2": 0, "feafa": 0,
    "music-videos": 0, "celeba": 2, "celeba-aligned": 0, "bu-3dfe": 0, "facewarehouse": 0,
}  # fmt: skip
"""Pictures that become of each tree: one per marked face, or one per picture whose every face is boxed."""


def mean_face(pose: HeadPose) -> FaceParams:
    return FaceParams(np.zeros(IDENTITY_COUNT, np.float32), np.zeros(EXPRESSION_COUNT, np.float32), pose)


def a_pose(yaw_deg: float) -> HeadPose:
    wxyz = wxyz_from_yaw_pitch_roll(np.radians(np.array([yaw_deg, -10, 15], np.float32)))
    return HeadPose(wxyz.astype(np.float32), np.array([200, 150], np.float32), 500.0)


def assert_close(found: HeadPose, pose: HeadPose) -> None:
    np.testing.assert_allclose(found.wxyz, pose.wxyz, atol=1e-3)
    np.testing.assert_allclose(found.origin_px, pose.origin_px, atol=0.05)
    assert found.px_per_m == pytest.approx(pose.px_per_m, rel=1e-3)


@pytest.mark.parametrize("yaw_deg", [0, 35, -60])
def test_the_pose_of_the_mean_head_is_found_again(yaw_deg: float):
    pose = a_pose(yaw_deg)
    landmarks = landmarks_from_params(mean_face(pose)).astype(np.float32)
    assert_close(pose_from_landmarks(landmarks), pose)
    assert_close(pose_from_landmarks(landmarks, pose.wxyz), pose)


def marked_item(tmp_path: Path, *, all_faces: bool) -> tuple[DatasetItem, FaceParams]:
    picture(tmp_path / "a.png", width=400, height=300)
    params = mean_face(a_pose(20))
    marked = MarkedPoints(landmarks_from_params(params).astype(np.float32), IBUG68, "gold")
    face = DatasetFace(marked=marked, identity_name="Ann")
    return DatasetItem(
        "set", "a.png", StoredPicture(tmp_path / "a.png"), (face,), "research", None, None, all_faces
    ), params


def test_a_marked_face_keeps_its_marks_and_gets_the_box_a_detector_is_to_find(tmp_path: Path):
    item, params = marked_item(tmp_path, all_faces=True)
    (sample,) = samples_from_dataset([item], LeftOut())
    (face,) = sample.faces
    assert (sample.source, sample.licence, sample.kind) == ("set/a.png", "research", "labelled")
    assert (face.landmark_kind, face.identity_name, face.identity, face.expression) == ("gold", "Ann", None, None)
    np.testing.assert_array_equal(face.landmarks_px, item.faces[0].marked.points_px)
    np.testing.assert_allclose(
        [face.box.left_px, face.box.top_px, face.box.right_px, face.box.bottom_px],
        list(vars(face_box_from_params(params)).values()),
        atol=0.3,
    )
    assert not face.expression_weight.any()


def test_a_face_is_cut_out_where_others_may_be_unmarked(tmp_path: Path):
    item, _ = marked_item(tmp_path, all_faces=False)
    (whole,) = samples_from_dataset([marked_item(tmp_path, all_faces=True)[0]], LeftOut())
    (cut,) = samples_from_dataset([item], LeftOut())
    shift = whole.faces[0].landmarks_px - cut.faces[0].landmarks_px
    assert np.ptp(shift, axis=0).max() < 1e-3
    x, y = shift[0].round().astype(int)
    assert (x, y) != (0, 0)
    np.testing.assert_allclose(shift[0], (x, y), atol=1e-3)  # whole pixels, so the picture is the same
    height, width = cut.image.shape[:2]
    np.testing.assert_array_equal(cut.image, whole.image[y : y + height, x : x + width])
    np.testing.assert_allclose(whole.faces[0].pose.origin_px - cut.faces[0].pose.origin_px, (x, y), atol=1e-3)


def test_reducing_scales_everything(tmp_path: Path):
    item, _ = marked_item(tmp_path, all_faces=True)
    (whole,), (half,) = samples_from_dataset([item], LeftOut()), samples_from_dataset([item], LeftOut(), max_side=200)
    assert half.image.shape == (150, 200, 3)
    np.testing.assert_allclose(half.faces[0].landmarks_px * 2, whole.faces[0].landmarks_px, atol=1e-3)
    assert half.faces[0].box.width_px * 2 == pytest.approx(whole.faces[0].box.width_px)
    assert half.faces[0].pose.px_per_m * 2 == pytest.approx(whole.faces[0].pose.px_per_m)


@pytest.mark.parametrize("name", DATASETS)
def test_every_set_reaches_a_shard_or_says_why_not(name: str, tmp_path: Path):
    TREES[name][0](tmp_path / "set")
    left_out = LeftOut()
    written = write_shard(tmp_path / "a.tar", samples_from_dataset(open_dataset(name, tmp_path / "set"), left_out))
    assert written == SAMPLES[name]
    assert written or left_out.counts
    for sample in read_shard(tmp_path / "a.tar"):
        assert sample.source.startswith(f"{name}/")
        assert sample.licence == DATASETS[name].licence


def test_published_rotations_and_fitted_points_train_with_a_weight(tmp_path: Path):
    from commedia.training.labels import arrays_from_faces

    TREES["300w-lp-3d"][0](tmp_path)
    item, *_ = open_dataset("300w-lp-3d", tmp_path)
    sample, *_ = samples_from_dataset([item], LeftOut())
    arrays = arrays_from_faces(sample.faces)
    assert (arrays.pose_weight.tolist(), arrays.landmark_weight.tolist()) == ([0.5], [0.5])
    np.testing.assert_allclose(arrays.wxyz[0], item.faces[0].wxyz, atol=1e-6)
    marked, _ = marked_item(tmp_path, all_faces=True)
    arrays = arrays_from_faces(next(samples_from_dataset([marked], LeftOut())).faces)
    assert (arrays.pose_weight.tolist(), arrays.landmark_weight.tolist()) == ([0], [1])


def test_clip_mask_and_action_units_reach_the_shard(tmp_path: Path):
    item, _ = marked_item(tmp_path, all_faces=True)
    face, blendshapes = item.faces[0], np.zeros(24, np.float32)
    blendshapes[8] = 0.75  # jaw drop
    mask = np.zeros((100, 100), np.uint8)
    mask[:, 50:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    box = crop_box(face.marked.points_px)
    face = replace(face, action_units=blendshapes, mask=StoredPicture(tmp_path / "mask.png"), mask_box=box)
    item = replace(item, faces=(face,), moment=ClipMoment("clip", "7"))
    write_shard(tmp_path / "a.tar", samples_from_dataset([item, replace(item, all_faces=False)], LeftOut()))
    whole, cut = read_shard(tmp_path / "a.tar")
    assert (whole.clip, whole.frame) == (cut.clip, cut.frame) == ("clip", "7")
    (sample,) = whole.faces
    np.testing.assert_allclose(sample.action_units, blendshapes)
    jaw = EXPRESSION_INDEX["jawOpen"]
    assert (sample.expression[jaw], sample.expression_weight[jaw]) == (0.75, 0.5)
    assert whole.mask.shape == whole.image.shape[:2]
    rows, columns = np.nonzero(whole.mask > 127)
    x = box.center_px[0]
    np.testing.assert_allclose([columns.min(), columns.max() + 1], [x, box.right_px], atol=1.5)
    np.testing.assert_allclose([rows.min(), rows.max() + 1], [box.top_px, box.bottom_px], atol=1.5)
    corner = np.round(whole.faces[0].landmarks_px - cut.faces[0].landmarks_px)[0].astype(int)
    height, width = cut.mask.shape
    np.testing.assert_array_equal(cut.mask, whole.mask[corner[1] : corner[1] + height, corner[0] : corner[0] + width])


def test_a_boxed_face_trains_its_box_alone(tmp_path: Path):
    from commedia.training.labels import arrays_from_faces

    TREES["wider-face"][0](tmp_path)
    crowd, nobody, _ = samples_from_dataset(open_dataset("wider-face", tmp_path), LeftOut())
    arrays = arrays_from_faces(crowd.faces)
    assert arrays.box[0].tolist() == [4, 5, 14, 17]
    for weight in (arrays.landmark_weight, arrays.pose_weight, arrays.identity_weight, arrays.expression_weight):
        assert not weight.any()
    assert nobody.faces == ()


def test_pictures_that_cannot_be_read_are_counted(tmp_path: Path):
    TREES["helen"][0](tmp_path)
    (tmp_path / "trainset/100_1.jpg").write_bytes(b"\xff\xd8\xff cut short")
    left_out = LeftOut()
    assert not list(samples_from_dataset(open_dataset("helen", tmp_path), left_out))
    assert left_out.counts == {"the picture cannot be read": 1}


def test_the_label_verb_takes_a_set_by_name_and_folder(tmp_path: Path):
    TREES["afw"][0](tmp_path / "set")
    (group,) = group_inputs([Path(f"afw:{tmp_path / 'set'}")])
    double, single = group
    assert (group.name, len(group), len(group.files())) == ("afw", 2, 2)
    assert single.source == "afw/134212_1.jpg"
    assert single.gold_px[0].tolist() == [0.5, 0.5]
    assert double.gold_px is None  # which of the two faces the teacher will read is not known
    assert single.decoded().shape == (30, 40, 3)
    with pytest.raises(UnknownName, match="data set 'awf'"):
        group_inputs([Path(f"awf:{tmp_path / 'set'}")])
    with pytest.raises(CommediaError, match="shards named 'afw'"):
        group_inputs([Path(f"afw:{tmp_path / 'set'}"), Path(f"afw:{tmp_path / 'set'}")])


def test_the_label_verb_skips_what_is_no_picture(tmp_path: Path):
    TREES["afw"][0](tmp_path)
    (tmp_path / "4492.jpg").write_bytes(b"no picture")
    (group,) = group_inputs([Path(f"afw:{tmp_path}")])
    assert [item.key for item in group] == ["134212_1.jpg"]
