"""One run, many sinks: what a stream needs, and what happens to the others when one fails."""

import json
import socket
from pathlib import Path

import pytest
from rigs import small_builder
from stage import CLIP_FRAMES, film, models_for, two_people

from commedia.conventions import EXPRESSION_INDEX
from commedia.errors import IncompleteResults, OutputFailed
from commedia.formats.take import TakeReader
from commedia.outputs.preview.writer import PreviewSink
from commedia.outputs.sink import Sink, Sinks, StreamInfo
from commedia.outputs.take import TakeSink
from commedia.pipeline import retarget, run
from commedia.retarget.cast import Cast
from commedia.retarget.performance_edit import PerformanceEdit
from commedia.sources.open import open_source
from commedia.structures import Moment
from commedia.tracking.tracker import Tracker

JAW = EXPRESSION_INDEX["jawOpen"]


class JawStream:
    """A stream: how far every jaw is open, as JSON in one datagram per frame."""

    name = "the jaw stream"

    def __init__(self, address: tuple[str, int]):
        self.address = address

    def open(self, info: StreamInfo) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, moment: Moment) -> None:
        jaws = {face.id: float(face.params.expression[JAW]) for face in moment.acted.faces}
        self.socket.sendto(json.dumps(jaws).encode(), self.address)

    def close(self) -> None:
        self.socket.close()

    discard = close


class Failing:
    """Fails when it is told to: in `open`, at a frame, or in `close`."""

    name = "the failing sink"

    def __init__(self, when: str | int):
        self.when, self.calls = when, []

    def _call(self, what: str | int) -> None:
        self.calls.append(what)
        if what == self.when:
            raise OutputFailed("the cable is out") if what == "close" else OSError(5, "Input/output error")

    def open(self, info: StreamInfo) -> None:
        self._call("open")

    def send(self, moment: Moment) -> None:
        self._call(moment.tracked.index)

    def close(self) -> None:
        self._call("close")

    def discard(self) -> None:
        self.calls.append("discard")


def play(folder: Path, sinks: Sink | list[Sink], frames: int = CLIP_FRAMES):
    world, as_read = two_people(), PerformanceEdit(strength=1.0)
    with open_source(film(world, folder / "clip.mp4", frames)) as source:
        return run(source, Tracker(models_for(world)), Cast(edit=as_read), sinks)


def jaws_of(take: Path) -> list[dict[str, float]]:
    return [{str(face.id): face.params.expression[JAW] for face in frame.faces} for frame in TakeReader(take)]


def test_a_stream_and_a_take_hear_the_same(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        seen = play(tmp_path, [JawStream(listener.getsockname()), TakeSink(tmp_path)])
        heard = [json.loads(listener.recv(4096)) for _ in range(CLIP_FRAMES)]
    assert (seen.frames, sorted(seen.people)) == (CLIP_FRAMES, [1, 2])
    assert max(jaws.get("1", 0) for jaws in heard) > 0.9
    for jaws, written in zip(heard, jaws_of(tmp_path / "take.jsonl"), strict=True):
        assert jaws == pytest.approx(written, abs=1e-5)


@pytest.mark.parametrize("when", ["open", 0, 7, "close"])
def test_one_that_fails_is_left_out_once_and_the_other_is_complete(when: str | int, tmp_path: Path) -> None:
    failing, said = Failing(when), []
    play(tmp_path, Sinks([failing, TakeSink(tmp_path)], said.append))
    assert len(list(TakeReader(tmp_path / "take.jsonl"))) == CLIP_FRAMES
    reason = "the cable is out" if when == "close" else "Input/output error"
    assert said == [f"the failing sink failed: {reason}"]
    assert failing.calls[-2:] == [when, "discard"]
    assert failing.calls.count("discard") == 1


def test_when_none_is_left_the_run_ends_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, second = Failing(2), Failing(5)
    with pytest.raises(OSError, match="Input/output error"):
        play(tmp_path, [first, second])
    assert caplog.messages == ["the failing sink failed: Input/output error"] * 2
    assert first.calls == ["open", 0, 1, 2, "discard"]
    assert second.calls == ["open", 0, 1, 2, 3, 4, 5, "discard"]


def test_a_source_that_fails_leaves_nothing_of_any_sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cast, "poses", lambda *_: {}[0])
    other = Failing("never")
    (tmp_path / "out").mkdir()
    with pytest.raises(KeyError):
        play(tmp_path, Sinks([TakeSink(tmp_path / "out"), other]))
    assert other.calls == ["open", "discard"]
    assert list((tmp_path / "out").iterdir()) == []


def out_of_disk(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("broken", "named", "kept"),
    [
        ("preview.writer.PreviewSink.send", "the preview failed: No space", {"person-01.csv", "person-01.glb"}),
        ("preview.writer.PreviewSink.close", "the preview failed: No space", {"person-01.csv", "person-01.glb"}),
        ("people.ClipWriter", "person-01 as glb: No space", {"person-01.csv", "preview.mp4"}),
        ("spool.TakeSpool.add", "a person's files failed: No space", {"preview.mp4"}),
    ],
)
def test_of_results_the_others_are_kept(
    broken: str, named: str, kept: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of an earlier run is lost, nothing is half-written, and the failure is said at once and at the end."""
    world, out, said = two_people(), tmp_path / "out", []
    clip = film(world, tmp_path / "clip.mp4", 6)
    out.mkdir()
    for name in ("person-01.csv", "person-01.glb", "preview.mp4", "person-07.glb"):
        (out / name).write_text("earlier")
    hero = tmp_path / "hero.glb"
    hero.write_bytes(small_builder(("jawOpen",)).to_bytes())
    monkeypatch.setattr(f"commedia.outputs.{broken}", out_of_disk)
    with pytest.raises(IncompleteResults, match=named) as caught:
        retarget(clip, out, character=hero, models=models_for(world), overwrite=True, report=said.append)
    fresh = {"take.jsonl", "report.html", *kept}
    assert {path.name for path in out.iterdir() if path.read_bytes() != b"earlier"} == fresh
    assert {path.name for path in caught.value.summary.files} == fresh
    assert (out / "person-07.glb").is_file()
    assert [person.id for person in caught.value.summary.people] == [1]
    assert len(said) == 1
    assert named in said[0]
    assert said[0] in caught.value.summary.notes
    assert ".commedia-" not in str(caught.value)


def test_when_all_results_fail_nothing_is_left_and_the_last_reason_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People's files fail when the take is over, and are then the last to go."""
    world, said = two_people(), []
    clip = film(world, tmp_path / "clip.mp4", 6)
    for what in ("people.ClipWriter", "take.TakeWriter.add"):
        monkeypatch.setattr(f"commedia.outputs.{what}", out_of_disk)
    options = {"formats": ["glb"], "preview": False, "models": models_for(world), "report": said.append}
    with pytest.raises(
        OutputFailed, match=r"cannot write results to '.*out': person-01 as glb: No space left.*untouched"
    ):
        retarget(clip, tmp_path / "out", **options)
    assert [sentence.split(" failed: ")[0] for sentence in said] == ["the take", "a person's files"]
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_every_file_sink_may_be_discarded_at_any_time(tmp_path: Path) -> None:
    for make in (TakeSink, PreviewSink):
        sink = make(tmp_path)
        sink.discard()
        sink.discard()
    assert list(tmp_path.iterdir()) == []
