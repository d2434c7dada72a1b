"""A log keeps every epoch, also where a term of the loss is only asked for from some epoch on."""

from pathlib import Path

from commedia.training.log import read_rows, write_rows


def test_a_term_that_comes_later_has_no_value_before(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    assert read_rows(log) == []
    early, late = {"step": "1", "loss": "3"}, {"step": "2", "exclusive": "0.1", "loss": "2"}
    write_rows(log, [early])
    write_rows(log, [*read_rows(log), late])
    assert read_rows(log) == [early | {"exclusive": ""}, late]
