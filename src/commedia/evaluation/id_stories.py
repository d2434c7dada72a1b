"""Short films whose ending is known: a cut between two people, somebody who comes back, two who cross.

A person is a list of square pictures in order; films lay them out and say who should be who.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

from commedia.sources.source import MediaInfo
from commedia.structures import Frame, TrackedFrame
from commedia.tracking.models import Models
from commedia.tracking.tracker import Tracker
from commedia.tracking.whole_take import WholeTake

SIDE_PX = 360
SHOT = 12
"""Frames of one appearance."""
EMPTY = 12
"""Frames of an absence, spread over its time."""
STEP_S = Fraction(1, 25)
GAPS_S = (3, 20, 60)

Picture = UInt8[np.ndarray, "h w 3"]


class Somebody(NamedTuple):
    """One person, and an empty place to come back to."""

    name: str
    pictures: Sequence[Picture]
    place: Picture


class Ending(NamedTuple):
    """Whether all ended well."""

    live: bool
    """As a stream says it, frame by frame."""
    whole: bool
    """As the whole take says it, from the first frame on."""


@dataclass(frozen=True)
class Film:
    """Pictures in time: what `Tracker.follow` takes."""

    pictures: Sequence[Picture]
    times_s: Sequence[Fraction]

    @property
    def info(self) -> MediaInfo:
        height, width = self.pictures[0].shape[:2]
        return MediaInfo(width, height, 1 / STEP_S, len(self.pictures), is_still=False)

    def __iter__(self) -> Iterator[Frame]:
        for index, (picture, time_s) in enumerate(zip(self.pictures, self.times_s, strict=True)):
            yield Frame(picture, index, time_s)


def cut_keeps_apart(models: Models, first: Somebody, second: Somebody) -> Ending:
    """One person, a cut, the other: say whether each shot has one id of its own."""
    pictures = [*first.pictures[:SHOT], *second.pictures[:SHOT]]

    def ends_well(frames: Sequence[TrackedFrame]) -> bool:
        before, after = _ids(frames[:SHOT]), _ids(frames[SHOT:])
        return len(before) == len(after) == 1 and before != after

    return _played(models, pictures, [STEP_S] * len(pictures), ends_well)


def comes_back(models: Models, somebody: Somebody, gap_s: int) -> Ending:
    """One person, the empty place for `gap_s`, the person again: say whether there is one id before and after."""
    pictures = [*somebody.pictures[:SHOT], *[somebody.place] * EMPTY, *somebody.pictures[-SHOT:]]
    steps = [STEP_S] * SHOT + [Fraction(gap_s, EMPTY)] * EMPTY + [STEP_S] * SHOT

    def ends_well(frames: Sequence[TrackedFrame]) -> bool:
        before, after = _ids(frames[:SHOT]), _ids(frames[-SHOT:])
        return len(before) == 1 and before == after

    return _played(models, pictures, steps, ends_well)


def crossing_keeps_names(models: Models, first: Somebody, second: Somebody) -> Ending:
    """Two pictures pass each other, the first in front: say whether each id ends where its person does."""
    count = 2 * SHOT
    width = 5 * SIDE_PX // 2
    travel = np.linspace(0, width - SIDE_PX, count).round().astype(int)
    pictures = []
    for index, left in enumerate(travel.tolist()):
        picture = np.full((SIDE_PX, width, 3), 110, np.uint8)
        right = width - SIDE_PX - left
        picture[:, right : right + SIDE_PX] = second.pictures[index % len(second.pictures)]
        picture[:, left : left + SIDE_PX] = first.pictures[index % len(first.pictures)]
        pictures.append(picture)
    still = [pictures[0]] * SHOT + pictures + [pictures[-1]] * SHOT

    def ends_well(frames: Sequence[TrackedFrame]) -> bool:
        begin, end = _by_place(frames[SHOT // 2]), _by_place(frames[-1])
        return len(begin) == len(end) == 2 and begin == end[::-1]

    return _played(models, still, [STEP_S] * len(still), ends_well)


def squared(picture: Picture) -> Picture:
    """The middle square of a picture, at `SIDE_PX`."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    part = picture[top : top + side, left : left + side]
    return np.asarray(cv2.resize(part, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _played(
    models: Models,
    pictures: Sequence[Picture],
    steps_s: Sequence[Fraction],
    ends_well: Callable[[Sequence[TrackedFrame]], bool],
) -> Ending:
    """Follow a film as `commedia retarget` does, and judge it before and after it is read as a whole."""
    times_s = np.cumsum(np.array(steps_s, dtype=object)).tolist()
    tracker, take = Tracker(models), WholeTake(find_neutral=False)
    live = [tracked for _, tracked in tracker.follow(Film(pictures, times_s), raw=True)]
    for tracked in live:
        take.add(tracked)
    take.join(tracker.recognition.likenesses, tracker.recognition.recalled)
    take.settle()
    return Ending(ends_well(live), ends_well(list(take.frames(models.landmarker))))


def _ids(frames: Sequence[TrackedFrame]) -> set[int]:
    return {face.id for frame in frames for face in frame.faces if face.status == "tracked"}


def _by_place(frame: TrackedFrame) -> list[int]:
    faces = [face for face in frame.faces if face.status == "tracked"]
    return [face.id for face in sorted(faces, key=lambda face: face.box.center_px[0])]
