"""`commedia train`: one command from shards to a network with its card; the help names recipes that exist."""

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch

from commedia.cli.main import main
from commedia.data.shards import write_shard
from commedia.faces.sfn import open_sfn
from commedia.networks.export import Parity
from commedia.networks.from_onnx import folded_norms
from commedia.networks.registry import made_up_pictures
from commedia.networks.weights import facts_of_weights, network_from_weights
from commedia.training.recipes import RECIPES
from tests.training.drawings import MirrorLandmarks, drawn_picture


def test_the_help_names_every_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    shown = "".join(capsys.readouterr().out.replace("│", " ").split())
    assert all(name in shown for name in RECIPES)


def test_both_budgets_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "sfn-smoke", "--shards", str(tmp_path), "--out", str(tmp_path)]
    assert main([*command, "--minutes", "1", "--steps", "2"]) == 2
    assert "either --minutes or --steps" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--learning-rate=0", "a learning rate is a positive number, such as 1e-3; 0 was given"),
        ("--learning-rate=-1e-3", "a learning rate is a positive number, such as 1e-3; -0.001 was given"),
        ("--learning-rate=nan", "a learning rate is a positive number, such as 1e-3; nan was given"),
        ("--minutes=-3", "a training's budget is a positive number of minutes or steps; -3 was given"),
        ("--workers=0", "--workers 0 leaves nothing; give a number from 1 up"),
        ("--steps=0", "a training's budget is a positive number of minutes or steps; 0 was given"),
    ],
)
def test_numbers_that_make_no_training_are_one_sentence(
    option: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "sfn-smoke", "--shards", str(tmp_path), "--out", str(tmp_path / "run"), option]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps; the shard is beside its folder."""
    rng, layer = np.random.default_rng(0), MirrorLandmarks()
    out = tmp_path_factory.mktemp("run") / "out"
    write_shard(out.parent / "s.tar", (drawn_picture(rng, layer, 1, 160) for _ in range(6)))
    assert main([*command(out), "--quiet", "--steps", "2", "--learning-rate", "2e-4"]) == 0
    return out


def command(out: Path) -> list[str]:
    return ["train", "sfn-smoke", "--shards", str(out.parent / "s.tar"), "--out", str(out), "--accelerator", "cpu"]


def test_one_command_makes_the_network_and_its_card(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = json.loads((run / "sfn-smoke.card.json").read_text())
    (stage,) = card["stages"]
    assert stage["shards"] == {"s.tar": sha256((run.parent / "s.tar").read_bytes()).hexdigest()}
    assert stage["config"]["optimisation"]["learning_rate"] == 2e-4
    assert stage["commit"]
    assert stage["machine"]
    assert (stage["steps"], stage["config"]["network"]["width_mult"]) == (2, 0.25)
    assert card["files"]["sfn-smoke.onnx"]["sha256"] == sha256((run / "sfn-smoke.onnx").read_bytes()).hexdigest()
    open_sfn(str(run / "sfn-smoke.onnx"))
    assert main([*command(run), "--quiet", "--steps", "3"]) == 2
    assert "--resume" in capsys.readouterr().err


def test_training_goes_on_from_the_graph_it_wrote(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Writing another graph takes many seconds; another test sees that.
    monkeypatch.setattr("commedia.cli.train.export", lambda *given: [Parity("none", 1, 0.0)])
    graph, out = run / "sfn-smoke.onnx", run.parent / "again"
    # Weights do not move in one step at such a rate: what is said changes by what the step's batch is to norms.
    assert main([*command(out), "--steps", "1", "--learning-rate", "1e-9", "--init-from", str(graph)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    before, network = (network_from_weights(folder / "weights.safetensors") for folder in (run, out))
    count = sum(".norm." not in name for name, _ in before.named_parameters())
    assert f"begins with {count} tensors of" in printed
    assert "sfn-smoke.onnx'; untrained: nothing" in printed
    assert folded_norms(network) == []
    with torch.no_grad():
        known, said = (torch.cat([*one(made_up_pictures(8, 128))], 1) for one in (before, network))
    # Norms that began without being measured would move it by nine times the spread.
    assert (known - said).abs().max() < 0.5 * (known - known.mean(0)).abs().max()
    (stage,) = json.loads(facts_of_weights(out / "weights.safetensors")["stages"])
    began = stage["init_from"]
    assert (began["name"], began["sha256"]) == (graph.name, sha256(graph.read_bytes()).hexdigest())
    assert [(one["name"], one["steps"]) for one in began["stages"]] == [("all", 2)]


def test_what_training_cannot_begin_with_is_one_sentence(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (theirs := run.parent / "theirs.onnx").write_text("hello")
    out = run.parent / "never"
    assert main([*command(out), "--steps", "1", "--init-from", str(theirs)]) == 2
    assert "theirs.onnx' is not a readable ONNX file" in capsys.readouterr().err
    assert not out.exists()
