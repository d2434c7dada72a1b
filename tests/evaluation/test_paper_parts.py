"""Parts of the tables of paper 1: how faces are followed, errors averaged, sets found and published numbers kept."""

from pathlib import Path

import numpy as np
import pytest
from data.datasets.trees import picture, pts, text
from test_paper_tables import Certain, person, points_of

from commedia.conventions import EXPRESSION_COUNT
from commedia.data.datasets.items import DatasetFace
from commedia.data.datasets.spec import MissingDataset
from commedia.data.datasets.tree import BadAnnotation, LeftOut
from commedia.data.datasets.w300_lp import wxyz_from_pose_para
from commedia.errors import CommediaError, UnknownName
from commedia.evaluation.curves import cumulative_share, draw_curves
from commedia.evaluation.entries import find_dataset, parse_variants
from commedia.evaluation.paper_expressions import category_means, expression_error, load_categories, read_list
from commedia.evaluation.paper_tracking import FrameByFrame, is_lost
from commedia.evaluation.published import published, variants
from commedia.evaluation.still_errors import paper_yaw_deg
from commedia.faces.crop import Crop
from commedia.faces.grid import BOX_COUNT
from commedia.faces.mfn import MfnPredictor
from commedia.faces.session import OnnxSession
from commedia.geometry.boxes import tight_box
from commedia.structures import FaceParams


def test_a_face_is_looked_for_again_only_when_it_is_lost() -> None:
    near, far = person(50, 50, 40), person(150, 50, 40)
    image = np.zeros((100, 200, 3), np.uint8)

    class Scripted(Certain):
        def regress(self, image: np.ndarray, crops: list[Crop]) -> list[FaceParams]:
            self.crops += crops
            return [answers.pop(0)]

    answers = [near, near, far, near, near]
    reader = Scripted([near])
    follower = FrameByFrame(reader, reader)
    for _ in range(4):
        np.testing.assert_allclose(follower.follow(image), points_of(near), atol=1e-3)
    assert follower.detections == 2, "at the start, and where the points jumped"
    reader.people, answers[:] = [], [far]
    assert follower.follow(image) is None
    assert follower.last is None


def test_lost_is_what_no_face_does_between_two_frames() -> None:
    points = points_of(person(100, 100, 60))
    size = tight_box(points)
    assert not is_lost(points + 5, points, 200, 200)
    assert is_lost(points + np.array([size.width_px, 0]), points, 200, 200), "jumped"
    center = points.mean(axis=0)
    assert is_lost(center + (points - center) * 1.7, points, 200, 200), "grew"
    assert is_lost(points + 150, points + 149, 200, 200), "left the picture"


def test_the_list_of_expressions_is_read_strictly(tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg")
    path = tmp_path / "expressions.csv"
    for content, said in (
        ("name,category\na.jpg,kiss\n", "first line"),
        ("image,category\na.jpg,grin\n", "line 2: unknown category 'grin'"),
        ("image,category\na.jpg,jaw left/right\n", "needs a blendshape"),
        ("image,category,blendshape\na.jpg,kiss,jawOpen\n", "'jawOpen' is none of mouthPucker"),
    ):
        text(path, content)
        with pytest.raises(BadAnnotation, match=said):
            read_list(path, LeftOut())
    text(path, "image,category\n../a.jpg,kiss\n")
    with pytest.raises(CommediaError, match="names no picture that is there"):
        read_list(path, LeftOut())


def test_the_mean_of_nine_is_unweighted() -> None:
    names = list(load_categories())
    assert sum(category.count for category in load_categories().values()) == 1008
    errors = {name: [float(index)] * (1 + index) for index, name in enumerate(names)}
    assert category_means(errors)[-1] == pytest.approx(4)
    beyond = np.full(EXPRESSION_COUNT, 1.25, np.float32)
    assert expression_error(beyond, ("jawOpen",)) == pytest.approx(0.25)


def test_published_numbers_agree_with_themselves() -> None:
    later = [
        ("table-2", "eccv2020"),
        ("table-3", "eccv2020"),
        ("table-2", "aaai2022"),
        ("table-1", "aaai2022"),
        ("table-1-mobile", "aaai2022"),
    ]
    for row in (row for table in (("table-3",), ("table-5",), *later) for row in published(*table).rows):
        *parts, mean = row.values
        if row.name not in ("3DDFA", "Yu et al.", "SDM"):
            assert mean == pytest.approx(np.mean(parts), abs=0.011), row.name
    tables = [(f"table-{number}", "cvpr2019") for number in (2, 3, 4, 5)]
    tables += [(table, "aaai2022") for table in ("table-1", "table-1-mobile", "table-2", "table-3")]
    asked = {row.variant for table in tables for row in published(*table).rows}
    assert asked - {None} == set(variants())


def test_every_recipe_that_is_named_exists() -> None:
    recipes = pytest.importorskip("commedia.training.recipes").RECIPES
    assert {variant.recipe for variant in variants().values()} <= set(recipes)


def test_variants_are_named_files() -> None:
    assert parse_variants(("sfn-multi-scale=runs/a=b.onnx",)) == {"sfn-multi-scale": "runs/a=b.onnx"}
    with pytest.raises(UnknownName, match="sfn-multi-scale"):
        parse_variants(("sfn-multi=a.onnx",))
    with pytest.raises(CommediaError, match="NAME=FILE"):
        parse_variants(("a.onnx",))


def test_a_set_is_found_in_its_folder_or_is_the_folder(tmp_path: Path) -> None:
    picture(tmp_path / "LFW/Ann/Ann_0001.jpg")
    pts(tmp_path / "helen/trainset/a.pts")
    assert find_dataset("lfw", tmp_path).root == tmp_path / "LFW"
    assert find_dataset("lfw", tmp_path / "LFW").root == tmp_path / "LFW"
    with pytest.raises(MissingDataset, match="AFW"):
        find_dataset("afw", tmp_path)
    with pytest.raises(MissingDataset, match="--root"):
        find_dataset("afw", None)


def test_yaw_is_that_of_3ddfa() -> None:
    face = DatasetFace(wxyz=wxyz_from_pose_para(0.6, -1.0, 0.4))
    assert paper_yaw_deg(face) == pytest.approx(np.degrees(1.0), abs=1e-3)
    assert np.isnan(paper_yaw_deg(DatasetFace()))


def test_a_network_that_only_finds_boxes_passes_for_one_that_reads() -> None:
    class Boxes:
        def run(self, names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
            grid = np.full((1, 81 * 1, BOX_COUNT), -9, np.float32)
            grid[0, 40] = [0, 0, 0, 0, 4]  # the middle cell
            return [grid]

    network = OnnxSession(Boxes(), "pixels", ("grid",), 288, {})
    detector = MfnPredictor(network, np.array([[2.0, 3.0]], np.float32))
    (face,) = detector.detect(np.zeros((90, 90, 3), np.uint8))
    assert face.box.center_px == pytest.approx((45, 45), abs=0.1)
    assert (face.box.width_px, face.box.height_px) == pytest.approx((20, 30), abs=0.1)


def test_curves_count_what_is_at_or_below() -> None:
    places, shares = cumulative_share(np.array([0.0, 0.04, np.inf, np.nan]), 0.08, steps=2)
    np.testing.assert_allclose(places, [0, 0.04, 0.08])
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.5])
    plain = draw_curves({}, 0.08, "t", "a")
    drawn = draw_curves({"one": np.array([0.02])}, 0.08, "t", "a")
    assert plain.shape == drawn.shape
    assert (plain != drawn).any()
