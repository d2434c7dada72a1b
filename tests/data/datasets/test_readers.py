"""Numbers of every format, worked out by hand: where a file's point lies in our pixels, which way a head turns."""

from pathlib import Path

import numpy as np
import pytest

from commedia.conventions import EXPRESSION_INDEX
from commedia.data.datasets.cpem import FRONTAL
from commedia.data.datasets.fddb import box_from_ellipse
from commedia.data.datasets.feafa import expression_from_action_units, load_action_units
from commedia.data.datasets.items import FIVE, IBUG68, DatasetItem
from commedia.data.datasets.pts import read_pts
from commedia.data.datasets.table import open_dataset
from commedia.data.datasets.w300_lp import wxyz_from_pose_para
from commedia.data.datasets.w300_vw import CATEGORIES
from commedia.geometry.rotations import matrix_from_wxyz, yaw_pitch_roll_from_wxyz
from commedia.structures import Box

from .trees import FILE_POINTS, TREES, pts


def items_of(name: str, root: Path) -> list[DatasetItem]:
    TREES[name][0](root)
    return list(open_dataset(name, root))


def first_and_last(item: DatasetItem, face: int = 0) -> list[list[float]]:
    marked = item.faces[face].marked
    assert marked is not None
    return marked.points_px[[0, -1]].tolist()


def edges(box: Box | None) -> tuple[float, float, float, float]:
    assert box is not None
    return box.left_px, box.top_px, box.right_px, box.bottom_px


def test_a_one_based_point_at_1_1_is_the_centre_of_the_first_pixel(tmp_path: Path):
    for header in (True, False):
        pts(tmp_path / "a.pts", header=header)
        points = read_pts(tmp_path / "a.pts")
        assert points[0].tolist() == [0.5, 0.5]
        assert points[-1].tolist() == [7.5, 6.5]


def test_pictures_are_rgb_and_not_turned_by_their_orientation(tmp_path: Path):
    from PIL import Image

    path = tmp_path / "trainset" / "a.jpg"
    pts(path.with_suffix(".pts"))
    exif = Image.Exif()
    exif[0x0112] = 6  # a viewer would turn it by a quarter
    image = np.zeros((30, 40, 3), np.uint8)
    image[:, :20, 0] = 200
    Image.fromarray(image).save(path, exif=exif, quality=95)
    (item,) = open_dataset("helen", tmp_path)
    shown = item.picture.decoded()
    assert shown.shape == (30, 40, 3)
    assert item.picture.size_px() == (40, 30)
    assert shown[5, 5, 0] > 150
    assert shown[5, 35].max() < 60
    from commedia.labelling.datasets import source_picture

    np.testing.assert_array_equal(source_picture(item).decoded(), shown)


@pytest.mark.parametrize(
    ("pitch", "yaw", "roll", "expected_deg"),
    [(0, 30, 0, (-30, 0, 0)), (20, 0, 0, (0, -20, 0)), (0, 0, 10, (0, 0, -10))],
)
def test_each_angle_of_3ddfa_is_against_ours(pitch: float, yaw: float, roll: float, expected_deg: tuple[float, ...]):
    wxyz = wxyz_from_pose_para(*np.radians([pitch, yaw, roll]).tolist())
    np.testing.assert_allclose(np.degrees(yaw_pitch_roll_from_wxyz(wxyz)), expected_deg, atol=1e-4)


def test_the_whole_rotation_of_3ddfa():
    """Its published matrices, written out: each the transpose of the right-handed one, multiplied as x y z."""
    (p, y, r) = (0.3, -0.7, 0.2)
    cos, sin = np.cos, np.sin
    about_x = np.array([[1, 0, 0], [0, cos(p), sin(p)], [0, -sin(p), cos(p)]])
    about_y = np.array([[cos(y), 0, -sin(y)], [0, 1, 0], [sin(y), 0, cos(y)]])
    about_z = np.array([[cos(r), sin(r), 0], [-sin(r), cos(r), 0], [0, 0, 1]])
    found = matrix_from_wxyz(wxyz_from_pose_para(p, y, r))
    np.testing.assert_allclose(found, about_x @ about_y @ about_z, atol=1e-6)


def test_300w_lp(tmp_path: Path):
    items = items_of("300w-lp", tmp_path)
    assert first_and_last(items[0]) == [[0.5, 0.5], [7.5, 6.5]]
    marked = items[0].faces[0].marked
    assert marked is not None
    assert (marked.scheme, marked.kind) == (IBUG68, "gold")
    assert {item.faces[0].identity_name for item in items} == {"AFW_7_1"}
    assert [item.split for item in items] == ["AFW", "AFW", "AFW_Flip"]
    assert not items[0].all_faces
    solid = list(open_dataset("300w-lp-3d", tmp_path))
    assert first_and_last(solid[0]) == [[2.5, 2.5], [9.5, 8.5]]
    assert solid[0].faces[0].marked.kind == "fit"


def test_aflw2000(tmp_path: Path):
    items = items_of("aflw2000-3d", tmp_path)
    assert first_and_last(items[1]) == [[4.5, 4.5], [11.5, 10.5]]
    yaw = [yaw_pitch_roll_from_wxyz(item.faces[0].wxyz)[0] for item in items]
    np.testing.assert_allclose(yaw, [-0.2, -0.4], atol=1e-5)
    again = list(open_dataset("aflw2000-3d-reannotated", tmp_path))
    assert [first_and_last(item)[0] for item in again] == [[10.5, 10.5], [20.5, 20.5]]
    np.testing.assert_array_equal(again[1].faces[0].wxyz, items[1].faces[0].wxyz)


def test_lfw(tmp_path: Path):
    ann, bo = items_of("lfw", tmp_path)
    assert (ann.faces[0].identity_name, ann.faces[0].marked) == ("Ann_Lee", None)
    assert bo.faces[0].marked.scheme == FIVE
    assert first_and_last(bo) == [[3.5, 4.5], [11.5, 12.5]]
    assert bo.faces[0].bounds is None


def test_300vw(tmp_path: Path):
    items = items_of("300vw", tmp_path)
    assert [item.split for item in items] == ["train", "train", "category 3", "category 3"]
    assert [first_and_last(item)[0] for item in items[:2]] == [[1.5, 1.5], [3.5, 3.5]]
    assert (items[1].moment.clip, items[1].moment.frame) == ("001", "000003")
    for item, grey in zip(items[:2], (0, 120), strict=True):  # frame k of the clip is 60 k
        assert abs(int(item.picture.decoded().mean()) - grey) < 12
    assert abs(int(items[0].picture.decoded().mean())) < 12  # going back works too
    assert [len(clips) for clips in CATEGORIES.values()] == [31, 19, 14]
    assert len(set().union(*CATEGORIES.values())) == 64


def test_several_faces_of_one_picture(tmp_path: Path):
    double, single = items_of("afw", tmp_path)
    assert first_and_last(single) == [[0.5, 0.5], [7.5, 6.5]]
    assert [first_and_last(double, k)[0] for k in (0, 1)] == [[0.5, 0.5], [4.5, 4.5]]
    assert edges(double.faces[0].bounds) == (0.5, 0.5, 9.5, 6.5)
    assert double.faces[0].box is None


def test_the_folder_of_300w_is_the_split(tmp_path: Path):
    assert [item.split for item in items_of("300w", tmp_path)] == ["01_Indoor", "lfpw/testset"]


def test_the_bound_of_an_ellipse():
    upright = box_from_ellipse(8.0, 5.0, np.pi / 2, 20.0, 15.0)
    np.testing.assert_allclose(edges(upright), (15, 7, 25, 23))
    for angle in (0.4, -0.4, 1.2):
        box = box_from_ellipse(8.0, 5.0, angle, 20.0, 15.0)
        turn = np.linspace(0, 2 * np.pi, 20001)
        x = 20 + 8 * np.cos(turn) * np.cos(angle) - 5 * np.sin(turn) * np.sin(angle)
        y = 15 + 8 * np.cos(turn) * np.sin(angle) + 5 * np.sin(turn) * np.cos(angle)
        np.testing.assert_allclose(edges(box), (x.min(), y.min(), x.max(), y.max()), atol=1e-5)


def test_fddb(tmp_path: Path):
    first, second = items_of("fddb", tmp_path)
    np.testing.assert_allclose(edges(first.faces[0].box), (15.5, 7.5, 25.5, 23.5))
    np.testing.assert_allclose(edges(first.faces[1].box), (5, 5, 17, 17))
    assert (first.split, second.split, first.all_faces) == ("FDDB-fold-01", "FDDB-fold-02", True)


def test_wider_face(tmp_path: Path):
    crowd, nobody, one = items_of("wider-face", tmp_path)
    assert edges(crowd.faces[0].box) == (4, 5, 14, 17)
    assert crowd.faces[0].flags == {"heavily blurred", "strong expression", "partly hidden"}
    assert crowd.faces[1].flags == {"extreme light", "invalid", "mostly hidden", "unusual pose"}
    assert (nobody.faces, nobody.all_faces) == ((), True)
    assert (one.split, one.faces[0].flags) == ("val", frozenset())


def test_voxceleb2(tmp_path: Path):
    items = items_of("voxceleb2", tmp_path)
    assert [item.faces[0].identity_name for item in items] == ["id00012", "id00012", "id00013"]
    assert [item.moment.clip for item in items[1:]] == ["id00012/21Ux/00001", "id00013/abcd/00001"]


def test_frontal_faces_of_cpem_mix_two_detectors(tmp_path: Path):
    frontal, turned = items_of("cpem", tmp_path)
    points = frontal.faces[0].marked.points_px
    np.testing.assert_allclose(points[:17], FILE_POINTS[:17] + 0.5)
    np.testing.assert_allclose(points[17:], FILE_POINTS[17:] + 5.5)
    np.testing.assert_allclose(turned.faces[0].marked.points_px, FILE_POINTS + 0.5)
    assert (frontal.faces[0].flags, turned.faces[0].flags) == ({FRONTAL}, frozenset())
    assert frontal.faces[0].mask.path.parts[-4:] == ("face_mask", "id1", "clip", "00001.jpg")
    assert frontal.faces[0].marked.kind == "teacher"
    through = list(open_dataset("voxceleb2", tmp_path))
    assert [item.key for item in through] == [frontal.key, turned.key]


def test_feafa(tmp_path: Path):
    items = items_of("feafa", tmp_path)
    assert {item.faces[0].identity_name for item in items} == {"s1", "s2"}
    np.testing.assert_allclose(items[0].faces[0].action_units, np.arange(24) / 100, atol=1e-6)
    table = load_action_units()
    jaw_drop = np.eye(24, dtype=np.float32)[table.names.index("jaw drop")]
    assert table.names.index("jaw drop") == 8
    expression, weight = expression_from_action_units(jaw_drop)
    assert expression[EXPRESSION_INDEX["jawOpen"]] == 1
    assert expression.sum() == 1
    assert weight[EXPRESSION_INDEX["tongueOut"]] == 0 < weight[EXPRESSION_INDEX["mouthPucker"]]
    everything, _ = expression_from_action_units(np.ones(24, np.float32))
    assert everything.max() == 1


def test_bu_3dfe(tmp_path: Path):
    anger, rest, surprise = items_of("bu-3dfe", tmp_path)
    assert [item.faces[0].identity_name for item in (anger, rest, surprise)] == ["F0001", "F0001", "M0044"]
    assert surprise.faces[0].flags == {"surprise", "level 4"}
    assert rest.faces[0].flags == {"neutral", "level 0"}
    scan = anger.faces[0].scan
    assert scan is not None
    assert scan.path.name == "F0001_AN01WH_F3D.wrl"
    surface = scan.surface()
    assert surface.positions.tolist() == [[0, 0, 0], [10.5, 0, 0], [10.5, 20, 0], [0, 20, 0.1]]
    assert surface.faces == [(0, 1, 2, 3), (0, 2, 3)]
    assert np.ptp(surface.positions[:, 0]) * scan.unit_m == pytest.approx(0.0105)


def test_facewarehouse(tmp_path: Path):
    first, _, last = items_of("facewarehouse", tmp_path)
    assert (first.faces[0].identity_name, last.faces[0].identity_name) == ("Tester_1", "Tester_150")
    assert last.faces[0].flags == {"pose 2"}
    assert first.faces[0].scan.unit_m is None
    assert first.faces[0].scan.surface().triangles().tolist() == [[0, 1, 2], [0, 2, 3]]


def test_celeba(tmp_path: Path):
    first, second = items_of("celeba", tmp_path / "wild")
    assert (first.faces[0].identity_name, first.split) == ("02880", "train")
    assert (second.faces[0].identity_name, second.split) == ("00007", "test")
    assert edges(first.faces[0].box) == (5, 6, 25, 27)
    assert first.faces[0].marked.scheme == FIVE
    assert first_and_last(first) == [[9.5, 8.5], [15.5, 15.5]]
    eyes = first.faces[0].marked.points_px[:2, 0]
    assert eyes[0] < eyes[1], "the subject's right eye comes first"
    one, other = items_of("celeba-aligned", tmp_path / "aligned")
    assert (one.faces[0].identity_name, one.faces[0].box, one.split) == ("02880", None, None)
    assert first_and_last(other) == [[1.5, 1.5], [2.5, 3.5]]
