"""A table says the same on screen, as Markdown, as CSV and as JSON, and always where it came from."""

import csv
import hashlib
import io
import json
import math
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from commedia.evaluation import report
from commedia.evaluation.report import Goal, Origin, Table, cell_text, origin_of, show, source_commit, write_report
from commedia.evaluation.settings import EvaluationSettings

ORIGIN = Origin("a machine", "abc123", "2026-11-21 00:00 UTC", "0.1.0", 7, {"net.onnx": "ff" * 32})


def table(**changes) -> Table:
    parts = {
        "name": "faces",
        "title": "Faces | found",
        "columns": ("set", "error"),
        "rows": (("a", 1 / 3), ("b", math.nan), ("c|d", None)),
        "notes": ("Measured twice.",),
        "goals": (Goal("error", 1 / 3, 0.3, at_most=True), Goal("recall", 0.9, 0.9, at_most=False)),
    }
    return Table(**(parts | changes))


def test_goals_are_met_at_their_bound_and_never_by_nothing() -> None:
    assert Goal("", 0.9, 0.9, at_most=False).is_met
    assert not Goal("", 0.89, 0.9, at_most=False).is_met
    assert Goal("", 4.0, 4.0, at_most=True).is_met
    assert not Goal("", math.nan, 1.0, at_most=True).is_met
    assert not Goal("", math.nan, 1.0, at_most=False).is_met


def test_cells_for_people() -> None:
    texts = [cell_text(cell) for cell in (1 / 3, 12345, True, None, math.nan, "x", 0.0)]
    assert texts == ["0.3333", "12345", "yes", "-", "-", "x", "0"]


def test_files_agree(tmp_path: Path) -> None:
    files = write_report(tmp_path, [table(), table(name="more", goals=())], ORIGIN)
    assert {file.name for file in files} == {"faces.csv", "more.csv", "faces.md", "faces.json"}
    rows = list(csv.reader(io.StringIO((tmp_path / "faces.csv").read_text())))
    assert rows[0] == ["set", "error"]
    assert float(rows[1][1]) == 1 / 3, "CSV keeps every digit"
    content = json.loads((tmp_path / "faces.json").read_text())
    assert content["tables"][0]["rows"] == [["a", 1 / 3], ["b", None], ["c|d", None]]
    assert [goal["met"] for goal in content["tables"][0]["goals"]] == [False, True]
    assert content["origin"]["weights"] == {"net.onnx": "ff" * 32}
    page = (tmp_path / "faces.md").read_text()
    for text in ("a machine", "abc123", "seed 7", "net.onnx ffffffffffff", "| a | 0.3333 |", "c\\|d", "NOT met"):
        assert text in page


def test_the_screen_shows_goals_and_notes() -> None:
    screen = io.StringIO()
    show(table(), Console(file=screen, width=100))
    for text in ("Faces | found", "0.3333", "error: 0.3333, goal <= 0.3: NOT met", "0.9: met", "Measured twice."):
        assert text in screen.getvalue()


def test_a_row_of_another_width_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="another width"):
        table(rows=(("a",),))


def test_origin_hashes_the_weights(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"weights")
    origin = origin_of([tmp_path / "net.onnx"], seed=3)
    assert origin.weights == {"net.onnx": hashlib.sha256(b"weights").hexdigest()}
    assert origin.seed == 3
    assert origin.machine
    assert origin.commit


def test_a_repository_that_does_not_track_the_program_is_not_where_it_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = ("git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c")
    for command in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "another program")):
        subprocess.run([*git, *command], check=True)
    (tmp_path / "report.py").touch()
    monkeypatch.setattr(report, "__file__", str(tmp_path / "report.py"))
    assert source_commit() == "unknown"
    for command in (("add", "report.py"), ("commit", "-q", "-m", "this one")):
        subprocess.run([*git, *command], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
    assert source_commit() == head[:12]


def test_a_table_names_the_networks_it_is_made_with(tmp_path: Path) -> None:
    settings = EvaluationSettings(tmp_path)
    assert [path.name for path in settings.weights("parser")] == ["parser-desktop.onnx"]
    assert [path.name for path in settings.weights("synthetic")] == ["sfn-desktop.onnx", "mfn-desktop.onnx"]
