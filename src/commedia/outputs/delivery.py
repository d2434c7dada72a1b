"""All results of one take: take file and preview while it runs, a character and a table per person at its end."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from commedia.formats.take import TakeHeader, TakeWriter
from commedia.outputs.heap import give_back_freed_memory
from commedia.outputs.people import DEFAULT_FORMATS, Performance, person_name, write_person
from commedia.outputs.preview.writer import PreviewWriter
from commedia.outputs.spool import Part, TakeSpool
from commedia.outputs.summary import PersonSummary, Summary
from commedia.retarget.cast import Cast
from commedia.sources.source import Source
from commedia.structures import Frame, TrackedFrame

SHORTEST_APPEARANCE_S = Fraction(1, 2)
"""Who is seen for less time in a video stays in the take, and gets no files."""

FRAMES_BETWEEN_TRIMS = 500


class Delivery:
    """Receives a take frame by frame. Use as a context: it completes at the end, and leaves nothing after an error."""

    def __init__(
        self,
        folder: Path,
        source: Source,
        cast: Cast,
        *,
        preview: bool = True,
        formats: Sequence[str] = DEFAULT_FORMATS,
    ):
        info = source.info
        self._formats = formats
        self._folder, self._source, self._cast = folder, source, cast
        self._spool_folder = folder / "spool"
        self._spool_folder.mkdir()
        self._spool = TakeSpool(self._spool_folder)
        header = TakeHeader(str(source.path), info.frame_rate, info.width_px, info.height_px)
        self._take = TakeWriter(folder / "take.jsonl", header)
        self._preview = PreviewWriter(folder, info, cast.character_of) if preview else None
        self._people: list[PersonSummary] = []

    def send(self, frame: Frame | None, tracked: TrackedFrame) -> None:
        """Take in one frame; recorded motion has no picture."""
        if self._spool.frame_count % FRAMES_BETWEEN_TRIMS == FRAMES_BETWEEN_TRIMS - 1:
            give_back_freed_memory()
        self._take.send(tracked)
        acted = self._cast.acted(tracked)
        self._spool.send(acted)
        if self._preview is not None:
            self._preview.send(frame, tracked, self._cast.poses(acted))

    def __enter__(self) -> "Delivery":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        give_back_freed_memory()
        sinks = [self._take, *([] if self._preview is None else [self._preview])]
        for sink in sinks:
            sink.close() if error is None else sink.discard()
        if error is None:
            shortest = min(self._spool.frame_count, self._shortest_frames())
            self._people = [self._person(part, shortest) for _, part in sorted(self._spool.parts.items())]

    def summary(self, output: Path) -> Summary:
        """What was made, with the names it will have in `output`; known once the context is left."""
        files = [*(file for person in self._people for file in person.files), self._take.path]
        files += [] if self._preview is None else [self._preview.path]
        return Summary(
            source=self._source.path,
            output=output,
            frames=self._spool.frame_count,
            duration_s=float(self._spool.duration_s()),
            people=tuple(replace(person, files=_moved(person.files, output)) for person in self._people),
            files=_moved(files, output),
            notes=(*self._source.notes, *self._remarks()),
        )

    def _remarks(self) -> list[str]:
        remarks = []
        if not self._people:
            remarks.append("no face found; every frame is in the take, without anyone")
        short = [str(person.id) for person in self._people if not person.files]
        if short:
            remarks.append(
                f"seen for less than {float(SHORTEST_APPEARANCE_S)} s, so only in the take: person {', '.join(short)}"
            )
        if self._source.info.scale < 1:
            remarks.append(
                f"pictures were reduced to {self._source.info.scale:.3f} of their size; so are pixels in the take"
            )
        return remarks

    def _shortest_frames(self) -> int:
        info = self._source.info
        return 1 if info.is_still else math.ceil(SHORTEST_APPEARANCE_S * info.frame_rate)

    def _person(self, part: Part, shortest: int) -> PersonSummary:
        files: list[Path] = []
        if part.tracked_frames >= shortest:
            character = self._cast.character_for(part.identity, person_name(part.id))
            pose_of = self._cast.retargeter.pose_from_params
            rate, table = self._source.info.frame_rate, self._cast.table
            performance = Performance(self._spool, part.id, character, pose_of, rate, table)
            files = write_person(self._folder, performance, self._formats)
        first_s, last_s = self._spool.time_s(part.first_frame), self._spool.time_s(part.last_frame)
        return PersonSummary(part.id, part.tracked_frames, float(first_s), float(last_s), tuple(files))


def _moved(files: Iterable[Path], folder: Path) -> tuple[Path, ...]:
    return tuple(folder / file.name for file in files)
