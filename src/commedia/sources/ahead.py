"""Items made in a thread of their own, a few before they are asked for: decoding, reading and drawing at one time.

The order stays, errors come where the item would have come, and whoever stops early stops the thread. What works is
outside Python's lock most of the time: decoders, networks, drawing.
"""

import contextlib
from collections.abc import Iterable, Iterator
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any, TypeVar

from commedia.sources.source import MediaInfo, Source
from commedia.structures import Frame, TrackedFrame

Item = TypeVar("Item")
AHEAD = 4
"""Items that may wait: enough for a frame that takes long, and little memory."""
AHEAD_BYTES = 64 << 20
"""And no more pictures than this holds, but one."""
WAKE_S = 0.5
"""How long a wait lasts before it begins again: on Windows nothing else lets Ctrl-C in."""


class ReadAhead:
    """A source whose frames are decoded in a thread of their own."""

    def __init__(self, source: Source):
        self.info, self._source = source.info, source

    def __iter__(self) -> Iterator[Frame] | Iterator[TrackedFrame]:
        return ahead(self._source, _pictures_ahead(self.info))


def ahead(items: Iterable[Item], count: int = AHEAD) -> Iterator[Item]:
    """The same items, of which another thread makes up to `count` in advance. Close it to stop before the end."""
    made: Queue[tuple[bool, Any]] = Queue(count)
    stopped = Event()
    worker = Thread(target=_make, args=(items, made, stopped), name="commedia-ahead", daemon=True)
    worker.start()
    try:
        while True:
            more, item = _taken(made)
            if not more:
                if item is not None:
                    raise item
                return
            yield item
    finally:
        stopped.set()
        while worker.is_alive():
            with contextlib.suppress(Empty):
                made.get_nowait()
            worker.join(0.01)


def _make(items: Iterable[Item], made: "Queue[tuple[bool, Any]]", stopped: Event) -> None:
    """Put items until they end or nobody wants more; then whether it was the end, or what went wrong."""
    iterator = iter(items)
    try:
        for item in iterator:
            made.put((True, item))
            if stopped.is_set():
                return
        made.put((False, None))
    except BaseException as error:
        made.put((False, error))
    finally:
        # Whoever waits for somebody else's thread has to say that nobody waits any more.
        getattr(iterator, "close", lambda: None)()


def _taken(made: "Queue[tuple[bool, Any]]") -> tuple[bool, Any]:
    while True:
        with contextlib.suppress(Empty):
            return made.get(timeout=WAKE_S)


def _pictures_ahead(info: MediaInfo) -> int:
    size = max(1, 3 * info.width_px * info.height_px)
    return max(1, min(AHEAD, AHEAD_BYTES // size)) if info.pictures else AHEAD
