"""Where moments go. A `Sink` takes everyone's, frame by frame; a `Writer`, below it, makes one file of one person."""

import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from commedia.errors import CommediaError
from commedia.retarget.cast import Cast
from commedia.sources.source import MediaInfo
from commedia.structures import Moment


@dataclass(frozen=True)
class StreamInfo:
    """What a sink knows before the first moment."""

    path: Path
    """What is watched, as the user named it."""
    media: MediaInfo
    cast: Cast


@runtime_checkable
class Sink(Protocol):
    """Takes the moments of one take in the order of time: a file, a table of people's files, or a stream.

    Whatever goes wrong is a `CommediaError` or an `OSError`; `Sinks` then discards this sink and goes on with others.
    """

    name: str
    """What to call it in a message: `the preview`."""

    def open(self, info: StreamInfo) -> None: ...

    def send(self, moment: Moment) -> None: ...

    def close(self) -> None:
        """Finish: the result appears."""

    def discard(self) -> None:
        """Give up: nothing appears. May be called at any time, also twice and after `close`, which it does not undo."""


class Sinks:
    """Several sinks as one: one that fails is reported once and left out; the error is raised when none is left."""

    name = "the outputs"

    def __init__(self, sinks: Iterable[Sink], report: Callable[[str], object] | None = None):
        """`report` is told of each failure when it happens, in one sentence; by default it is logged."""
        self._going, self._report = list(sinks), report or logging.getLogger(__name__).error

    def open(self, info: StreamInfo) -> None:
        self._each(lambda sink: sink.open(info))

    def send(self, moment: Moment) -> None:
        self._each(lambda sink: sink.send(moment))

    def close(self) -> None:
        self._each(lambda sink: sink.close())

    def discard(self) -> None:
        for sink in self._going:
            with contextlib.suppress(CommediaError, OSError):
                sink.discard()

    def _each(self, act: Callable[[Sink], None]) -> None:
        for sink in tuple(self._going):
            try:
                act(sink)
            except (CommediaError, OSError) as error:
                self._leave_out(sink, error)
                if not self._going:
                    raise

    def _leave_out(self, sink: Sink, error: Exception) -> None:
        with contextlib.suppress(CommediaError, OSError):
            sink.discard()
        self._going.remove(sink)
        self._report(f"{sink.name} failed: {getattr(error, 'strerror', None) or error}")


@runtime_checkable
class Writer(Protocol):
    """Makes one file of one person's motion; unlike a `Sink` it takes only what its format holds, a face or a pose."""

    path: Path

    def add(self, time_s: Fraction, what: Any, /) -> None: ...
    def close(self) -> None: ...
    def discard(self) -> None: ...


def write_all(writer: Writer, moments: Iterable[tuple[Fraction, Any]]) -> Path:
    """Write every key and close; after an error nothing is left. Returns the writer's path."""
    try:
        for time_s, what in moments:
            writer.add(time_s, what)
    except BaseException:
        writer.discard()
        raise
    writer.close()
    return writer.path
