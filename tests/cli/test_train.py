"""`commedia train`: one command from shards to a network with its card; the help names recipes that exist."""

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from commedia.cli.main import main
from commedia.data.shards import write_shard
from commedia.faces.sfn import open_sfn
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


def test_one_command_makes_the_network_and_its_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng, layer = np.random.default_rng(0), MirrorLandmarks()
    shard, out = tmp_path / "s.tar", tmp_path / "out"
    write_shard(shard, (drawn_picture(rng, layer, 1, 160) for _ in range(6)))
    command = ["train", "sfn-smoke", "--shards", str(shard), "--out", str(out), "--accelerator", "cpu", "--quiet"]
    assert main([*command, "--steps", "2", "--learning-rate", "2e-4"]) == 0
    card = json.loads((out / "sfn-smoke.card.json").read_text())
    (stage,) = card["stages"]
    assert stage["shards"] == {"s.tar": sha256(shard.read_bytes()).hexdigest()}
    assert stage["config"]["optimisation"]["learning_rate"] == 2e-4
    assert stage["commit"]
    assert stage["machine"]
    assert (stage["steps"], stage["config"]["network"]["width_mult"]) == (2, 0.25)
    assert card["files"]["sfn-smoke.onnx"]["sha256"] == sha256((out / "sfn-smoke.onnx").read_bytes()).hexdigest()
    open_sfn(str(out / "sfn-smoke.onnx"))
    assert main([*command, "--steps", "3"]) == 2
    assert "--resume" in capsys.readouterr().err
