"""One person of a finished take becomes files, one or more per format, all in step with the source's frames.

`FORMATS` is the whole choice: a name, and the function that writes it. A format that stores times keeps those of the
source; one that stores only a rate is resampled to it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from commedia.characters.character import Character
from commedia.characters.posing import pose_character
from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.errors import CommediaError, UnknownName
from commedia.formats.livelink_csv import DEFAULT_RATE, LiveLinkCsvWriter
from commedia.formats.timecode import usual_rate
from commedia.outputs.files.bvh import BvhWriter
from commedia.outputs.files.gltf_animation import ClipWriter
from commedia.outputs.files.point_cache import PointCacheWriter
from commedia.outputs.files.resampling import resampled
from commedia.outputs.files.usd import UsdWriter
from commedia.outputs.files.usd_rig import load_usd
from commedia.outputs.files.vrma import VrmaWriter
from commedia.outputs.files.wavefront import ObjWriter, write_obj
from commedia.outputs.sink import write_all
from commedia.outputs.spool import TakeSpool
from commedia.retarget.mapping import MorphMap
from commedia.structures import FaceParams, HeadPose, RigPose

NEUTRAL = FaceParams(
    np.zeros(IDENTITY_COUNT, np.float32),
    np.zeros(EXPRESSION_COUNT, np.float32),
    HeadPose(np.array([1, 0, 0, 0], np.float32), np.zeros(2, np.float32), 1.0),
)
"""What is written for frames in which a person does not appear at all."""

DEFAULT_FORMATS = ("glb", "csv")


@dataclass(frozen=True)
class Performance:
    """What one person did in a take, and the character that does it again."""

    spool: TakeSpool
    person: int
    character: Character
    pose_of: Callable[[FaceParams], RigPose]
    rate: Fraction
    """Nominal frames per second of the source."""
    table: MorphMap | None = None
    """By what the character plays, where somebody chose it; for files that hold no morphs."""

    def frames(self) -> Iterator[tuple[Fraction, FaceParams]]:
        """Every frame of the source, neutral where the person does not appear: row n always belongs to frame n."""
        return ((time_s, params or NEUTRAL) for _, time_s, params in _every_frame(self.spool, self.person))

    def keys(self) -> Iterator[tuple[Fraction, FaceParams]]:
        """Frames where the person appears, and neutral ones at the ends of absences: all clips are equally long."""
        part, last = self.spool.parts[self.person], self.spool.frame_count - 1
        ends = (0, part.first_frame - 1, part.last_frame + 1, last)
        for index, time_s, params in _every_frame(self.spool, self.person):
            if params is not None or index in ends:
                yield time_s, params or NEUTRAL

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


def person_name(person: int) -> str:
    """The stem of a person's files."""
    return f"person-{person:02d}"


def write_person(folder: Path, performance: Performance, formats: Sequence[str] = DEFAULT_FORMATS) -> list[Path]:
    """Write one person's files; returns their paths, each once."""
    stem = folder / person_name(performance.person)
    written = [path for name in dict.fromkeys(formats) for path in FORMATS[name].write(performance, stem)]
    return list(dict.fromkeys(written))


def check_formats(formats: Sequence[str], *, is_still: bool) -> None:
    """Refuse, before any work, what could not be written.

    Raises:
        UnknownName: A name is not in `FORMATS`.
        MissingExtra: A format needs a package that is not installed.
        CommediaError: No format at all, or one for single pictures although the source moves.
    """
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
    writer = ClipWriter(performance.character, stem.with_suffix(".glb"), timecode_rate(performance.rate))
    return [write_all(writer, performance.poses(performance.keys()))]


def _write_csv(performance: Performance, stem: Path) -> list[Path]:
    writer = LiveLinkCsvWriter(stem.with_suffix(".csv"), timecode_rate(performance.rate))
    return [write_all(writer, performance.frames())]


def _write_bvh(performance: Performance, stem: Path) -> list[Path]:
    return [write_all(BvhWriter(stem.with_suffix(".bvh"), fixed_rate(performance.rate)), performance.samples())]


def _write_vrma(performance: Performance, stem: Path) -> list[Path]:
    path, rate = stem.with_suffix(".vrma"), timecode_rate(performance.rate)
    writer = VrmaWriter(path, performance.character, rate, table=performance.table)
    return [write_all(writer, performance.keys())]


def _write_usd(performance: Performance, stem: Path) -> list[Path]:
    writer = UsdWriter(stem.with_suffix(".usd"), performance.character, fixed_rate(performance.rate))
    write_all(writer, performance.poses(performance.keys()))
    return writer.paths


def _write_pc2(performance: Performance, stem: Path) -> list[Path]:
    rate = fixed_rate(performance.rate)
    writer = PointCacheWriter(performance.character, stem.with_suffix(".pc2"), rate)
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
"""Everything a person can become, by the name that `--formats` takes."""


def _every_frame(spool: TakeSpool, person: int) -> Iterator[tuple[int, Fraction, FaceParams | None]]:
    """Number, time and parameters of each frame of the take; None where the person does not appear."""
    rows = spool.params(person)
    frame, params = next(rows, (-1, None))
    for index, time_s in enumerate(spool.times_s()):
        if index == frame:
            yield index, time_s, params
            frame, params = next(rows, (-1, None))
        else:
            yield index, time_s, None
