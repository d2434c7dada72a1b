"""Every writer keeps the law of `files.py`: refused by the disk or left by an exception, it changes nothing."""

import re
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from rigs import params, tracked

from commedia.characters.default_head import default_head_character
from commedia.data.sample import PictureSample
from commedia.data.shards import write_shard
from commedia.errors import CommediaError, OutputFailed
from commedia.evaluation.curves import write_curves as write_error_curves
from commedia.evaluation.report import Origin, Table, write_report
from commedia.files import write_file
from commedia.formats.take import TakeHeader, TakeWriter
from commedia.labelling.predictions import GroupPredictions, _save
from commedia.networks.paper1.sfn import Sfn, SfnConfig
from commedia.networks.weights import save_weights
from commedia.outputs.people import FORMATS, Performance
from commedia.outputs.preview.writer import PreviewSink
from commedia.outputs.sink import Sinks, StreamInfo
from commedia.outputs.spool import TakeSpool
from commedia.retarget.cast import Cast
from commedia.sources.source import MediaInfo
from commedia.structures import Frame, Moment, RigPose, TrackedFrame
from commedia.training.checkpoints import save_checkpoint
from commedia.training.sheets import write_curves, write_picture

GREY = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
PACKAGE = Path(__file__).resolve().parents[1] / "src" / "commedia"


@contextmanager
def full_disk(room: int = 40) -> Iterator[None]:
    """Let the operating system refuse whatever makes a file longer than `room` bytes, whoever writes it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def small_network() -> Sfn:
    return Sfn(SfnConfig(width_mult=0.25))


def checkpoint(path: Path) -> None:
    save_checkpoint(path, {"recipe": "r", "network": small_network().state_dict()})


def take(path: Path) -> None:
    writer = TakeWriter(path, TakeHeader("a", Fraction(25), 64, 64))
    for frame in frames():
        writer.add(frame)
    writer.close()


def preview(path: Path, *, is_still: bool) -> None:
    info = MediaInfo(64, 64, Fraction(25), 1 if is_still else 2, is_still)
    drawn = PreviewSink(path.parent)
    # `Sinks` discards the one that fails.
    sink = Sinks([drawn])
    sink.open(StreamInfo(Path("a"), info, Cast()))
    for frame in frames()[: info.frame_count]:
        sink.send(Moment(Frame(GREY, frame.index, frame.time_s), frame, frame, {}))
    sink.close()
    assert drawn.files == [path]


def frames() -> list[TrackedFrame]:
    return [TrackedFrame(index, Fraction(index, 25), (tracked(params()),)) for index in range(2)]


def predictions(path: Path) -> None:
    none, points = np.zeros(0, np.int64), np.zeros((0, 478, 3), np.float32)
    _save(path, "asked", GroupPredictions(none, points, np.zeros((0, 52), np.float32), none, 0))


WRITERS: dict[str, Callable[[Path], object]] = {
    "plain": lambda path: write_file(path, bytes(100)),
    "shard.tar": lambda path: write_shard(path, [PictureSample(GREY, (), "a", "CC0-1.0", "synthetic")]),
    "sfn.safetensors": lambda path: save_weights(path, small_network(), {}),
    "last.ckpt": checkpoint,
    "predictions.png": lambda path: write_picture(path, GREY),
    "curves.png": lambda path: write_curves(path, ["step", "loss"], [[1.0, 2.0], [2.0, 1.0]]),
    "errors.png": lambda path: write_error_curves(path, {"ours": np.arange(9.0)}, 9.0, "title", "axis"),
    "table.md": lambda path: write_report(path.parent, [Table("table", "A", ("n",), ((1,),))], ORIGIN),
    "read.npz": predictions,
    "take.jsonl": take,
    "preview.jpg": lambda path: preview(path, is_still=True),
    "preview.mp4": lambda path: preview(path, is_still=False),
}
ORIGIN = Origin("machine", "commit", "2026-11-28 12:00 UTC", "0", 0)


def refused(path: Path, write: Callable[[Path], object]) -> None:
    """Write twice: on a full disk, which must change nothing, and with room, which must change the file."""
    path.write_bytes(b"old")
    with pytest.raises(OutputFailed), full_disk():
        write(path)
    assert path.read_bytes() == b"old"
    assert [entry for entry in path.parent.iterdir() if entry.name.startswith(".")] == []
    write(path)
    assert len(path.read_bytes()) > 40


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_the_old_file(name: str, tmp_path: Path) -> None:
    refused(tmp_path / name, WRITERS[name])


@pytest.mark.parametrize("name", FORMATS)
def test_a_full_disk_leaves_a_persons_old_file(name: str, tmp_path: Path) -> None:
    try:
        FORMATS[name].require()
    except CommediaError as error:
        pytest.skip(str(error))
    (tmp_path / "out").mkdir()
    spool, character = TakeSpool(tmp_path / "spool"), default_head_character()
    for frame in frames():
        spool.add(frame)
    pose = RigPose(np.zeros(len(character.rig.morph_names)), *[np.array([1.0, 0, 0, 0])] * 3)
    performance = Performance(spool, 1, character, lambda _: pose, Fraction(25))
    list(spool.params(1))
    stem = tmp_path / "out" / "person-01"
    refused(stem.with_suffix(f".{name}"), lambda _: FORMATS[name].write(performance, stem))


def test_a_shard_whose_samples_end_in_an_exception_leaves_the_old_one(tmp_path: Path) -> None:
    def samples() -> Iterator[PictureSample]:
        yield PictureSample(GREY, (), "a", "CC0-1.0", "synthetic")
        raise KeyboardInterrupt

    path = tmp_path / "shard.tar"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        write_shard(path, samples())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_aside_and_hashing_stand_in_one_file() -> None:
    improvised = re.compile(r"os\.replace|hashlib|\bsha256\(|\.part(ial)?[\".]|aside\.(replace|rename)\(")
    texts = {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    # `.part` is also what a body is made of.
    found = {name for name, text in texts.items() if improvised.search(re.sub(r"\w\.part\.", "", text))}
    assert found == {"files.py"}
