"""The take as a sink: `take.jsonl`, what was measured of everyone in every frame."""

from pathlib import Path

from commedia.formats.take import TakeHeader, TakeWriter
from commedia.outputs.sink import StreamInfo
from commedia.structures import Moment


class TakeSink:
    """Writes a take while it runs."""

    name = "the take"

    def __init__(self, folder: Path, *, growing: bool = False):
        """A `growing` take has its name from the beginning, and keeps it when it is given up."""
        self.files: list[Path] = []
        """The take, once it has its name."""
        self._path, self._growing = folder / "take.jsonl", growing
        self._writer: TakeWriter | None = None

    def open(self, info: StreamInfo) -> None:
        media = info.media
        # The size says whether faces were read: whoever plays the take asks for it.
        size = (media.width_px, media.height_px) if media.is_read else (0, 0)
        person = None if info.cast.person is None else info.cast.person.id
        header = TakeHeader(
            str(info.path),
            media.frame_rate,
            *size,
            head_sha256=info.cast.head.sha256,
            person=person,
            start_day_s=media.start_day_s,
        )
        self._writer = TakeWriter(self._path, header, growing=self._growing)

    def send(self, moment: Moment) -> None:
        assert self._writer is not None
        self._writer.add(moment.tracked)

    def close(self) -> None:
        assert self._writer is not None
        self._writer.close()
        self.files = [self._path]

    def discard(self) -> None:
        if self._writer is not None:
            self._writer.discard()
