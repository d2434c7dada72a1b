"""A recording that pages begin and end while everything goes on: each is a folder of what `retarget` writes."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from pathlib import Path

from commedia.errors import CommediaError
from commedia.outputs.results import ResultFolder, earlier_results
from commedia.outputs.sink import StreamInfo
from commedia.structures import Moment


class Recorder:
    """A sink that writes while it is wanted. What it cannot write is said, and nothing else stops.

    The take grows under its own name: a program that is killed loses nothing of it but a frame. What else there is
    takes its name when the recording ends, in a thread of its own.
    """

    name = "the recording"

    def __init__(self, folder: Path | None, report: Callable[[str], object], *, formats: tuple[str, ...]):
        """With `folder` it records from the first moment, and later recordings stand beside it with numbers; without
        one each gets a folder named after the time below `recordings`."""
        self.changed: Callable[[], object] = lambda: None
        self.folder: Path | None = None
        """Where it records now."""
        self._given, self._report, self._formats = folder, report, formats
        self._wanted, self._closing = folder is not None, []
        self._results: ResultFolder | None = None

    def require_room(self) -> None:
        """Refuse, before anything begins, a folder that holds results already."""
        if self._given is not None and earlier_results(self._given):
            raise CommediaError(f"'{self._given}' holds results of an earlier run; choose another folder to record to")

    def want(self, on: bool) -> None:
        """Begin or end with the next moment; may be called from another thread."""
        self._wanted = on

    def open(self, info: StreamInfo) -> None:
        self._info = info

    def send(self, moment: Moment) -> None:
        if self._wanted and self._results is None:
            self._begin(moment)
        if not self._wanted and self._results is not None:
            self._end()
        if self._results is not None:
            try:
                self._results.send(self._from_its_beginning(moment))
            except (CommediaError, OSError) as error:
                self._give_up(error)

    def close(self) -> None:
        if self._results is not None:
            self._end()
        for thread in self._closing:
            thread.join()

    discard = close

    def _begin(self, moment: Moment) -> None:
        folder = self._next_folder()
        results = ResultFolder(folder, formats=self._formats, preview=None, report=self._report, growing_take=True)
        try:
            results.open(self._info)
        except (CommediaError, OSError) as error:
            self._give_up(error)
            return
        self._results, self.folder = results, folder
        self._first, self._first_s = moment.tracked.index, moment.tracked.time_s
        self.changed()

    def _end(self) -> None:
        results, folder, self._results, self.folder = self._results, self.folder, None, None
        assert results is not None
        thread = threading.Thread(target=self._finish, args=(results, folder), name=f"finish {folder}")
        self._closing = [*(one for one in self._closing if one.is_alive()), thread]
        thread.start()
        self.changed()

    def _finish(self, results: ResultFolder, folder: Path) -> None:
        try:
            results.close()
            names = ", ".join(path.name for path in earlier_results(folder))
            self._report(f"recorded to {folder}: {names}")
        except (CommediaError, OSError) as error:
            self._report(f"the recording failed: {error}")

    def _give_up(self, error: Exception) -> None:
        self._wanted, results, self._results, self.folder = False, self._results, None, None
        if results is not None:
            results.discard()
        self._report(f"the recording failed: {getattr(error, 'strerror', None) or error}")
        self.changed()

    def _from_its_beginning(self, moment: Moment) -> Moment:
        index, time_s = moment.tracked.index - self._first, max(moment.tracked.time_s - self._first_s, Fraction(0))
        tracked = replace(moment.tracked, index=index, time_s=time_s)
        return replace(moment, frame=None, tracked=tracked, acted=replace(moment.acted, index=index, time_s=time_s))

    def _next_folder(self) -> Path:
        base = self._given or Path("recordings") / datetime.now().strftime("%Y-%m-%d %H.%M.%S")
        folder, number = base, 1
        while earlier_results(folder):
            number += 1
            folder = base.with_name(f"{base.name}-{number}")
        return folder
