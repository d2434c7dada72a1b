"""Paper 3's test on scans, on a made-up list: the face that was scanned is no distance away, another is."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from data.datasets.trees import picture
from fakes import fake_params

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.data.datasets.tree import BadAnnotation
from commedia.errors import CommediaError
from commedia.evaluation import entries, paper3_scans
from commedia.evaluation.benchmarks import benchmark
from commedia.evaluation.paper3_scans import LIST_NAME, shape_of
from commedia.evaluation.report import Table
from commedia.evaluation.settings import EvaluationSettings
from commedia.face_model.landmarks import face_box_from_params
from commedia.face_model.model import load_head
from commedia.faces.landmarks import landmarks_of_faces
from commedia.structures import Face, FaceParams

TURN = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
SOMEBODY = np.zeros(IDENTITY_COUNT, np.float32)
SOMEBODY[:6] = (1.0, -1.5, 0.5, 1.2, -0.7, 0.9)
SMILE = np.zeros(EXPRESSION_COUNT, np.float32)
SMILE[[EXPRESSION_INDEX["mouthSmileLeft"], EXPRESSION_INDEX["mouthSmileRight"], EXPRESSION_INDEX["jawOpen"]]] = 0.8


@dataclass
class Knows:
    """Says that every face is this one."""

    identity: np.ndarray
    expression: np.ndarray

    def detect(self, image: np.ndarray) -> list[Face]:
        one = self._params()
        return [Face(face_box_from_params(one), 0.9, one, landmarks_of_faces([one])[0].astype(np.float32))]

    def regress(self, image: np.ndarray, crops: list) -> list[FaceParams]:
        return [self._params() for _ in crops]

    def _params(self) -> FaceParams:
        placed = fake_params(np.array([24.0, 24.0]), 30.0, self.expression)
        return FaceParams(self.identity, self.expression, placed.pose)


def write_scan(folder: Path, name: str, identity: np.ndarray, expression: np.ndarray, unit: float) -> None:
    """A scan in millimetres or metres, turned and shifted, and its marks."""
    shape = shape_of(load_head(), identity, expression)
    placed = [unit * (part @ TURN + [0.1, -0.2, 0.05]) for part in (shape.vertices, shape.marks)]
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in placed[0]]
    lines += [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in shape.triangles]
    (folder / f"{name}.obj").write_text("\n".join(lines) + "\n")
    np.savetxt(folder / f"{name}.txt", placed[1])


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    write_scan(folder, "rest", SOMEBODY, np.zeros_like(SMILE), 1000.0)
    write_scan(folder, "smile", SOMEBODY, SMILE, 1.0)
    for number in range(2):
        picture(folder / "video" / f"{number}.png", 48, 48)
    picture(folder / "one.png", 48, 48)
    lines = ["indoor,rest.obj,video,rest.txt", "FW,smile.obj,one.png,smile.txt", "outdoor,rest.obj,none,rest.txt"]
    (folder / LIST_NAME).write_text("scenario,scan,pictures,marks\n" + "\n".join(lines) + "\n")
    return folder


def made(
    root: Path | None, out: Path, monkeypatch: pytest.MonkeyPatch, identity: np.ndarray, expression: np.ndarray = SMILE
) -> dict[str, Table]:
    reader = Knows(identity, expression)
    monkeypatch.setattr(entries, "open_sfn", lambda *_, **__: reader)
    monkeypatch.setattr(paper3_scans, "open_mfn", lambda *_, **__: reader)
    settings = EvaluationSettings(out, root=root)
    return {table.name: table for table in benchmark("paper3-table-3")(settings, lambda *_: None)}


def test_who_is_known_lies_on_the_scan(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = made(scans, tmp_path, monkeypatch, SOMEBODY)
    row = dict(zip(tables["paper3-table-3"].columns, tables["paper3-table-3"].rows[-1], strict=True))
    # Whatever the scan's unit and place; at rest although the picture smiles, and smiling on the scan that smiles.
    assert row["ours indoor"] < 0.02
    assert row["ours FW"] < 0.05
    assert row["ours cooperative"] is None
    why = {part[1]: part[-1] for part in tables["paper3-table-3-missing"].rows}
    assert "no recording of cooperative, outdoor" in why["ours, sfn-desktop"]
    assert "is no picture and no folder" in " ".join(tables["paper3-table-3"].notes)


def test_another_face_does_not(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = made(scans, tmp_path, monkeypatch, -SOMEBODY, 0 * SMILE)["paper3-table-3"]
    row = dict(zip(table.columns, table.rows[-1], strict=True))
    assert 0.3 < row["ours indoor"] < 10
    assert row["ours FW"] > row["ours indoor"], "points lie farther apart than planes, and the smile is missed"
    cpem = next(dict(zip(table.columns, row, strict=True)) for row in table.rows if row[0] == "CPEM")
    assert (cpem["paper indoor"], cpem["paper FW"]) == (2.09, 2.03)


def test_lists_that_make_no_sense(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = made(None, tmp_path, monkeypatch, SOMEBODY)
    assert "docs/paper3.md says" in tables["paper3-table-3-missing"].rows[0][-1]
    for text, error, words in (
        ("scan,marks\n", BadAnnotation, "scenario,scan,pictures,marks"),
        ("scenario,scan,pictures,marks\nmoon,a.obj,a.png,a.txt\n", BadAnnotation, "unknown scenario 'moon'"),
        ("scenario,scan,pictures,marks\n", CommediaError, "names no recording"),
    ):
        (tmp_path / LIST_NAME).write_text(text)
        with pytest.raises(error, match=words):
            made(tmp_path, tmp_path, monkeypatch, SOMEBODY)
