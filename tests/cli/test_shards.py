"""`commedia shards`: published data sets in, shards out; what is left out is said, what is no data set is refused."""

from pathlib import Path

import pytest

from commedia.cli.main import main
from commedia.data.shards import read_shard
from tests.data.datasets.trees import TREES


def test_a_data_set_becomes_shards_of_the_size_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    TREES["cpem"][0](tmp_path / "set")
    assert main(["shards", f"cpem:{tmp_path / 'set'}", "--out", str(tmp_path / "out"), "--shard-size", "1"]) == 0
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["cpem-000.tar", "cpem-001.tar"]
    (sample,) = read_shard(tmp_path / "out" / "cpem-000.tar")
    assert sample.faces[0].identity_name == "id1"
    assert sample.clip == "id1/clip"
    assert sample.mask is not None
    assert "cpem: 2 pictures" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [("/somewhere", "not NAME:DIR"), ("cpme:/somewhere", "did you mean 'cpem'"), ("lfw:{set}", "no picture of")],
)
def test_what_gives_no_sample_is_one_sentence(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    TREES["lfw"][0](tmp_path / "set")
    assert main(["shards", text.format(set=tmp_path / "set"), "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to read: give NAME:DIR"),
        (["lfw:set", "--shard-size", "0"], "--shard-size 0 leaves nothing; give a number from 1 up"),
        (["lfw:set", "--max-side", "-3"], "--max-side -3 leaves nothing; give a number from 1 up"),
    ],
)
def test_what_can_give_no_shard_is_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["shards", *arguments, "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_filters_are_the_papers_and_can_be_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    TREES["wider-face"][0](tmp_path / "set")
    command = ["shards", f"wider-face:{tmp_path / 'set'}", "--out", str(tmp_path / "out")]
    assert main(command) == 0
    assert main([*command, "--most-faces", "0"]) == 0
    assert "more than 0 faces" in capsys.readouterr().out
    assert all(not sample.faces for sample in read_shard(tmp_path / "out" / "wider-face-000.tar"))
