"""`commedia export`: the report needs no weights, the rest says what is missing."""

import json
from pathlib import Path

import pytest
import torch

from commedia.cli.main import main
from commedia.networks.paper1.sfn import Sfn, SfnConfig
from commedia.networks.weights import save_weights


def test_the_report_lists_networks_beside_the_paper(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("commedia.networks.report.VARIANTS", {"sfn": SfnConfig()})
    assert main(["export", "--report"]) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if "178,928" in line)
    assert {"sfn", "46", "0.7157", "0.3579", "2.048"} <= set(row.replace("│", " ").split())


def test_what_is_missing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "w.safetensors", "--data", "none"]) == 2
    assert "missing: --name" in capsys.readouterr().err
    assert main(["export", "--name", "sfn"]) == 2
    assert "missing: WEIGHTS" in capsys.readouterr().err


def test_the_card_of_a_mean_names_its_sources(tmp_path: Path) -> None:
    for seed in (0, 1):
        torch.manual_seed(seed)
        save_weights(tmp_path / f"{seed}.safetensors", Sfn(SfnConfig(width_mult=0.25)), {"recipe": "r"})
    files = [str(tmp_path / f"{seed}.safetensors") for seed in (0, 1)]
    assert (
        main(["export", *files, "--shares", ".6", ".4", "--name", "sfn-mean", "--out", str(tmp_path), "--note", "So."])
        == 0
    )
    card = json.loads((tmp_path / "sfn-mean.card.json").read_text())
    assert [(source["name"], source["share"]) for source in card["sources"]] == [
        ("0.safetensors", 0.6),
        ("1.safetensors", 0.4),
    ]
    assert (card["note"], card["recipe"], set(card["files"])) == ("So.", "r", {"sfn-mean.onnx", "sfn-mean.safetensors"})


def test_several_weights_need_shares(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "a.safetensors", "b.safetensors", "--name", "mean"]) == 2
    assert "2 weights files need 2 shares, one each; 0 were given" in capsys.readouterr().err
