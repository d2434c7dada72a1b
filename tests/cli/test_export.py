"""`commedia export`: the report needs no weights, the rest says what is missing."""

import pytest

from commedia.cli.main import main
from commedia.networks.paper1.sfn import SfnConfig


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
