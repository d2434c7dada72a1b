"""The table of the points network: what errors have in common is told from what they have not."""

from pathlib import Path

import numpy as np
import pytest

from commedia.evaluation import points
from commedia.evaluation.benchmarks import benchmark
from commedia.evaluation.points import Errors, alike, measured, shared_by_frames
from commedia.evaluation.settings import EvaluationSettings
from commedia.faces.crop import Crop
from commedia.faces.points import SeenPoints
from commedia.synthetic.shards import generate_shard

PEOPLE = [f"person {row // 6}" for row in range(600)]


def test_independent_errors_have_nothing_in_common() -> None:
    off = np.random.default_rng(0).normal(size=(600, 68, 2))
    assert abs(alike(off[:, :-1], off[:, 1:])) < 0.02
    share = shared_by_frames(off, PEOPLE)
    assert share is not None
    assert abs(share) < 0.02


def test_shares_are_those_that_errors_were_made_of() -> None:
    chance = np.random.default_rng(1)
    every_point = np.sqrt(0.7) * chance.normal(size=(600, 1, 2)) + np.sqrt(0.3) * chance.normal(size=(600, 68, 2))
    assert alike(every_point[:, :-1], every_point[:, 1:]) == pytest.approx(0.7, abs=0.05)
    person = chance.normal(size=(100, 68, 2)).repeat(6, axis=0)
    off = np.sqrt(0.4) * person + np.sqrt(0.6) * chance.normal(size=(600, 68, 2))
    assert shared_by_frames(off, PEOPLE) == pytest.approx(0.4, abs=0.03)
    assert shared_by_frames(off, [""] * 600) is None
    row = measured(Errors(off + 3.0, np.full((600, 68), 2.0), np.full((600, 68), 1.9)), PEOPLE)
    assert row[:2] == (600, 2.0)
    assert row[2] == pytest.approx(np.sqrt(10), rel=0.02)
    assert row[-1] == pytest.approx(1.9)


def test_who_finds_the_truth_has_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shard = tmp_path / "faces.tar"
    generate_shard(shard, "single", 2, stream="test", seed=3)

    class Knows:
        def find(self, image: np.ndarray, crops: list[Crop]) -> SeenPoints:
            assert len(crops) == 1
            return SeenPoints(known.pop(0)[None], np.tile(np.eye(2, dtype=np.float32), (1, 68, 1, 1)))

    known = [sample.faces[0].landmarks_px.astype(np.float32) for sample in points.read_shard(shard)]
    monkeypatch.setattr(points, "open_points", lambda **_: Knows())
    (table,) = benchmark("points")(EvaluationSettings(tmp_path, shards=(shard,)), lambda *_: None)
    ours, theirs, *parts = table.rows
    assert ours[1:4] == (2, 0.0, 0.0)
    assert 0.5 < float(str(theirs[2])) < 10
    assert ours[-1] == 0
    turned = [row[1] for row in parts if "jaw" not in str(row[0]) and "others" not in str(row[0])]
    assert sum(turned) == 2


def test_errors_of_a_part_are_those_of_its_faces_and_points() -> None:
    share = np.arange(3 * 68, dtype=float).reshape(3, 68)
    some = Errors(np.zeros((3, 68, 2)), share).of(np.array([True, False, True]), slice(0, 17))
    np.testing.assert_array_equal(some.share, share[[0, 2], :17])
    assert some.off_mm.shape == (2, 17, 2)
    assert some.weighed is None
