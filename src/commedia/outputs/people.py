"""One person of a finished take becomes a character with a clip and a CSV, both in step with the source's frames."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from commedia.characters.character import Character
from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.outputs.gltf_animation import ClipWriter
from commedia.outputs.livelink_csv import DEFAULT_RATE, LiveLinkCsvWriter
from commedia.outputs.spool import TakeSpool
from commedia.structures import FaceParams, HeadPose, RigPose

NEUTRAL = FaceParams(
    np.zeros(IDENTITY_COUNT, np.float32),
    np.zeros(EXPRESSION_COUNT, np.float32),
    HeadPose(np.array([1, 0, 0, 0], np.float32), np.zeros(2, np.float32), 1.0),
)
"""What is written for frames in which a person does not appear at all."""

TIMECODE_RATES = tuple(Fraction(rate) for rate in (24, 25, 30, 48, 50, 60, 100, 120)) + tuple(
    Fraction(1000 * rate, 1001) for rate in (24, 30, 48, 60, 120)
)


def person_name(person: int) -> str:
    """The stem of a person's files."""
    return f"person-{person:02d}"


def write_person(
    folder: Path,
    spool: TakeSpool,
    person: int,
    character: Character,
    pose_of: Callable[[FaceParams], RigPose],
    rate: Fraction,
) -> list[Path]:
    """Write one person's GLB and CSV; returns their paths."""
    clip_path, table_path = (folder / f"{person_name(person)}{suffix}" for suffix in (".glb", ".csv"))
    _write_table(table_path, spool, person, rate)
    _write_clip(clip_path, spool, person, character, pose_of)
    return [clip_path, table_path]


def timecode_rate(rate: Fraction) -> Fraction:
    """The usual frame rate that a nominal rate means; 60 for one that no editor knows, as a variable one's mean."""
    return next((usual for usual in TIMECODE_RATES if abs(usual - rate) * 5000 <= usual), DEFAULT_RATE)


def _write_table(path: Path, spool: TakeSpool, person: int, rate: Fraction) -> None:
    """One row per frame of the source, so that row n always belongs to frame n."""
    writer = LiveLinkCsvWriter(path, timecode_rate(rate))
    try:
        for _, time_s, params in _every_frame(spool, person):
            writer.add(time_s, params or NEUTRAL)
    except BaseException:
        writer.discard()
        raise
    writer.close()


def _write_clip(
    path: Path, spool: TakeSpool, person: int, character: Character, pose_of: Callable[[FaceParams], RigPose]
) -> None:
    """Keys where the person appears, and neutral ones at the ends of every absence: all clips are equally long."""
    writer = ClipWriter(character, path)
    try:
        last = spool.frame_count - 1
        part = spool.parts[person]
        for index, time_s, params in _every_frame(spool, person):
            if params is not None or index in (0, part.first_frame - 1, part.last_frame + 1, last):
                writer.add(time_s, pose_of(params or NEUTRAL))
    except BaseException:
        writer.discard()
        raise
    writer.close()


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
