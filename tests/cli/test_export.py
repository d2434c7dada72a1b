"""`commedia export`: the report needs no weights, the rest says what is missing, and a card names its commit."""

from pathlib import Path

import pytest

from commedia.cli import export as verb
from commedia.cli.main import main
from commedia.evaluation.report import source_commit
from commedia.networks.export import Card


def test_the_report_lists_networks_beside_the_paper(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["export", "--report"]) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if "178,928" in line)
    assert {"sfn", "46", "0.7157", "0.3579", "2.048"} <= set(row.replace("│", " ").split())


def test_what_is_missing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "w.safetensors", "--data", "none"]) == 2
    assert "missing: --name" in capsys.readouterr().err


@pytest.mark.parametrize(("options", "commit"), [(["--commit", "abc123"], "abc123"), ([], None)])
def test_the_card_names_the_commit(
    options: list[str], commit: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cards: list[Card] = []
    monkeypatch.setattr(verb, "export_weights", lambda weights, out, card, batch: cards.append(card) or [])
    arguments = ["w.safetensors", "--name", "n", "--data", "d", "--out", str(tmp_path), *options]
    assert main(["export", *arguments]) == 0
    assert cards[0].commit == (commit or source_commit())
