"""The table of who people are at rest: who knows the truth has no error, and shared errors are told from others."""

from pathlib import Path

import numpy as np
import pytest

from commedia.data.shards import read_shard
from commedia.evaluation import identity
from commedia.evaluation.benchmarks import benchmark
from commedia.evaluation.identity import RestErrors, add, measured, rest_error_mm
from commedia.evaluation.settings import EvaluationSettings
from commedia.face_model.model import load_head
from commedia.face_model.rest_shape import rest_shape
from commedia.faces.identity import IDENTITY_OUTPUTS, IdentityPredictor
from commedia.faces.session import OnnxSession
from commedia.synthetic.shards import generate_shard

HEAD, REST = load_head(), rest_shape(load_head())


def test_errors_that_frames_share_are_told_from_others() -> None:
    chance, errors = np.random.default_rng(0), RestErrors()
    truth, of_person = chance.normal(size=(2, 50))
    for _ in range(3):
        off = 0.6 * of_person + 0.8 * chance.normal(size=(8, 50))
        add(errors, truth + off, truth + off.mean(0), truth, HEAD, REST)
    one, together_mm, shared, sure = measured(errors)
    assert float(str(together_mm)) < float(str(one))
    assert 0.2 < float(str(shared)) < 0.6
    assert sure is None
    assert rest_error_mm(truth, truth, HEAD) == pytest.approx(0, abs=1e-3)


def test_who_knows_the_truth_has_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shard = tmp_path / "people.tar"
    generate_shard(shard, "single", 4, stream="test", seed=3, frames=2)
    known = [np.asarray(sample.faces[0].identity) for sample in read_shard(shard)]

    class Knows:
        def run(self, names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
            one, half = known.pop(0), len(inputs["pixels"]) // 2
            who = np.repeat([one, one * HEAD.identity_mirror], half, axis=0)
            return [who, np.full((2 * half, 50), np.log(1e-4)), np.zeros((2 * half, 52))]

    session = OnnxSession(Knows(), "pixels", IDENTITY_OUTPUTS, 16, {})
    monkeypatch.setattr(identity, "open_identity", lambda **_: IdentityPredictor((session,), HEAD))
    (table,) = benchmark("identity")(EvaluationSettings(tmp_path, shards=(shard,)), lambda *_: None)
    nobody, sfn, network = table.rows
    assert network[1] == 2
    assert max(float(str(cell)) for cell in network[2:4]) < 1e-3
    assert 0.5 < float(str(sfn[2])) < float(str(nobody[2])) + 1
