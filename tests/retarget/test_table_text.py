"""A written table reads back as what was meant, whatever the names are."""

from pathlib import Path

import pytest

from commedia.conventions import plain_morph
from commedia.retarget.limits import Limit
from commedia.retarget.table_text import Row, table_text
from commedia.retarget.tables import load_mapping_file

NAMES = ("shape_01", 'say "a"', "back\\slash", "あ", "▲", "□", "tab\there", "del\x7f", "two\nlines", "eyeBlink.L")


def test_every_name_comes_back(tmp_path: Path):
    rows = [Row(name, {"jawOpen": 0.25 + number, "eyeBlinkLeft": 1.0}) for number, name in enumerate(NAMES)]
    path = tmp_path / "table.toml"
    path.write_text(table_text('a "name"', rows, ["left alone:\nnothing\x00"]), encoding="utf-8")
    found = load_mapping_file(path)
    assert found.name == 'a "name"'
    assert found.morphs == {plain_morph(row.morph): row.gains for row in rows}


def test_clamps_notes_and_nothing(tmp_path: Path):
    rows = [Row("blink", {"eyeBlinkLeft": 1.4}, (0.0, 1.4), "a note = # here"), Row("jawOpen", {}, note="nothing")]
    path = tmp_path / "table.toml"
    path.write_text(table_text("mine", rows), encoding="utf-8")
    found = load_mapping_file(path)
    assert found.clamp == {"blink": (0.0, 1.4)}
    # Empty and there: a name that would be known is driven by nothing.
    assert found.morphs == {"blink": {"eyeBlinkLeft": 1.4}, "jawopen": {}}


def test_names_that_are_one_to_a_table_have_one_line(tmp_path: Path):
    path = tmp_path / "table.toml"
    path.write_text(table_text("mine", [Row("Smile_1", {"jawOpen": 1.0}), Row("smile1", {})]), encoding="utf-8")
    assert load_mapping_file(path).morphs == {"smile1": {"jawOpen": 1.0}}


@pytest.mark.parametrize("sign", ["▲", "□", "ω"])
def test_signs_are_names_too(sign: str):
    assert plain_morph(sign) not in ("", plain_morph("▽"))


def test_limits_come_back(tmp_path: Path):
    path = tmp_path / "table.toml"
    limits = [Limit({"Mund zu": 1.0, "jawOpen": -0.9}, 0.0), Limit({"▲": 0.5}, 1.2)]
    path.write_text(table_text("mine", [Row("Mund zu", {}), Row("▲", {})], limits=limits), encoding="utf-8")
    assert load_mapping_file(path).limits == (Limit({"mundzu": 1.0, "jawopen": -0.9}, 0.0), Limit({"▲": 0.5}, 1.2))
