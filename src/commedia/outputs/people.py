"""Everyone's files as a sink: when the take is over, each person becomes one or more files per format.

`FORMATS` is the whole choice: a name, and the function that writes it. A format that stores times keeps those of the
source; one that stores only a rate is resampled to it.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from commedia.characters.character import Character
from commedia.characters.posing import pose_character
from commedia.errors import CommediaError, OutputFailed, SinkClosed, UnknownName
from commedia.face_model.model import Pivots
from commedia.formats.livelink_csv import DEFAULT_RATE, LiveLinkCsvWriter
from commedia.formats.timecode import usual_rate
from commedia.outputs.absence import NEUTRAL, filled, without_rest
from commedia.outputs.files.bvh import BvhWriter
from commedia.outputs.files.gltf_animation import ClipWriter
from commedia.outputs.files.point_cache import PointCacheWriter
from commedia.outputs.files.resampling import resampled
from commedia.outputs.files.usd import UsdWriter
from commedia.outputs.files.usd_rig import load_usd
from commedia.outputs.files.vrma import VrmaWriter
from commedia.outputs.files.wavefront import ObjWriter, write_obj
from commedia.outputs.sink import StreamInfo, write_all
from commedia.outputs.spool import TakeSpool
from commedia.retarget.cast import person_name
from commedia.retarget.mapping import MorphMap
from commedia.sources.source import MediaInfo
from commedia.structures import FaceParams, Moment, RigPose

DEFAULT_FORMATS = ("glb", "csv")
SHORTEST_APPEARANCE_S = Fraction(1, 2)
"""Who is seen for less time in a video stays in the take, and gets no files."""


@dataclass(frozen=True)
class Performance:
    """What one person did in a take, and the character that does it again."""

    spool: TakeSpool
    person: int
    character: Character
    pose_of: Callable[[FaceParams], RigPose]
    rate: Fraction
    """Nominal frames per second of the source."""
    start_day_s: Fraction | None = None
    """Time of day of the source's first frame, as its own timecode shows it."""
    table: MorphMap | None = None
    """By what the character plays, where somebody chose it; for files that hold no morphs."""
    pivots: Pivots | None = None
    """About what head and eyes turn, where a skeleton is made for them; None is the default head's."""

    def frames(self) -> Iterator[tuple[Fraction, FaceParams]]:
        """Every frame of the source, `filled` where the person does not appear: row n always belongs to frame n."""
        return filled(_every_frame(self.spool, self.person))

    def keys(self) -> Iterator[tuple[Fraction, FaceParams]]:
        """The same without the frames amid a rest, of which only the ends are needed: all clips are equally long."""
        return without_rest(self.frames())

    def samples(self) -> Iterator[tuple[Fraction, FaceParams]]:
        """The motion at `fixed_rate`, from 0 to the end of the take."""
        return resampled(self.frames(), fixed_rate(self.rate))

    def poses(self, moments: Iterable[tuple[Fraction, FaceParams]]) -> Iterator[tuple[Fraction, RigPose]]:
        """The same moments as poses of the character."""
        return ((time_s, self.pose_of(params)) for time_s, params in moments)


@dataclass(frozen=True)
class Format:
    """A kind of file that a person can become."""

    write: Callable[[Performance, Path], list[Path]]
    """Takes the files' path without its ending, such as `out/person-01`; returns what it wrote."""
    require: Callable[[], object] = lambda: None
    """Raises `MissingExtra` when a package is not there."""
    stills_only: str = ""
    """For a format of single pictures: what to take for motion instead."""


class PeopleSink:
    """Writes the files of each person when the take is over; until then what everyone did waits on disk."""

    name = "a person's files"

    def __init__(self, folder: Path, formats: Sequence[str] = DEFAULT_FORMATS):
        self.files: dict[int, list[Path]] = {}
        """What was written of each person, once closed; nothing of those who were seen too briefly."""
        self._folder, self._formats = folder, tuple(dict.fromkeys(formats))
        self._spool: TakeSpool | None = None

    def open(self, info: StreamInfo) -> None:
        check_formats(self._formats, is_still=info.media.is_still)
        self._info, self._spool = info, TakeSpool(self._folder / "spool")

    def send(self, moment: Moment) -> None:
        if self._spool is None:
            raise SinkClosed(self._folder)
        self._spool.add(moment.acted)

    def close(self) -> None:
        """Write every file that can be written, and name those that cannot."""
        assert self._spool is not None
        spool, problems = self._spool, []
        shortest = shortest_appearance(self._info.media, spool.frame_count)
        for person in sorted(part.id for part in spool.parts.values() if part.tracked_frames >= shortest):
            performance, stem = self._performance(spool, person), self._folder / person_name(person)
            written: dict[Path, None] = {}
            for name in self._formats:
                try:
                    written |= dict.fromkeys(FORMATS[name].write(performance, stem))
                except (CommediaError, OSError) as error:
                    problems.append(f"{stem.name} as {name}: {getattr(error, 'strerror', None) or error}")
            self.files[person] = list(written)
        self.discard()
        if problems:
            raise OutputFailed("; ".join(problems))

    def discard(self) -> None:
        if self._spool is not None:
            self._spool.discard()
            self._spool = None

    def _performance(self, spool: TakeSpool, person: int) -> Performance:
        role, rate = self._info.cast.role(person), self._info.media.frame_rate
        character = self._info.cast.character_for(person, spool.parts[person].identity)
        pose_of, pivots = role.retargeter.pose_from_params, self._info.cast.head.pivots
        return Performance(spool, person, character, pose_of, rate, self._info.media.start_day_s, role.table, pivots)


def shortest_appearance(media: MediaInfo, frame_count: int) -> int:
    """Frames in which a person must really be seen in a take of `frame_count` frames to get files."""
    return min(frame_count, 1 if media.is_still else math.ceil(SHORTEST_APPEARANCE_S * media.frame_rate))


def check_formats(formats: Sequence[str], *, is_still: bool) -> None:
    """Refuse, before any work, unknown formats, those whose packages are missing, and for videos those of pictures."""
    if not formats:
        raise CommediaError(f"no format to write was given; known: {', '.join(FORMATS)}")
    for name in formats:
        if name not in FORMATS:
            raise UnknownName("format", name, FORMATS)
        FORMATS[name].require()
        instead = FORMATS[name].stills_only
        if instead and not is_still:
            raise CommediaError(
                f"the format '{name}' is for photos: a video would become thousands of files; "
                f"take '{instead}', which holds the same vertices of all frames in one file"
            )


def timecode_rate(rate: Fraction) -> Fraction:
    """The usual frame rate that a nominal rate means; 60 for one that no editor knows, as a variable one's mean."""
    return usual_rate(rate) or DEFAULT_RATE


def fixed_rate(rate: Fraction) -> Fraction:
    """The rate of formats that know no times: the usual one that a nominal rate means, otherwise the nominal itself."""
    return usual_rate(rate) or rate


def _write_glb(performance: Performance, stem: Path) -> list[Path]:
    rate = timecode_rate(performance.rate)
    writer = ClipWriter(performance.character, stem.with_suffix(".glb"), rate, performance.start_day_s)
    return [write_all(writer, performance.poses(performance.keys()))]


def _write_csv(performance: Performance, stem: Path) -> list[Path]:
    rate = timecode_rate(performance.rate)
    writer = LiveLinkCsvWriter(stem.with_suffix(".csv"), rate, performance.start_day_s)
    return [write_all(writer, performance.frames())]


def _write_bvh(performance: Performance, stem: Path) -> list[Path]:
    writer = BvhWriter(stem.with_suffix(".bvh"), fixed_rate(performance.rate), performance.pivots)
    return [write_all(writer, performance.samples())]


def _write_vrma(performance: Performance, stem: Path) -> list[Path]:
    path, rate = stem.with_suffix(".vrma"), timecode_rate(performance.rate)
    noted = {"start_day_s": performance.start_day_s, "table": performance.table, "pivots": performance.pivots}
    writer = VrmaWriter(path, performance.character, rate, **noted)
    return [write_all(writer, performance.keys())]


def _write_usd(performance: Performance, stem: Path) -> list[Path]:
    rate = fixed_rate(performance.rate)
    writer = UsdWriter(stem.with_suffix(".usd"), performance.character, rate, performance.start_day_s)
    write_all(writer, performance.poses(performance.keys()))
    return writer.paths


def _write_pc2(performance: Performance, stem: Path) -> list[Path]:
    writer = PointCacheWriter(performance.character, stem.with_suffix(".pc2"), fixed_rate(performance.rate))
    return [write_all(writer, performance.poses(performance.samples())), _write_neutral(performance, stem)]


def _write_obj(performance: Performance, stem: Path) -> list[Path]:
    writer = ObjWriter(performance.character, stem)
    write_all(writer, performance.poses(performance.frames()))
    return [_write_neutral(performance, stem), *writer.paths]


def _write_neutral(performance: Performance, stem: Path) -> Path:
    path = stem.with_suffix(".obj")
    write_obj(path, pose_character(performance.character, performance.pose_of(NEUTRAL)))
    return path


FORMATS: dict[str, Format] = {
    "glb": Format(_write_glb),
    "csv": Format(_write_csv),
    "bvh": Format(_write_bvh),
    "vrma": Format(_write_vrma),
    "usd": Format(_write_usd, require=load_usd),
    "pc2": Format(_write_pc2),
    "obj": Format(_write_obj, stills_only="pc2"),
}
"""Everything a person can become, by the name that `--formats` takes, which is the file's ending."""


def _every_frame(spool: TakeSpool, person: int) -> Iterator[tuple[Fraction, FaceParams | None]]:
    """Time and parameters of each frame of the take; None where the person does not appear."""
    rows = spool.params(person)
    frame, params = next(rows, (-1, None))
    for index, time_s in enumerate(spool.times_s()):
        if index == frame:
            yield time_s, params
            frame, params = next(rows, (-1, None))
        else:
            yield time_s, None
