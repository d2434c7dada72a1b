"""Verbs, exit codes, and errors in one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rigs import small_builder

from commedia.cli import main as command_line
from commedia.cli.main import EXIT_CODES, UNHEARD, VERBS, Verb, main
from commedia.errors import CommediaError


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]):
    assert main(["--help"]) == main([]) == 0
    shown = capsys.readouterr().out
    assert all(verb in shown for verb in VERBS)
    assert all(f"{code}  {meaning}" in shown for code, meaning in EXIT_CODES.items())


def test_every_verb_explains_itself():
    # In a process of its own, where modules are imported as a user's are; one for all, as each would start for seconds.
    program = """
from contextlib import suppress
from commedia.cli.main import VERBS, main
for verb in VERBS:
    with suppress(SystemExit):
        main([verb, "--help"])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [verb for verb in VERBS if f"usage: commedia {verb}" not in done.stdout] == []


def test_an_unknown_verb_names_the_nearest(capsys: pytest.CaptureFixture[str]):
    assert main(["retraget", "a.mp4"]) == 2
    assert "did you mean 'retarget'?" in capsys.readouterr().err


def test_a_missing_extra_names_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setitem(VERBS, "paint", Verb("no_such_package.paint", "nothing", "oil"))
    assert main(["paint"]) == 2
    assert "pip install 'commedia[oil]'" in capsys.readouterr().err
    monkeypatch.setitem(VERBS, "paint", Verb("no_such_package.paint", "nothing"))
    assert main(["paint"]) == 2
    assert "pip install 'commedia'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [(CommediaError("the stage is dark"), 2, "the stage is dark"), (KeyboardInterrupt(), 130, "interrupted")],
)
def test_errors_become_one_sentence_and_a_code(error, code, said, monkeypatch, capsys: pytest.CaptureFixture[str]):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(command_line, "run_verb", fail)
    assert main(["retarget"]) == code
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


def test_a_wrong_option_is_code_2(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as left:
        main(["retarget", "a.mp4", "--outptu", "x"])
    assert left.value.code == 2


def test_the_installed_command_gives_no_traceback():
    done = subprocess.run(
        [sys.executable, "-m", "commedia", "retarget", "no-such.mp4", "-o", "out"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("commedia: there is no file 'no-such.mp4'")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["LONG", "-o", "out"], "File name too long"),
        (["CSV", "-o", "LONG"], "File name too long"),
        (["CSV", "-o", "out", "--character", "LONG"], "File name too long"),
        (["", "-o", "out"], "what follows 'retarget' is empty"),
        (["CSV", "-o", ""], "what follows '-o' is empty"),
        (["CSV", "--output="], "what follows '--output=' is empty"),
        # A value may end as an empty one does.
        (["CSV", "-o", "out", "--mapping=no=such="], "no=such="),
    ],
)
def test_names_that_no_file_can_have_are_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "CSV").write_text("time,jawOpen\n0,0.5\n0.04,0.6\n")
    words = ["x" * 300 if word == "LONG" else word for word in arguments]
    assert main(["retarget", *words, "--no-preview"]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["CSV"]


@pytest.mark.parametrize("verb", ["demo", "evaluate winks"])
def test_an_output_folder_that_is_a_file_is_one_sentence(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "taken").write_text("mine")
    assert main([*verb.split(), "-o", str(tmp_path / "taken")]) == 2
    assert capsys.readouterr().err == f"commedia: '{tmp_path / 'taken'}': File exists\n"
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize(
    "arguments", ["--help", "rig inspect RIG.glb --json", "retarget CSV -o OUT --no-preview --character RIG.glb"]
)
def test_a_reader_that_goes_away_gives_no_traceback(arguments: str, tmp_path: Path):
    """As in `commedia ... | head -0`: the pipe is closed before anything is written."""
    (tmp_path / "RIG.glb").write_bytes(small_builder(("jawOpen",)).to_bytes())
    (tmp_path / "CSV").write_text("time,jawOpen\n0,0.5\n0.04,0.6\n")
    reading, writing = os.pipe()
    os.close(reading)
    words = [str(tmp_path / word) if word[0].isupper() else word for word in arguments.split()]
    command = [sys.executable, "-m", "commedia.cli.main", *words]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (UNHEARD, "")


@pytest.mark.parametrize("arguments", ["rig inspect --help", "rig inspect none.glb", "nothing"])
def test_nobody_who_reads_anything_gives_no_traceback(arguments: str, tmp_path: Path):
    """As in `commedia ... 2>&1 | head -0`, for help and for refusals."""
    reading, writing = os.pipe()
    os.close(reading)
    log = tmp_path / "log"
    program = f"import faulthandler; faulthandler.enable(open({str(log)!r}, 'w'))\n"
    program += "import sys; from commedia.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, *arguments.split()]
    done = subprocess.run(command, stdout=writing, stderr=writing, check=False)
    os.close(writing)
    assert done.returncode == UNHEARD
    assert log.read_text() == ""
