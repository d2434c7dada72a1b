"""The folder of results as a sink: all is made aside, and takes its final name only when everything is complete."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from commedia.errors import CommediaError, IncompleteResults, OutputFailed
from commedia.outputs.attendance import Attendance
from commedia.outputs.people import DEFAULT_FORMATS, FORMATS, PeopleSink, check_formats
from commedia.outputs.preview.page import check_style
from commedia.outputs.preview.writer import PreviewSink
from commedia.outputs.report.page import write_report
from commedia.outputs.report.sink import TraceSink
from commedia.outputs.sink import Sinks, StreamInfo
from commedia.outputs.summary import Summary, summarize
from commedia.outputs.take import TakeSink
from commedia.retarget.cast import Cast
from commedia.sources.source import Source
from commedia.structures import Moment


def is_result(name: str) -> bool:
    """Say whether a file of that name is one this program makes; nothing else in a folder is ever touched."""
    endings = "|".join(FORMATS)
    return bool(
        re.fullmatch(rf"person-\d+\.({endings})|person-\d+-\d+\.(obj|png)|take\.\w+|preview\.\w+|report\.html", name)
    )


class ResultFolder:
    """Each person's files, the take and the preview. When one of them fails, the others are still made."""

    name = "the results"

    def __init__(
        self,
        output: Path,
        *,
        formats: Sequence[str] = DEFAULT_FORMATS,
        preview: str | None = "side",
        overwrite: bool = False,
        report: Callable[[str], object] = lambda failure: None,
        growing_take: bool = False,
    ):
        """`preview` is its style, None for no preview; `report` is told in a sentence what failed, when it does. A
        `growing_take` has its name from the beginning, and is there whatever becomes of the program."""
        self.output, self._formats, self._preview, self._overwrite = output, formats, preview, overwrite
        self._report, self._failures, self._growing_take = report, [], growing_take
        self._aside: Path | None = None
        self._made: list[Path] = []
        self._traces = TraceSink()

    def open(self, info: StreamInfo) -> None:
        """Begin. Raises `OutputFailed` where results of an earlier run stand in the way, or nothing can be written."""
        check_formats(self._formats, is_still=info.media.is_still)
        check_style(self._preview)
        self._earlier = earlier_results(self.output)
        if self._earlier and not self._overwrite:
            some = self._earlier[0].name + (", ..." if len(self._earlier) > 1 else "")
            found = f"'{self.output}' holds results of an earlier run ({some})"
            raise OutputFailed(f"{found}; choose another folder, or pass --overwrite")
        with self._failure():
            self._made = [folder for folder in (self.output, *self.output.parents) if not folder.exists()]
            self.output.mkdir(parents=True, exist_ok=True)
            self._aside = aside = Path(tempfile.mkdtemp(prefix=".commedia-", dir=self.output))
            self._people = PeopleSink(aside, self._formats)
            self._take = TakeSink(self.output, growing=True) if self._growing_take else TakeSink(aside)
            self._drawn = PreviewSink(aside, self._preview or "side")
            shown = [self._drawn, self._traces] if self._preview else []
            self._sinks = Sinks([self._people, self._take, *shown], self._note)
            self._sinks.open(info)

    def send(self, moment: Moment) -> None:
        with self._failure():
            self._sinks.send(moment)

    def close(self) -> None:
        with self._failure():
            self._sinks.close()
            self._publish()
        self._made = []
        self.discard()

    def discard(self) -> None:
        if self._aside is not None:
            self._sinks.discard()
            shutil.rmtree(self._aside, ignore_errors=True)
        for folder in self._made:
            with contextlib.suppress(OSError):
                folder.rmdir()

    def summary(self, source: Source, cast: Cast, seen: Attendance) -> Summary:
        """What was made, known once closed; writes it into the report, too, beside the preview.

        Raises `IncompleteResults`, with the summary, when some of it was not made.
        """
        report = [self.output / "report.html"] if self._preview else []
        more = [*self._take.files, *self._drawn.files, *report]
        found = summarize(source, cast, seen, self.output, self._people.files, more, self._failures)
        try:
            for path in report:
                write_report(path, found.to_json(), self._traces.people)
        except (CommediaError, OSError) as error:
            self._note(f"{self._traces.name} failed: {getattr(error, 'strerror', None) or error}")
            files = tuple(path for path in found.files if path not in report)
            found = replace(found, files=files, notes=(*found.notes, self._failures[-1]))
        if self._failures:
            raise IncompleteResults(self._failures, found)
        return found

    def _publish(self) -> None:
        fresh = sorted(path for path in self._aside.iterdir() if is_result(path.name))
        for path in fresh:
            path.replace(self.output / path.name)
        # A person of the earlier run who is not in this one would look like part of it. After a failure nothing is
        # lost: what was not replaced stays.
        names = {path.name for path in fresh}
        for path in self._earlier if not self._failures else ():
            if path.name not in names:
                path.unlink(missing_ok=True)

    def _note(self, failure: str) -> None:
        # Nobody knows the folder aside.
        self._failures.append(failure.replace(str(self._aside), str(self.output)))
        self._report(self._failures[-1])

    @contextmanager
    def _failure(self) -> Iterator[None]:
        try:
            yield
        except (CommediaError, OSError) as error:
            reason = str(getattr(error, "strerror", None) or error).replace(str(self._aside), str(self.output))
            problem = f"cannot write results to '{self.output}': {reason}"
            raise OutputFailed(f"{problem}; what was there before is untouched") from error


def earlier_results(output: Path) -> list[Path]:
    """The results of an earlier run, by name."""
    if not output.is_dir():
        return []
    return sorted(path for path in output.iterdir() if path.is_file() and is_result(path.name))
