"""What verbs are given to watch: a file, a folder, or an address where motion arrives; and how Ctrl-C ends that."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from commedia.errors import CommediaError
from commedia.formats.address import is_address
from commedia.formats.timecode import rate_from_text
from commedia.sources.live.open import open_receiver
from commedia.sources.live.receiver import ReceiverSource
from commedia.sources.open import open_source
from commedia.sources.paced import PacedSource
from commedia.sources.source import Source


def open_input(text: str, *, rate: str | None = None, seconds: float | None = None) -> Source:
    """A path or an address as a user gives it to a source. `seconds` is for addresses."""
    if seconds is not None and not 0 < seconds < 1e6:
        raise CommediaError(f"--seconds {seconds:g} is no time to play; give a number above 0")
    if not is_address(text):
        return open_source(text, rate=None if rate is None else rate_from_text(rate))
    if rate is not None:
        raise CommediaError("--rate is for recorded motion; what arrives brings its own times")
    source = open_receiver(text, seconds=seconds)
    end = "Ctrl-C ends it" if seconds is None else f"it ends {seconds:g} s after the first packet, or by Ctrl-C"
    print(f"waiting for {source.path}; {end}", file=sys.stderr)
    return source


@contextmanager
def ended_by_interrupt(source: Source) -> Iterator[None]:
    """While this lasts, Ctrl-C ends the frames of a source that has no end, and what they go to is finished.

    A second Ctrl-C interrupts as ever.
    """
    endless = source if isinstance(source, ReceiverSource | PacedSource) else None
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
