"""A file appears whole or not at all, and a full disk leaves what was there before."""

import errno
from pathlib import Path

import pytest

from commedia.errors import OutputFailed, SinkClosed
from commedia.files import AtomicFile, GrowingFile, written_aside


class FullDisk:
    """Accepts some bytes, then refuses as a full disk does, also when it is closed."""

    def __init__(self, file, room: int):
        self._file, self._room = file, room

    def write(self, data: bytes) -> int:
        self._room -= len(data)
        if self._room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._file.write(data)

    def close(self) -> None:
        self._file.close()


def fill_disk(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """Let every file opened through `Path.open` for writing run full after `room` bytes."""
    opened = Path.open

    def open_on_full_disk(self: Path, mode: str = "r", *args, **kwargs):
        file = opened(self, mode, *args, **kwargs)
        return FullDisk(file, room) if set(mode) & set("wxa") else file

    monkeypatch.setattr(Path, "open", open_on_full_disk)


def test_nothing_shows_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "result"
    with written_aside(path) as file:
        file.write(b"one")
        assert not path.exists()
        file.write(b"two")
    assert path.read_bytes() == b"onetwo"
    assert list(path.parent.iterdir()) == [path]


def test_an_exception_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "result"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with written_aside(path) as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "result"
    path.write_bytes(b"old")
    fill_disk(monkeypatch, room=10)
    file = AtomicFile(path)
    file.write(b"12345678")
    with pytest.raises(OutputFailed, match=r"cannot write .*result: No space left on device; whatever was"):
        file.write(b"12345678")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "result").mkdir()
    with pytest.raises(OutputFailed, match="cannot write"), written_aside(tmp_path / "result") as file:
        file.write(b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["result"]


def test_a_growing_file_is_there_from_the_beginning_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "new" / "take"
    file = GrowingFile(path)
    for piece in (b"one", b"two"):
        before = path.read_bytes()
        file.write(piece)
        assert path.read_bytes() == before + piece
    file.discard()
    assert path.read_bytes() == b"onetwo"
    assert [one.name for one in path.parent.iterdir()] == ["take"]
    with pytest.raises(SinkClosed):
        file.write(b"three")
    with pytest.raises(OutputFailed, match="exists"):
        GrowingFile(path)
    assert path.read_bytes() == b"onetwo"


def test_a_growing_file_keeps_what_a_full_disk_had_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "take"
    fill_disk(monkeypatch, room=4)
    file = GrowingFile(path)
    file._file.flush = lambda: None
    file.write(b"one")
    with pytest.raises(OutputFailed, match="No space"):
        file.write(b"two")
    assert path.read_bytes() == b"one"
