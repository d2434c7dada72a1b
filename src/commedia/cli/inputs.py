"""What verbs are given to watch: a file, a folder, a camera, or an address where motion arrives; a file in real time;
how Ctrl-C ends it."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from commedia.errors import CommediaError
from commedia.formats.address import is_address
from commedia.formats.timecode import rate_from_text
from commedia.sources.folder import FolderSource
from commedia.sources.live.cameras import is_camera, open_camera
from commedia.sources.live.newest import NewestSource
from commedia.sources.live.open import open_receiver
from commedia.sources.live.receiver import ReceiverSource
from commedia.sources.open import open_source
from commedia.sources.paced import PacedSource
from commedia.sources.recorded.take_folder import take_folder
from commedia.sources.source import Source

Playing = NewestSource | ReceiverSource | PacedSource
"""A source in real time."""


def say(sentence: str) -> None:
    """Print a sentence where it is in nobody's way."""
    print(f"commedia: {sentence}", file=sys.stderr)


def open_input(
    text: str,
    *,
    rate: str | None = None,
    angles: str | None = None,
    seconds: float | None = None,
    whole_folder: bool = False,
    report: Callable[[str], object] = say,
) -> Source:
    """A path or an address as a user gives it to a source. `seconds` is for addresses; `report` is told when a camera
    is lost and when it is back; `whole_folder` takes a folder with its videos and motion."""
    if seconds is not None and not 0 < seconds < 1e6:
        raise CommediaError(f"--seconds {seconds:g} is no time to play; give a number above 0")
    if not is_address(text) and not is_camera(text):
        if whole_folder and Path(text).is_dir() and take_folder(Path(text)) is None:
            return FolderSource(Path(text), only_pictures=False)
        return open_source(text, rate=None if rate is None else rate_from_text(rate), angles=angles)
    if rate is not None or angles is not None:
        raise CommediaError("--rate and --angles are for recorded motion; what arrives is read by its protocol")
    if is_camera(text):
        source, what, first = open_camera(text, seconds=seconds, report=report), "watching", "picture"
    else:
        source, what, first = open_receiver(text, seconds=seconds), "waiting for", "packet"
    end = "Ctrl-C ends it" if seconds is None else f"it ends {seconds:g} s after the first {first}, or by Ctrl-C"
    print(f"{what} {source.path}; {end}", file=sys.stderr)
    return source


def in_real_time(source: Source, loop: bool, seconds: float | None) -> Playing:
    """What comes now as it is, a file as a camera would show it; recorded motion needs no network, and keeps up."""
    if isinstance(source, NewestSource | ReceiverSource):
        return source
    paced = PacedSource(source, loop=loop, seconds=seconds)
    return NewestSource(paced) if source.info.pictures else paced


@contextmanager
def ended_by_interrupt(source: Source) -> Iterator[None]:
    """While this lasts, Ctrl-C ends the frames of a source that has no end, and what they go to is finished.

    A second Ctrl-C interrupts as ever.
    """
    endless = source if isinstance(source, ReceiverSource | NewestSource | PacedSource) else None
    if endless is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def end(*_: object) -> None:
        endless.stop()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
