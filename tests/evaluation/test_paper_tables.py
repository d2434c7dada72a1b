"""The paper's tables on tiny trees in the sets' own formats, with readers whose errors are known."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
from data.datasets.trees import mat, picture, pts, text, video
from fakes import fake_params

from commedia.cli import evaluate as verb
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.data.datasets.aflw2000 import REANNOTATED
from commedia.evaluation import entries, paper_expressions, paper_runtime, paper_tracking
from commedia.evaluation.benchmarks import benchmark
from commedia.evaluation.report import Table
from commedia.evaluation.settings import EvaluationSettings
from commedia.face_model.landmarks import face_box_from_params
from commedia.faces.crop import Crop
from commedia.faces.landmarks import landmarks_of_faces
from commedia.geometry.boxes import tight_box
from commedia.structures import Face, FaceParams

TABLES = ("paper-table-2", "paper-table-3", "paper-table-4", "paper-table-5", "paper2-table-2", "paper3-table-2")
ZERO, ONE = -0.5, 0.5
"""Our pixels to those of a file whose centres count from zero or from one."""


def silent(stage: str, done: int, total: int) -> None:
    """Take progress and do nothing."""


def person(x_px: float, y_px: float, width_px: float, expression: dict[str, float] | None = None) -> FaceParams:
    values = np.zeros(EXPRESSION_COUNT, np.float32)
    for name, value in (expression or {}).items():
        values[EXPRESSION_INDEX[name]] = value
    params = fake_params(np.array([x_px, y_px]), width_px, values)
    return FaceParams(np.zeros_like(params.identity), params.expression, params.pose)


def points_of(params: FaceParams) -> np.ndarray:
    return landmarks_of_faces([params])[0].astype(np.float64)


@dataclass
class Certain:
    """Sees the same faces in every picture and the first of them in every crop."""

    people: list[FaceParams]
    crops: list[Crop] = field(default_factory=list)

    def detect(self, image: np.ndarray) -> list[Face]:
        return [
            Face(face_box_from_params(one), 0.9, one, landmarks_of_faces([one])[0].astype(np.float32))
            for one in self.people
        ]

    def regress(self, image: np.ndarray, crops: list[Crop]) -> list[FaceParams]:
        self.crops += crops
        return [self.people[0] for _ in crops]


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch):
    """Put one reader in the place of every network; returns what does."""

    def use(reader: Certain) -> Certain:
        for module in (entries, paper_tracking, paper_expressions, paper_runtime):
            for name in ("open_sfn", "open_mfn"):
                if hasattr(module, name):
                    monkeypatch.setattr(module, name, lambda *_, **__: reader)
        return reader

    return use


def cells(table: Table, name: str, prefix: str) -> list:
    row = next(row for row in table.rows if row[0] == name)
    return [cell for column, cell in zip(table.columns, row, strict=True) if column.startswith(prefix)]


def made(name: str, tmp_path: Path, root: Path | None, **settings) -> dict[str, Table]:
    (tmp_path / "out").mkdir(exist_ok=True)
    tables = benchmark(name)(EvaluationSettings(tmp_path / "out", root=root, **settings), silent)
    return {table.name: table for table in tables}


def test_table_2(tmp_path: Path, networks) -> None:
    one = person(60, 60, 50)
    networks(Certain([one]))
    truth, size = points_of(one), tight_box(points_of(one))
    lines = ""
    for name, off in (("Ann_Lee", 1.0), ("Bo_Ek", 4.0)):
        picture(tmp_path / "sets/lfw" / name / f"{name}_0001.jpg", 120, 120)
        numbers = " ".join(f"{value:.4f}" for value in (truth + np.array([off, 0]) + ZERO).ravel())
        lines += f"{name}/{name}_0001.jpg {numbers}\n"
    text(tmp_path / "sets/lfw/landmarks.txt", lines)
    for name in ("1", "2"):
        picture(tmp_path / "sets/AFW" / f"{name}.jpg", 120, 120)
        pts(tmp_path / "sets/AFW" / f"{name}_1.pts", points=truth + ONE)
    pts(tmp_path / "sets/AFW" / "2_2.pts", points=truth + 50 + ONE)
    given = ("sfn-multi-scale=a.onnx", "mfn-detection-only=b.onnx")
    tables = made("paper-table-2", tmp_path, tmp_path / "sets", variants=given)
    main = tables["paper-table-2"]
    nme = 100 * 2.5 / np.sqrt(size.width_px * size.height_px)
    assert cells(main, "ours, sfn-desktop", "ours NME") == pytest.approx([nme], rel=1e-3)
    assert cells(main, "ours, mfn-desktop", "ours NME") == pytest.approx([nme], rel=1e-3)
    assert cells(main, "(3) Multi-scale SFN", "ours NME") == pytest.approx([nme], rel=1e-3)
    assert cells(main, "(3) Multi-scale SFN", "paper NME") == [1.91]
    # Two of three marked faces are found: 67 of the 101 recalls are reached, all without a false alarm.
    assert cells(main, "(1) MFN (detection only)", "ours AP") == pytest.approx([100 * 67 / 101] * 3)
    assert cells(main, "(1) MFN (detection only)", "ours NME") == [None], "what reads nothing has no landmarks"
    assert cells(main, "ours, sfn-desktop", "ours AP") == [None] * 3
    assert cells(main, "(6) MS-MFN + GT from (3)", "ours") == [None] * 4
    why = {row[1]: row[2] for row in tables["paper-table-2-missing"].rows}
    assert "commedia train mfn-paper'" in why["(6) MS-MFN + GT from (3)"]
    assert "labels by sfn-single-scale" in why["(4) SS-MFN + GT from (2)"]
    assert "not measured: FDDB is not in" in why["FDDB, ours, mfn-desktop"]
    assert "ours, mfn-desktop" not in why
    assert (tmp_path / "out/paper-table-2.png").is_file()


def test_table_3(tmp_path: Path, networks) -> None:
    one = person(60, 60, 50)
    networks(Certain([one]))
    truth, size = points_of(one), tight_box(points_of(one))
    root = tmp_path / "some folder"
    faces = ((1.0, 10), (3.0, -25), (5.0, 45), (8.0, -80))
    for number, (off, yaw) in enumerate(faces):
        picture(root / f"image{number:05d}.jpg", 120, 120)
        file_points = np.vstack([(truth + np.array([0, off]) + ONE).T, np.zeros((1, 68))])
        pose = np.array([[0.3, np.radians(yaw), 0.2, 0, 0, 0, 1e-3]])
        mat(root / f"image{number:05d}.mat", pt3d_68=file_points, Pose_Para=pose)
    np.save(root / REANNOTATED, np.stack([(truth + np.array([0, 2 * off]) + ONE).T for off, _ in faces]))
    tables = made("paper-table-3", tmp_path, root)
    blendshape = 100 / np.sqrt(size.width_px * size.height_px)
    # The mean of the bins 2, 5 and 8; over the faces it would be 4.25.
    found = cells(tables["paper-table-3"], "ours, sfn-desktop", "ours")
    assert found == pytest.approx([blendshape * off for off in (2, 5, 8, 5)], rel=1e-3)
    again = cells(tables["paper-table-3-reannotated"], "ours, sfn-desktop", "ours")
    assert again == pytest.approx([2 * value for value in found], rel=1e-3)
    assert cells(tables["paper-table-3"], "PRN", "paper") == [2.75, 3.51, 4.61, 3.62]
    assert tables["paper-table-3"].goals[0].is_met


def test_table_4(tmp_path: Path, networks) -> None:
    one = person(16, 8, 6)
    reader = networks(Certain([one]))
    truth, size = points_of(one), tight_box(points_of(one))
    diagonal = np.hypot(size.width_px, size.height_px)
    clips = (("114", (0.02, 0.04, 0.2)), ("410", (0.0, 0.0, 0.0)), ("001", (0.5, 0.5, 0.5)))
    for clip, errors in clips:
        video(tmp_path / "300vw" / clip / "vid.avi", frames=3)
        for frame, error in enumerate(errors, 1):
            moved = truth + np.array([error * diagonal, 0]) + ONE
            pts(tmp_path / "300vw" / clip / "annot" / f"{frame:06d}.pts", points=moved)
    tables = made("paper-table-4", tmp_path, tmp_path)
    areas = cells(tables["paper-table-4"], "ours, sfn-desktop", "ours")
    assert areas == [pytest.approx((0.75 + 0.5 + 0) / 3, abs=0.01), None, pytest.approx(1, abs=0.01)]
    detail = tables["paper-table-4-detail"].rows
    assert [row[1:4] for row in detail] == [("category 1", 1, 3), ("category 3", 1, 3)]
    assert [row[5:] for row in detail] == [(pytest.approx(1 / 3), 0), (0, 0)]
    assert len(reader.crops) == 6, "clips for training are not followed"
    assert "no clip of category 2" in str(tables["paper-table-4-missing"].rows)
    drawn = cv2.imread(str(tmp_path / "out/paper-table-4.png"))
    assert drawn is not None


def test_table_5(tmp_path: Path, networks) -> None:
    expression = {"eyeBlinkLeft": 0.8, "eyeBlinkRight": 0.4, "jawLeft": 0.3, "jawRight": 0.9, "browInnerUp": 1.0}
    networks(Certain([person(60, 60, 50, expression)]))
    picture(tmp_path / "a.jpg", 120, 120)
    lines = "a.jpg,eye close,\na.jpg,Eye_Close,eyeBlinkLeft\na.jpg,jaw L/R,jawRight\na.jpg,brow raise,\nb.jpg,kiss,\n"
    text(tmp_path / "expressions.csv", "image,category,blendshape\n" + lines.replace("jaw L/R", "Jaw Left/Right"))
    tables = made("paper-table-5", tmp_path, tmp_path)
    main = tables["paper-table-5"]
    ours = next(row for row in main.rows if row[:2] == ("ours, sfn-desktop", "ours"))
    values = dict(zip(main.columns, ours, strict=True))
    assert values["eye close"] == pytest.approx(((0.2 + 0.6) / 2 + 0.2) / 2)
    assert values["jaw left/right"] == pytest.approx(0.1)
    assert values["brow raise"] == pytest.approx(2 / 3)
    assert np.isnan([values["kiss"], values["mean"]]).all(), "no mean of nine where one is missing"
    assert next(row for row in main.rows if row[:2] == ("(2) Multi-scale SFN", "paper"))[2] == 0.016
    counts = {row[0]: row[1:3] for row in tables["paper-table-5-pictures"].rows}
    assert counts["eye close"] == (185, 2)
    assert any("there is no 'b.jpg'" in note for note in main.notes)


def test_runtime_and_sizes(tmp_path: Path, networks) -> None:
    reader = networks(Certain([person(60, 60, 50)]))
    tables = made("paper-runtime", tmp_path, None, limit=1)
    rows = {row[0]: row for row in tables["paper-runtime"].rows}
    assert list(rows) == list(range(1, 21))
    assert [rows[count][1:3] for count in (1, 2, 5, 10)] == [(49, 39), (None, None), (109, 39), (184, 39)]
    assert all(row[6] == 1 for row in rows.values())
    assert len(reader.crops) == 2 * sum(range(1, 21)), "a run to warm up and one that counts"
    sizes = {row[0]: row for row in tables["paper-runtime-sizes"].rows}
    assert sizes["paper: MFN"][2] == 13.0
    _, count, file_mb, plain_mb, adam_mib, remark = sizes["ours, sfn-desktop"]
    assert count > 1e5
    assert file_mb > 0.1
    assert adam_mib * 2**20 / 1e6 == pytest.approx(3 * plain_mb)
    assert remark == ""
    assert sizes["variant sfn-single-scale"][1] is None


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("rooted", [False, True])
def test_sets_that_are_not_there_are_said_row_by_row(name: str, rooted: bool, tmp_path: Path, networks) -> None:
    networks(Certain([person(60, 60, 50)]))
    tables = made(name, tmp_path, tmp_path / "nowhere" if rooted else None)
    assert not tables[name].goals[0].is_met
    missing = tables[f"{name}-missing"].rows
    assert all("not measured: " in str(row[2]) for row in missing)
    own = next(str(row[2]) for row in missing if "ours, " in str(row[1]))
    assert ("nowhere" if rooted else "--root") in own


def test_the_command_says_by_its_exit_code_that_nothing_was_measured(
    tmp_path: Path, networks, capsys: pytest.CaptureFixture[str]
) -> None:
    networks(Certain([person(60, 60, 50)]))
    assert verb.run("paper-table-3", output=tmp_path / "out", root=tmp_path / "nowhere") == 1
    assert "Traceback" not in capsys.readouterr().out
    page = (tmp_path / "out/paper-table-3.md").read_text()
    assert "not measured: AFLW2000-3D is not in" in page
    assert json.loads((tmp_path / "out/paper-table-3.json").read_text())["tables"][0]["name"] == "paper-table-3"
    assert (tmp_path / "out/paper-table-3.csv").read_text().startswith("method,paper 0-30")
