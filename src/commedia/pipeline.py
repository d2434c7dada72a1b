"""The sentence: frames from a source go through the tracker, are retargeted, and are sent to a sink.

Frame --detect--> Face --regress--> FaceParams --track--> TrackedFace --retarget--> RigPose --send--> Sink
"""

import collections.abc
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any

from commedia.face_model.person import Person
from commedia.outputs.attendance import Attendance
from commedia.outputs.heap import trimming
from commedia.outputs.people import DEFAULT_FORMATS
from commedia.outputs.results import ResultFolder
from commedia.outputs.sink import Sink, Sinks, StreamInfo
from commedia.outputs.summary import Summary
from commedia.retarget.cast import OWN, Cast, Given
from commedia.retarget.mapping import Mapping
from commedia.retarget.performance_edit import PerformanceEdit
from commedia.sources.ahead import ReadAhead, ahead
from commedia.sources.open import open_source
from commedia.sources.source import Source
from commedia.structures import Frame, Moment, TrackedFrame
from commedia.tracking.models import Models
from commedia.tracking.tracker import Tracker
from commedia.tracking.whole_take import WholeTake

Progress = Callable[[int, int | None], None]
"""Told the frames done and the frames expected, None where nobody knows; a take that is read twice has each twice."""


def track(path: Path | str, *, models: Models | None = None, person: Person | None = None) -> Iterator[TrackedFrame]:
    """A photo, a GIF, a video, photos or recorded motion to everyone in each frame, by the head of `person`, if any."""
    with open_source(path) as source:
        for _, tracked in Tracker(models, head=person and person.head).follow(source):
            yield tracked


def run(
    source: Source,
    tracker: Tracker,
    cast: Cast,
    sinks: Sink | Sequence[Sink],
    progress: Progress = lambda *_: None,
    *,
    causal: bool = True,
    read_ahead: bool = False,
) -> Attendance:
    """Everyone in a source, tracked, cast and sent to one sink or several (see `Sinks`); returns who was there.

    Without `causal` pictures that share a time are read twice: once to know the `WholeTake`, once more for the sinks.
    With `read_ahead` decoding and tracking have threads of their own, some frames before the sinks: not for a stream,
    which would come late. `progress` is always called by the caller's thread.
    """
    sink, seen = sinks if isinstance(sinks, Sink) else Sinks(sinks), Attendance()
    cast.begin(is_read=source.info.is_read)
    twice = not causal and source.info.pictures and not (source.info.is_still or source.info.is_live)
    tell = _counted(progress, source.info.frame_count, readings=1 + twice)
    try:
        sink.open(StreamInfo(source.path, source.info, cast))
        # Motion that comes without pictures is read in no time, and may come from a port that waits for ever.
        read = ReadAhead(source) if read_ahead and source.info.pictures else source
        followed = _as_whole(read, tracker, cast, seen, tell) if twice else _followed(read, tracker)
        with closing(followed):
            for frame, tracked in trimming(followed):
                if not twice:
                    cast.see(frame, tracked)
                acted = cast.acted(tracked)
                sink.send(Moment(frame, tracked, acted, cast.poses(acted)))
                seen.add(tracked)
                tell()
        sink.close()
    except BaseException:
        sink.discard()
        raise
    return seen


def _followed(source: Source | ReadAhead, tracker: Tracker, *, raw: bool = False) -> Iterator[Any]:
    """What `Tracker.follow` gives; of a source that is read ahead in a thread of its own, too."""
    followed = tracker.follow(source, raw=raw)
    return ahead(followed) if isinstance(source, ReadAhead) else followed


def _as_whole(
    source: Source | ReadAhead, tracker: Tracker, cast: Cast, seen: Attendance, tell: Callable[[], None]
) -> Iterator[tuple[Frame, TrackedFrame]]:
    """Read a take to its end, then give its pictures again, with everyone as the whole take shows them."""
    # A calibration knows better how a face rests.
    take = WholeTake(find_neutral=cast.edit.calibration is None)
    with closing(_followed(source, tracker, raw=True)) as followed:
        for frame, tracked in trimming(followed):
            take.add(tracked)
            cast.see(frame, tracked)
            tell()
    for other, same in take.join(tracker.recognition.likenesses, tracker.recognition.recalled):
        cast.turned_out(other, same)
    seen.neutral, seen.nobody = take.settle(), take.nobody
    yield from zip(source, take.frames(tracker.models.landmarker), strict=False)


def _counted(progress: Progress, frames: int | None, *, readings: int) -> Callable[[], None]:
    """What to call after each frame of each reading, so that `progress` is told of all together."""
    done, expected = count(1), None if frames is None else frames * readings
    return lambda: progress(next(done), expected)


def retarget(
    path: Path | str | Source,
    output: Path | str,
    *,
    character: Given | None = None,
    cast: collections.abc.Mapping[int, Given] | Cast | None = None,
    models: Models | None = None,
    preview: bool = True,
    preview_style: str = "side",
    overwrite: bool = False,
    formats: Sequence[str] = DEFAULT_FORMATS,
    rate: Fraction | None = None,
    angles: str | None = None,
    mapping: str | Mapping | None = None,
    edit: PerformanceEdit | None = None,
    person: Person | None = None,
    causal: bool = False,
    look: str = OWN,
    progress: Progress = lambda done, expected: None,
    report: Callable[[str], None] = lambda failure: None,
) -> Summary:
    """Turn a photo, a GIF, a video or recorded motion into files per person, a take file and a preview.

    Args:
        path: What to watch, or a file of motion (a take, or a table or JSON of ARKit blendshapes), or a source that is
            open.
        output: Folder for the results; made when missing. Results appear in it only when all are complete.
        character: What everybody plays: a glTF file, a bundled character's name or a `Character`; "troupe" gives each
            person another bundled one; by default the head model with their own face.
        cast: What single people play instead, by their ids in the take; or a whole `Cast`, in place of all the rest.
        models: Networks to use instead of the shipped ones.
        preview: Draw the preview.
        preview_style: `side` shows the actor's bare face beside the character, `overlay` the character in the picture.
        overwrite: Replace the results of an earlier run.
        formats: What each person becomes: names of `outputs.people.FORMATS`.
        mapping: Which blendshape moves which morph: a shipped table by name, or one of your own; None finds one by
            name.
        edit: Changes what characters play, such as a `Calibration`; the take keeps what was measured. Where it does not
            say how strong, faces that are read in pictures, or were for a take, are played with a strength of 1.5, and
            what others recorded as it is.
        person: Whoever is seen, with what is known of them: the head that is tracked and worn, and the calibration.
        causal: Track a video as a stream, each frame by those before it; by default it is read twice, as a whole:
            identity of all frames, rest taken away, nothing comes late.
        look: How default heads look: `own`, as their people in the pictures; `painted`, with the shape of their faces
            in plain colours; `mask`, with nobody's face.
        rate: Frames per second at which a table of motion counts its timecodes, where it does not show.
        angles: What the head angles of a table of motion count, `radians` or `degrees`, where it does not show.
        progress: Called after every frame.
        report: Called with a sentence when an output fails; the others go on.

    Raises:
        IncompleteResults: An output failed, and the others are there.
    """
    with open_source(path, rate=rate, angles=angles) if isinstance(path, Path | str) else path as source:
        style = preview_style if preview else None
        results = ResultFolder(Path(output), formats=formats, preview=style, overwrite=overwrite, report=report)
        own = dict(mapping=mapping, edit=edit, person=person, look=look)
        roles = cast if isinstance(cast, Cast) else Cast(character, cast, **own)
        tracker = Tracker(models, head=roles.person and roles.person.head)
        seen = run(source, tracker, roles, results, progress, causal=causal, read_ahead=True)
        return results.summary(source, roles, seen)
