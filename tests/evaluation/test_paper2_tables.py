"""Paper 2's tables: readers that are exact, or off by what is known; people apart; and what is missing said."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from commedia.conventions import EXPRESSION_COUNT
from commedia.data.sample import PictureSample
from commedia.data.shards import read_encoded, read_shard, write_shard
from commedia.data.truth import COVERED
from commedia.errors import BadShard, CommediaError
from commedia.evaluation import paper2_expressions, paper2_reconstruction
from commedia.evaluation.paper2_expressions import paper2_table_3, shown_expressions
from commedia.evaluation.paper2_people import CROP_MM, KNOWING, people_of, read_drawn_people, surface_of
from commedia.evaluation.paper2_reconstruction import paper2_table_1
from commedia.evaluation.paper_expressions import load_categories
from commedia.evaluation.person_readers import open_person_reader
from commedia.evaluation.person_reading import FaceByFace, MeanFace, PersonReading
from commedia.evaluation.settings import EvaluationSettings
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import load_head
from commedia.faces.crop import Crop, crop_image
from commedia.geometry.boxes import tight_box
from commedia.structures import FaceParams, HeadPose
from commedia.synthetic.backgrounds import load_backgrounds
from commedia.synthetic.shards import single_pictures
from commedia.synthetic.truth import true_vertices


def silent(stage: str, done: int, total: int) -> None:
    """Take progress and do nothing."""


@dataclass
class Knowing:
    """Knows the truth of every picture, and says it larger, shifted and redder by so much."""

    frames: Sequence[PictureSample]
    growth: float = 1.0
    shift_px: float = 0.0
    redder: int = 0

    def read(self, images: Sequence[np.ndarray], crops: Sequence[Crop]) -> PersonReading:
        known = {frame.image.tobytes(): frame for frame in self.frames}
        frames = [known[image.tobytes()] for image in images]
        assert len({frame.faces[0].identity_name for frame in frames}) == 1, "two people are read as one"
        drawn = np.stack([crop_image(image, crop, 40) for image, crop in zip(images, crops, strict=True)])
        drawn[..., 0] = np.where(drawn[..., 0] > 127, drawn[..., 0] - self.redder, drawn[..., 0] + self.redder)
        return PersonReading(
            np.stack([self.growth * true_vertices(frame.truth) for frame in frames]),
            np.stack([frame.faces[0].landmarks_px + np.float32([self.shift_px, 0]) for frame in frames]),
            drawn,
            np.ones(drawn.shape[:3], dtype=bool),
        )


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("people") / "people.tar"
    write_shard(path, single_pictures("test", 8, 4, load_backgrounds(None, "test"), size=80, frames=2, truth=True))
    return path


@pytest.fixture(scope="module")
def frames(shard: Path) -> list[PictureSample]:
    return list(read_shard(shard))


def test_an_exact_reader_has_no_error_and_a_wrong_one_what_it_is_off_by(shard: Path, frames) -> None:
    readers = {"exact": Knowing(frames), "off": Knowing(frames, 1.02, 3.0, 7)}
    errors, people = read_drawn_people(readers, [shard], None, silent)
    assert people == 2
    exact, off = errors["exact"], errors["off"]
    assert max(exact.shape_mm + exact.scaled_mm) < 1e-3
    assert max(exact.nme + exact.diagonal + exact.photo) == pytest.approx(0, abs=1e-6)
    assert max(off.scaled_mm) < 1e-3
    assert off.photo == pytest.approx([7] * 4)
    for number, frame in enumerate(frames):
        surface = surface_of(true_vertices(frame.truth))
        near = surface.vertices[np.linalg.norm(surface.vertices - surface.nose_tip, axis=1) <= CROP_MM / 1000]
        spread = np.sqrt(np.square(near - near.mean(0)).sum(1).mean())
        assert off.shape_mm[number] == pytest.approx(0.02 * 1000 * spread, rel=1e-3)
        box = tight_box(frame.faces[0].landmarks_px)
        assert off.nme[number] == pytest.approx(300 / np.sqrt(box.width_px * box.height_px), rel=1e-3)


def test_who_asks_for_points_is_told_the_true_ones(shard: Path, frames) -> None:
    class Told(Knowing):
        """Says the points that it is told, and knows nothing of pictures."""

        def read_points(self, images: Sequence[np.ndarray], crops: Sequence[Crop], points_px) -> PersonReading:
            return replace(self.read(images, crops), landmarks_px=np.stack(points_px))

    errors, _ = read_drawn_people({"": Told(frames, shift_px=5.0)}, [shard], None, silent)
    assert max(errors[""].nme) < 1e-4


def test_colours_count_where_nothing_is_before_the_face(shard: Path, frames) -> None:
    covered = np.zeros((40, 40), np.uint8)  # half as large as the pictures
    covered[:, :20] = COVERED
    png = cv2.imencode(".png", covered)[1].tobytes()
    write_shard(shard.with_name("hidden.tar"), (replace(one, parse_png=png) for one in read_encoded(shard)))
    on_the_left = np.zeros((80, 80, 3), np.uint8)
    on_the_left[:, :37] = 255

    class WrongOnTheLeft(Knowing):
        """A little wrong everywhere, very wrong where something is before the face."""

        def read(self, images: Sequence[np.ndarray], crops: Sequence[Crop]) -> PersonReading:
            said = super().read(images, crops)
            for drawn, crop in zip(said.drawn, crops, strict=True):
                drawn[crop_image(on_the_left, crop, 40)[..., 0] > 250] = 0
            return said

    errors, _ = read_drawn_people({"": WrongOnTheLeft(frames, redder=6)}, [shard.with_name("hidden.tar")], None, silent)
    assert errors[""].photo == pytest.approx([6] * 4, abs=0.01)


def test_what_knows_more_of_the_truth_is_nearer_to_it(shard: Path, frames) -> None:
    errors, _ = read_drawn_people({}, [shard], None, silent)
    mean, rest, all_but_own = (np.mean(errors[name].shape_mm) for name in KNOWING)
    assert 0.1 < all_but_own < 0.6 * min(mean, rest)
    assert not errors[next(iter(KNOWING))].nme
    still = [replace(frame, truth=replace(frame.truth, expression=np.zeros(52, np.float32))) for frame in frames]
    write_shard(shard.with_name("still.tar"), still)
    errors, _ = read_drawn_people({}, [shard.with_name("still.tar")], None, silent)
    assert max(errors["the true person at rest"].shape_mm) < 1e-3


def test_the_surface_is_what_a_scan_shows() -> None:
    head = load_head()
    surface = surface_of(head.model.mean)
    assert len(surface.vertices) < 0.7 * len(head.model.mean)
    depth = surface.vertices[:, 2]
    assert surface.nose_tip[2] > np.quantile(depth, 0.99)
    assert np.linalg.norm(surface.vertices - surface.nose_tip, axis=1).min() < 0.004
    assert surface.triangles.max() == len(surface.vertices) - 1


@dataclass
class Guessing:
    """Reads crops one by one; the identity counts up."""

    weight: float = 0.0
    count: int = 0

    def regress(self, image: np.ndarray, crops: list[Crop]) -> list[FaceParams]:
        self.count += len(crops)
        expression = np.full(EXPRESSION_COUNT, self.weight, np.float32)
        pose = HeadPose(np.array([1, 0, 0, 0], np.float32), np.array([40, 40], np.float32), 300.0)
        return [FaceParams(np.full(50, self.count, np.float32), expression, pose) for _ in crops]


def test_a_network_that_reads_faces_takes_part_with_the_mean_identity(frames) -> None:
    head, crop = load_head(), Crop(np.array([40, 40], np.float32), 60.0)
    read = FaceByFace(Guessing(0.25), head).read([frames[0].image, frames[1].image], [crop, crop])
    expected = vertices_from_params(head.model, np.full(50, 1.5), np.full(EXPRESSION_COUNT, 0.25))
    np.testing.assert_allclose(read.vertices, [expected, expected], atol=1e-6)
    assert read.drawn is None
    assert np.array_equal(read.landmarks_px[0], read.landmarks_px[1])
    mean = MeanFace(FaceByFace(Guessing(0.25), head)).read([frames[0].image] * 2, [crop, crop])
    assert np.array_equal(mean.vertices[1], head.model.mean)


def test_table_1(shard: Path, frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"prior.x": Knowing(frames, 1.04), "final.x": Knowing(frames, 1.02, 0.0, 5), "sfn-desktop": Knowing(frames)}
    monkeypatch.setattr(paper2_reconstruction, "open_person_reader", known.__getitem__)
    given = ("prior=prior.x", "final=final.x")
    tables = paper2_table_1(EvaluationSettings(tmp_path, shards=(shard,), variants=given), silent)
    main, sets, missing = tables
    rows = {row[:2]: dict(zip(main.columns, row, strict=True)) for row in main.rows}
    assert rows["3DMM prior (A)", "paper, BU-3DFE"]["3D mm"] == 2.21
    assert rows["D + gradient loss (final)", "paper, FaceWarehouse"]["3D SD"] == 0.35
    assert rows["FML", "paper, BU-3DFE"]["3D mm"] == 1.74
    assert rows["MoFA", "paper, FaceWarehouse"]["3D mm"] == 2.19
    prior, final = (rows[name, "drawn"] for name in ("3DMM prior (A)", "D + gradient loss (final)"))
    assert final["3D mm"] == pytest.approx(prior["3D mm"] / 2, rel=1e-3)
    assert (final["photo"], final["AUC"]) == (pytest.approx(5), pytest.approx(1))
    assert final["size free"] < 1e-3 < final["3D SD"]
    assert rows["C + parsing loss (D)", "drawn"]["3D mm"] is None
    assert rows["ours, sfn-desktop", "drawn"]["3D mm"] < 1e-3
    assert rows["the true person at rest", "drawn"]["NME %"] is None
    assert [goal.is_met for goal in main.goals] == [True, True]
    assert main.goals[1].value == pytest.approx(0.5, rel=1e-3)
    assert {row[1].partition(",")[0] for row in missing.rows} == {
        "A + blendshape corrections (B)", "B + albedo corrections (C)", "C + parsing loss (D)",
    }  # fmt: skip
    assert "--variants parsing=FILE" in str(missing.rows)
    assert "BU-3DFE" in str(sets.rows)


def test_table_1_says_what_it_needs(shard: Path, frames, tmp_path: Path) -> None:
    with pytest.raises(CommediaError, match="--shards"):
        paper2_table_1(EvaluationSettings(tmp_path), silent)
    write_shard(tmp_path / "plain.tar", [replace(frames[0], truth=None)])
    with pytest.raises(BadShard, match="--truth keeps it"):
        read_drawn_people({}, [tmp_path / "plain.tar"], None, silent)
    with pytest.raises(CommediaError, match=r"'a\.zip' ends in '\.zip'"):
        open_person_reader("a.zip")
    assert [len(person) for person in people_of([shard, shard])] == [2, 2, 2, 2]


def test_every_expression_is_shown_alone_and_jaws_go_both_ways() -> None:
    shown = list(shown_expressions(2))
    names = list(load_categories())
    assert [name for name, *_ in shown] == names * 2
    assert [one[1] for one in shown if one[0] == "jaw left/right"] == [("jawLeft",), ("jawRight",)]
    by_name = {one[0]: one for one in shown[:9]}
    mouths = {name: by_name[name][3][[62, 66], 1] for name in ("mouth open", "eye wide")}
    assert np.diff(mouths["mouth open"])[0] > 3 + np.diff(mouths["eye wide"])[0]


def test_table_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = {"sfn-desktop": 0.0, "quarter.onnx": 0.75}
    monkeypatch.setattr(paper2_expressions, "open_sfn", lambda file, **_: Guessing(weights[file]))
    settings = EvaluationSettings(tmp_path, variants=("quarter=quarter.onnx",), limit=1)
    (table,) = paper2_table_3(settings, silent)
    rows = {row[:2]: row[2:] for row in table.rows}
    assert rows["ours, sfn-desktop", "drawn"] == pytest.approx([1.0] * 10)
    assert rows["ours, quarter", "drawn"] == pytest.approx([0.25] * 10)
    ours = dict(zip(table.columns[2:], rows["(2) Ours", "paper"], strict=True))
    assert (ours["smile"], ours["jaw left/right"], ours["mean"]) == (0.121, 0.394, 0.268)
