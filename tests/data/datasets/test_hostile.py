"""Files that lie, break off or lead elsewhere: each costs one item and a count, or is one sentence with its line."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from commedia.data.datasets.pts import read_pts
from commedia.data.datasets.scans import read_wrl
from commedia.data.datasets.spec import MissingDataset
from commedia.data.datasets.table import open_dataset
from commedia.data.datasets.tree import BadAnnotation, OutsideFolder, Tree
from commedia.errors import UnreadableMedia

from .trees import FILE_POINTS, TREES, WRL, mat, picture, text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("version: 1\nn_points: 68\n{\n1 2\n3 nan\n}\n", "line 5"),
        ("version: 1\nn_points: 68\n{\n1 2\n3\n}\n", "line 5"),
        ("version: 1\nn_points: 68\n{\n1 2\n}\n", "announces 68 points and holds 1"),
        ("version: 1\nn_points: many\n{\n1 2\n}\n", "line 2"),
        ("version: 1\nn_points: 68\n{\n1 2\n", "cut short"),
        ("1 2\n3 4\n", "expected 68 points, found 2"),
        ("1 2\n3 1e30\n", "line 2"),
        ("1 2\nthree 4\n", "line 2"),
    ],
)
def test_a_bad_pts_file_says_where(content: str, said: str, tmp_path: Path):
    text(tmp_path / "a.pts", content)
    with pytest.raises(BadAnnotation, match=said) as raised:
        read_pts(tmp_path / "a.pts")
    assert "a.pts" in str(raised.value)


@pytest.mark.parametrize("escape", ["../secret", "/etc/secret", "a/../../secret", "C:/secret", "..\\secret", "a\0b"])
def test_paths_in_lists_stay_inside(escape: str, tmp_path: Path):
    picture(tmp_path / "secret.jpg")
    root = tmp_path / "set"
    TREES["fddb"][0](root)
    good = (root / "FDDB-folds/FDDB-fold-02-ellipseList.txt").read_text()
    text(root / "FDDB-folds/FDDB-fold-02-ellipseList.txt", f"{escape}\n1\n8 5 0 20 15 1\n{good}")
    dataset = open_dataset("fddb", root)
    assert len(list(dataset)) == 2
    ((reason, count),) = dataset.left_out.counts.items()
    assert count == 1
    assert "line 1" in dataset.left_out.examples[reason]
    tree = Tree(root, "fddb", "none", dataset.left_out)
    with pytest.raises(OutsideFolder, match="line 7"):
        tree.inside(escape, said_by=root / "list.txt", line=7)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a.jpg\nmany\n", "line 2: expected the number of faces"),
        ("a.jpg\n3\n1 2 3 4 0 0 0 0 0 0\n", "line 2: cut short"),
        ("a.jpg\n1\n1 2 3 4 0 0 0 7 0 0\n", "line 3: a flag is 7"),
        ("a.jpg\n1\n1 2 3 4\n", "line 3: expected 10 numbers"),
        ("1 2 3 4 0 0 0 0 0 0\n", "line 1: expected the name of a picture"),
        ("a.jpg\n99999999999999999999\n", "line 2"),
        ("a.jpg\n٣\n", "line 2"),
    ],
)
def test_a_bad_list_says_which_line(content: str, said: str, tmp_path: Path):
    text(tmp_path / "wider_face_split" / "wider_face_train_bbx_gt.txt", content)
    picture(tmp_path / "WIDER_train/images/a.jpg")
    with pytest.raises(BadAnnotation, match=said):
        list(open_dataset("wider-face", tmp_path))


def test_faces_without_area_are_counted(tmp_path: Path):
    content = "a.jpg\n2\n1 2 0 4 0 0 0 0 0 0\n1 2 3 4 0 0 0 0 0 0\n"
    text(tmp_path / "wider_face_split" / "wider_face_train_bbx_gt.txt", content)
    picture(tmp_path / "WIDER_train/images/a.jpg")
    dataset = open_dataset("wider-face", tmp_path)
    assert [len(item.faces) for item in dataset] == [1]
    assert dataset.left_out.counts == {"a face has no area": 1}


def test_one_bad_mat_costs_one_item(tmp_path: Path):
    TREES["300w-lp"][0](tmp_path)
    mat(tmp_path / "AFW/AFW_7_1_0.mat", pt2d=np.ones((2, 21)), Pose_Para=np.zeros((1, 7)))
    mat(tmp_path / "AFW/AFW_7_1_1.mat", pt2d=FILE_POINTS.T, Pose_Para=np.full((1, 7), np.nan))
    dataset = open_dataset("300w-lp", tmp_path)
    assert [item.key for item in dataset] == ["AFW_Flip/AFW_7_1_0.jpg"]
    assert dataset.left_out.counts[BadAnnotation.reason] == 2
    mat(tmp_path / "AFW_Flip/AFW_7_1_0.mat", shape=np.ones(3))
    with pytest.raises(MissingDataset, match="left out: 3 because"):
        list(dataset)


def test_a_small_file_that_announces_much_is_not_unpacked(tmp_path: Path):
    TREES["300w-lp"][0](tmp_path)
    path = tmp_path / "AFW/AFW_7_1_0.mat"
    scipy.io.savemat(path, {"pt2d": np.zeros((2, 10**6), np.uint8)}, do_compression=True)
    assert path.stat().st_size < 10_000
    dataset = open_dataset("300w-lp", tmp_path)
    assert len(list(dataset)) == 2
    assert "announced as (2, 1000000)" in dataset.left_out.examples[BadAnnotation.reason]


def test_links_within_the_folder_are_followed_and_a_ring_is_not(tmp_path: Path):
    TREES["helen"][0](tmp_path / "set")
    there = tmp_path / "set/trainset/100_1.jpg"
    there.rename(there.with_name("moved.jpg"))
    there.symlink_to("moved.jpg")
    (there.parent / "ring.jpg").symlink_to("ring.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "set")
    for root in (tmp_path / "set", tmp_path / "link"):
        assert [item.key for item in open_dataset("helen", root)] == ["trainset/100_1.jpg"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "does not begin with"),
        ("v 0 0 0\n", "does not begin with"),
        (WRL[: WRL.index("20 1e-1")], r"no whole 'Coordinate \{ point"),
        (WRL[: WRL.index("3, -1, 0")], r"no whole 'coordIndex"),
        (WRL.replace("coord Coordinate", "texCoord TextureCoordinate"), "no whole 'Coordinate"),
        (WRL.replace("10.5 0 0", "10.5 0"), "11 coordinates make no points"),
        (WRL.replace("10.5 0 0", "10.5 nan 0"), "not a finite number"),
        (WRL.replace("10.5 0 0", "10.5 1e30 0"), "not a finite number"),
        (WRL.replace("10.5 0 0", "ten 0 0"), "could not convert"),
        (WRL.replace("2, 3, -1", "2, 4, -1"), "names point 4, and there are 4"),
        (WRL.replace("2, 3, -1", "2, 3, -7"), "a corner is -7"),
        (WRL.replace("0, 1, 2, 3, -1, 0, 2, 3, -1", "0, 1, -1"), "no face"),
        (WRL.replace("0, 1, 2", "0, 1," + " 2," * 200), "more than 100 corners"),
        (WRL.replace("0, 1, 2", "0, one, 2"), "invalid literal"),
    ],
)
def test_a_bad_scan_is_one_sentence(content: str, said: str, tmp_path: Path):
    text(tmp_path / "a.wrl", content)
    with pytest.raises(UnreadableMedia, match=said) as raised:
        read_wrl(tmp_path / "a.wrl")
    assert "a.wrl" in str(raised.value)
    with pytest.raises(UnreadableMedia, match="cannot be read"):
        read_wrl(tmp_path / "absent.wrl")


def test_scans_with_wrong_names_or_without_partners_are_counted(tmp_path: Path):
    TREES["bu-3dfe"][0](tmp_path / "bu")
    there = tmp_path / "bu/F0001"
    (there / "F0001_AN01WH_F3D.wrl").unlink()
    for name in ("F0002_AN01WH", "F0001_XX01WH", "F0001_AN05WH", "F0001_AN01W", "F\u0661\u0661\u0661\u0661_AN01WH"):
        picture(there / "other.bmp")
        (there / "other.bmp").rename(there / f"{name}_F2D.bmp")
        text(there / f"{name}_F3D.wrl", WRL)
    dataset = open_dataset("bu-3dfe", tmp_path / "bu")
    assert [item.key[:18] for item in dataset] == ["F0001/F0001_NE00WH", "M0044/M0044_SU04BL"]
    assert dataset.left_out.counts == {"picture or annotation is not there": 1, BadAnnotation.reason: 5}
    TREES["facewarehouse"][0](tmp_path / "fw")
    poses = tmp_path / "fw/part1/Tester_1/TrainingPose"
    (poses / "pose_0.png").unlink()
    for name in ("pose_20", "pose_x", "other"):
        text(poses / f"{name}.obj", "v 0 0 0\n")
    dataset = open_dataset("facewarehouse", tmp_path / "fw")
    assert [item.key.rpartition("/")[2] for item in dataset] == ["pose_10.png", "pose_2.jpg"]
    assert dataset.left_out.counts == {"picture or annotation is not there": 1, BadAnnotation.reason: 3}


def test_scans_behind_a_link_that_leads_out_are_not_read(tmp_path: Path):
    TREES["bu-3dfe"][0](tmp_path / "bu")
    scan = tmp_path / "bu/F0001/F0001_AN01WH_F3D.wrl"
    scan.rename(tmp_path / "outside.wrl")
    scan.symlink_to(tmp_path / "outside.wrl")
    dataset = open_dataset("bu-3dfe", tmp_path / "bu")
    assert len(list(dataset)) == 2


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("list_bbox_celeba.txt", "many\nimage_id\n", "line 1: expected the number of pictures, found 'many'"),
        ("list_bbox_celeba.txt", "3\nimage_id\n000001.jpg 1 2 3 4\n", "cut short: 3 pictures announced, 1 lines left"),
        ("list_landmarks_celeba.txt", "", "line 1: expected the number of pictures"),
    ],
)
def test_a_cut_list_of_celeba_is_refused(name: str, content: str, said: str, tmp_path: Path):
    TREES["celeba"][0](tmp_path)
    text(tmp_path / "Anno" / name, content)
    with pytest.raises(BadAnnotation, match=said):
        list(open_dataset("celeba", tmp_path))


def test_a_wrong_line_of_celeba_costs_that_line(tmp_path: Path):
    TREES["celeba"][0](tmp_path)
    text(tmp_path / "Anno/list_bbox_celeba.txt", "2\nimage_id\n000001.jpg 1 2 0 4\n000002.jpg 1 2 3 4\n")
    text(tmp_path / "Anno/identity_CelebA.txt", "000001.jpg Ann\n000002.jpg -3\n000003.jpg 5\n")
    text(tmp_path / "Eval/list_eval_partition.txt", "000001.jpg 3\n../../x 1\n")
    dataset = open_dataset("celeba", tmp_path)
    first, second = dataset
    assert (first.faces[0].box, first.faces[0].identity_name, first.split) == (None, None, None)
    assert second.faces[0].box is not None
    assert dataset.left_out.counts == {BadAnnotation.reason: 4}
    assert "line 1: expected a number from 0" in dataset.left_out.examples[BadAnnotation.reason]
