"""Recording while everything goes on: begun and ended by a page, and there even when the program is killed."""

import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from faces_to_send import face_params, frame_of, tracked
from served import small_character
from streams_world import info

from commedia.characters.gltf import read_character
from commedia.errors import CommediaError
from commedia.formats.take import TakeReader
from commedia.outputs.live.recorder import Recorder
from commedia.outputs.sink import StreamInfo
from commedia.retarget.cast import Cast
from commedia.structures import Moment

TESTS = Path(__file__).resolve().parents[2]


def small_info(folder: Path) -> StreamInfo:
    return info(Cast(read_character(small_character(folder))))


def moment(number: int) -> Moment:
    seen = frame_of(Fraction(number, 30), [tracked(face_params(jawOpen=number % 10 / 10), 2)], number)
    return Moment(None, seen, seen, {})


def test_two_recordings_of_one_session_stand_side_by_side(tmp_path: Path) -> None:
    said: list[str] = []
    recorder = Recorder(tmp_path / "evening", said.append, formats=("csv",))
    recorder.open(small_info(tmp_path))
    for number in range(90):
        recorder.want(number < 30 or number >= 50)
        recorder.send(moment(number))
    recorder.close()
    for name, frames in (("evening", 30), ("evening-2", 40)):
        take = list(TakeReader(tmp_path / name / "take.jsonl"))
        assert [frame.index for frame in take] == list(range(frames))
        assert [frame.time_s for frame in take] == [Fraction(index, 30) for index in range(frames)]
        rows = (tmp_path / name / "person-02.csv").read_text().splitlines()
        assert len(rows) >= frames
        assert sorted(path.name for path in (tmp_path / name).iterdir()) == ["person-02.csv", "take.jsonl"]
    assert sorted(sentence.split(":")[0] for sentence in said) == [f"recorded to {tmp_path / name}" for name in
                                                                  ("evening", "evening-2")]  # fmt: skip


def test_nothing_is_written_that_nobody_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recorder = Recorder(None, print, formats=("csv",))
    recorder.open(small_info(tmp_path))
    recorder.send(moment(1))
    assert [path.name for path in tmp_path.iterdir()] == ["small.glb"]
    recorder.want(True)
    for number in range(2, 40):
        recorder.send(moment(number))
    recorder.close()
    (folder,) = (tmp_path / "recordings").iterdir()
    assert len(list(TakeReader(folder / "take.jsonl"))) == 38


def test_results_of_an_earlier_run_are_refused_before_anything_begins(tmp_path: Path) -> None:
    (tmp_path / "take.jsonl").write_text("of yesterday")
    with pytest.raises(CommediaError, match="earlier run"):
        Recorder(tmp_path, print, formats=("csv",)).require_room()


def test_a_folder_that_cannot_be_written_is_said_once_and_nothing_stops(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    said: list[str] = []
    recorder = Recorder(tmp_path / "file" / "deeper", said.append, formats=("csv",))
    recorder.open(small_info(tmp_path))
    for number in range(5):
        recorder.send(moment(number))
    recorder.close()
    assert len(said) == 1
    assert "the recording failed" in said[0]


ENDLESS = """
import sys, time
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from test_recorder import Recorder, moment, small_info
recorder = Recorder(Path(sys.argv[1]) / "show", print, formats=("csv",))
recorder.open(small_info(Path(sys.argv[1])))
number = 0
while True:
    recorder.send(moment(number))
    print(number, flush=True)
    number += 1
"""


def test_kill_9_loses_no_more_than_a_frame(tmp_path: Path) -> None:
    folders = [str(TESTS), str(TESTS / "outputs" / "live")]
    command = [sys.executable, "-c", ENDLESS, str(tmp_path), *folders]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        last = next(int(line) for line in running.stdout if int(line) >= 100)
        running.send_signal(signal.SIGKILL)
        last = max([last, *map(int, running.stdout.read().split())])
    frames = list(TakeReader(tmp_path / "show" / "take.jsonl"))
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert last <= frames[-1].index <= last + 1
