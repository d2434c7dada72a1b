"""The table of paper 3's constraints: numbers worked by hand, people told apart, and what is missing said."""

import json
from dataclasses import replace
from pathlib import Path
from time import process_time

import numpy as np
import pytest

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.data.sample import FaceSample, PictureSample, full_weight
from commedia.data.shards import write_shard
from commedia.errors import BadShard, CommediaError
from commedia.evaluation.paper3_constraints import (
    COLUMNS,
    People,
    costs_table,
    identity_drift,
    measured,
    milliseconds,
    paper3_constraints,
    read_people,
)
from commedia.evaluation.settings import EvaluationSettings
from commedia.faces.weights import WEIGHTS_FOLDER
from commedia.structures import Box, FaceParams, HeadPose


def column(row: tuple[float, ...], name: str) -> float:
    return row[COLUMNS.index(name) - 1]


def people(identity: np.ndarray, expression: np.ndarray | None = None) -> People:
    rows = len(identity)
    expression = np.zeros((rows, EXPRESSION_COUNT)) if expression is None else expression
    return People(np.arange(rows) // 2, identity, expression)


def test_drift_by_hand() -> None:
    # Two people, two frames each, two components: drifts of (1, 0) and (0, 3); first frames (4, 2) apart.
    said = people(np.array([[0.0, 0.0], [1.0, 0.0], [4.0, 2.0], [4.0, 5.0]]))
    assert identity_drift(said) == (1.0, 3.0)


def test_a_perfect_reading_scores_perfectly() -> None:
    rng = np.random.default_rng(0)
    expression = np.where(rng.random((60, EXPRESSION_COUNT)) < 0.3, rng.uniform(0.6, 1, (60, EXPRESSION_COUNT)), 0)
    expression[:, EXPRESSION_INDEX["jawLeft"]] = 0
    identity = rng.normal(size=(30, IDENTITY_COUNT)).repeat(2, axis=0)
    truth = people(identity, expression)
    row = measured(truth, truth)
    assert column(row, "identity drift") == column(row, "expression error") == column(row, "at rest") == 0
    assert column(row, "identity correlation") == pytest.approx(1)
    assert column(row, "AUC") == pytest.approx(1)
    said = replace(truth, expression=0.5 * expression, identity=np.ones_like(identity))
    row = measured(said, truth)
    assert column(row, "active error") == pytest.approx(expression[expression > 0.5].mean() / 2)
    assert (column(row, "identity correlation"), column(row, "drift / between")) == (0, 0)


class Reader:
    """Says of a face what colour its picture has."""

    def regress(self, image, crops):
        shade = np.float32(image[0, 0, 0])
        pose = HeadPose(np.array([1, 0, 0, 0], np.float32), np.zeros(2, np.float32), 100.0)
        return [FaceParams(np.full(IDENTITY_COUNT, shade), np.zeros(EXPRESSION_COUNT, np.float32), pose) for _ in crops]


def shard(folder: Path, names: list[str | None]) -> Path:
    rng, pictures = np.random.default_rng(0), []
    for number, name in enumerate(names):
        face = FaceSample(
            Box(10.0, 10.0, 54.0, 54.0), rng.uniform(10, 54, (68, 2)).astype(np.float32), "synthetic",
            HeadPose(np.array([1, 0, 0, 0], np.float32), np.zeros(2, np.float32), 300.0),
            np.full(IDENTITY_COUNT, number, np.float32), np.zeros(EXPRESSION_COUNT, np.float32), full_weight(), name,
        )  # fmt: skip
        image = np.full((64, 64, 3), 10 * number, np.uint8)
        pictures.append(PictureSample(image, (face,), f"s/{number}", "none", "synthetic"))
    write_shard(folder / "people.tar", pictures)
    return folder / "people.tar"


def test_frames_are_told_apart_by_person(tmp_path: Path) -> None:
    path = shard(tmp_path, ["b", "a", "b", "alone", None, "a"])
    truth, read = read_people({"grey": Reader()}, [path], None, lambda *_: None)
    assert truth.person.tolist() == [1, 0, 1, 0]
    assert truth.identity[:, 0].tolist() == [0, 1, 2, 5]
    np.testing.assert_allclose(read["grey"].identity[:, 0], [0, 10, 20, 50], atol=2)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommediaError, match="--shards"):
        paper3_constraints(EvaluationSettings(tmp_path), lambda *_: None)
    path = shard(tmp_path, ["a", "b", None])
    with pytest.raises(BadShard, match="two frames"):
        read_people({"grey": Reader()}, [path], None, lambda *_: None)
    with pytest.raises(CommediaError, match="NAME=FILE"):
        paper3_constraints(EvaluationSettings(tmp_path, shards=(path,), variants=("x",)), lambda *_: None)


class SlowReader(Reader):
    """The same, after ten milliseconds of work."""

    def regress(self, image, crops):
        end = process_time() + 0.01
        while process_time() < end:
            pass
        return super().regress(image, crops)


def test_networks_are_timed_and_weighed(tmp_path: Path) -> None:
    times = milliseconds({"grey": Reader(), "slow": SlowReader()}, shard(tmp_path, ["a", "a", "b"]))
    assert times["slow"] > 10 > times["grey"] > 0
    (row,) = costs_table({"mine": "sfn-mobile"}, {"mine": 2.5}).rows
    card = json.loads((WEIGHTS_FOLDER / "sfn-mobile.card.json").read_text())
    assert row == ("mine", card["parameters"], card["files"]["sfn-mobile.onnx"]["bytes"] / 1e6, 2.5)
