"""Pictures and videos to everyone in them, who of them is meant, and the cuts of that person's head."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.errors import CommediaError, UnreadableMedia
from commedia.looks.portraits import Portrait, Portraits, portrait_of, worth_by_pose
from commedia.personal.frames import Sighting
from commedia.sources.folder import MOTION_SUFFIXES, folder_entries
from commedia.sources.open import open_frames
from commedia.sources.source import FrameSource
from commedia.structures import Frame, TrackedFace, TrackedFrame
from commedia.tracking.models import Models
from commedia.tracking.tracker import Tracker
from commedia.tracking.whole_take import WholeTake

SAME_FACE = 0.5
"""Least cosine between the looks at one person in two inputs."""
MOST_LOOKS, LOOK_EVERY_S, LOOK_WORTH = 6, 0.4, 0.15
"""Of one person in one input; between two of a video; and how well a face is seen that is looked at."""
BETWEEN_TAKES_S = 1e4
ME = 1
"""The person who is meant, whatever their number in each input."""

Tell = Callable[[str, int, int], object]
"""Told a stage, what is done of it and how much there is; 0 where nobody knows."""


class NobodySeen(CommediaError):
    """Nobody, or not who was asked for, is in what was given."""


@dataclass
class Watched:
    """One input, read."""

    path: Path
    frames: list[TrackedFrame] = field(default_factory=list)
    looks: dict[int, Float[np.ndarray, "e"]] = field(default_factory=dict)
    """Sum of the looks at each person's face."""

    def seen(self) -> Counter[int]:
        """In how many frames each person is tracked."""
        return Counter(face.id for frame in self.frames for face in frame.faces if face.status == "tracked")


def expanded(inputs: Sequence[Path]) -> list[Path]:
    """Put in place of each folder the pictures and videos in it."""
    found: list[Path] = []
    for path in inputs:
        if not path.is_dir():
            found.append(path)
            continue
        entries = [entry.path for entry in folder_entries(path)[0]]
        own = [entry for entry in entries if entry.is_file() and entry.suffix.lower() not in MOTION_SUFFIXES]
        if not own:
            raise UnreadableMedia(f"the folder '{path}' holds no pictures and no videos")
        found += own
    return found


def watched(paths: Sequence[Path], models: Models, tell: Tell) -> tuple[list[Watched], list[str]]:
    """Read all inputs; what cannot be read among several is left out with a note."""
    takes: list[Watched] = []
    notes = []
    for number, path in enumerate(paths):
        before, later = sum(len(take.frames) for take in takes), len(paths) - number - 1

        def advance(done: int, expected: int, before: int = before, later: int = later) -> None:
            tell("reading", before + done, before + max(expected, done) + later)

        try:
            with open_frames(path) as source:
                takes.append(_watch(source, path, models, advance))
        except UnreadableMedia as error:
            if len(paths) == 1:
                raise
            notes.append(f"left out: {error}")
    return takes, notes


def _watch(source: FrameSource, path: Path, models: Models, advance: Callable[[int, int], object]) -> Watched:
    take, whole, tracker = Watched(path), WholeTake(), Tracker(models)
    counts: dict[int, tuple[int, float]] = {}
    for frame, tracked in tracker.follow(source, raw=True):
        assert frame is not None
        take.frames.append(tracked)
        whole.add(tracked)
        for face in tracked.faces:
            _look(take, frame, face, models, counts)
        advance(len(take.frames), source.info.frame_count or 0)
    if source.info.is_still:
        return take
    for other, same in whole.join(tracker.recognition.likenesses, tracker.recognition.recalled):
        if other in take.looks:
            take.looks[same] = take.looks.get(same, 0) + take.looks.pop(other)
    whole.settle()
    take.frames = list(whole.frames(models.landmarker))
    return take


def _look(take: Watched, frame: Frame, face: TrackedFace, models: Models, counts: dict[int, tuple[int, float]]) -> None:
    looks, last_s = counts.get(face.id, (0, -LOOK_EVERY_S))
    if models.embedder is None or face.status != "tracked":
        return
    if looks >= MOST_LOOKS or float(frame.time_s) - last_s < LOOK_EVERY_S:
        return
    if looks and worth_by_pose(face) < LOOK_WORTH:
        return
    counts[face.id] = looks + 1, float(frame.time_s)
    (look,) = models.embedder.embed(frame.image, [face.landmarks_px])
    take.looks[face.id] = take.looks.get(face.id, 0) + look


def who_is_meant(takes: Sequence[Watched], wanted: int | None) -> dict[int, int]:
    """The number of one person in each input they are in: the most seen, or who is called `wanted` where that name
    comes first; raises NobodySeen."""
    everyone = [(place, person, count) for place, take in enumerate(takes) for person, count in take.seen().items()]
    if not everyone:
        raise NobodySeen("nobody's face was found in what was given")
    if wanted is None:
        anchor = max(everyone, key=lambda one: _frames_of(takes, one[:2]))
    else:
        named = [one for one in everyone if one[1] == wanted]
        if not named:
            numbers = ", ".join(str(person) for person in sorted({person for _, person, _ in everyone}))
            raise NobodySeen(f"there is no person {wanted} in what was given; people: {numbers}")
        anchor = named[0]
    found = {place: _alike(takes, anchor[:2], place) for place in range(len(takes))}
    return {place: person for place, person in found.items() if person is not None}


def _frames_of(takes: Sequence[Watched], anchor: tuple[int, int]) -> int:
    """In how many frames of all inputs somebody is seen."""
    there = [(place, _alike(takes, anchor, place)) for place in range(len(takes))]
    return sum(takes[place].seen()[person] for place, person in there if person is not None)


def _alike(takes: Sequence[Watched], anchor: tuple[int, int], place: int) -> int | None:
    """Who in an input is somebody of another one; None where nobody is."""
    home, person = anchor
    if place == home:
        return person
    known, others = takes[home].looks.get(person), takes[place].looks
    seen = takes[place].seen()
    if known is None or not others:
        return None
    cosines = {
        other: float(known @ look / max(np.linalg.norm(known) * np.linalg.norm(look), 1e-9))
        for other, look in others.items()
        if other in seen
    }
    best = max(cosines, key=lambda other: cosines[other], default=None)
    return best if best is not None and cosines[best] >= SAME_FACE else None


def sightings_of(takes: Sequence[Watched], meant: Mapping[int, int]) -> list[Sighting]:
    """Every frame in which somebody is tracked."""
    return [
        Sighting(place, frame.index, float(frame.time_s), replace(face, id=ME))
        for place, person in meant.items()
        for frame in takes[place].frames
        for face in frame.faces
        if face.id == person and face.status == "tracked"
    ]


def cut_out(
    takes: Sequence[Watched], wanted: Mapping[tuple[int, int], Sighting], seen: Sequence[Sighting], tell: Tell
) -> tuple[dict[tuple[int, int], Portrait], tuple[Portrait, ...]]:
    """Read the inputs again for the cuts of chosen frames, by input and frame; and for those that show skin best."""
    cuts, best = {}, Portraits()
    every = {(one.take, one.frame): one for one in seen}
    places = sorted({place for place, _ in every})
    done, total = 0, sum(len(takes[place].frames) for place in places)
    for place in places:
        with open_frames(takes[place].path) as source:
            for frame in islice(source, len(takes[place].frames)):
                key, done = (place, frame.index), done + 1
                tell("cutting out", done, total)
                if key in wanted:
                    cuts[key] = portrait_of(frame, wanted[key].face)
                if key in every:
                    later = replace(frame, time_s=frame.time_s + Fraction(int(place * BETWEEN_TAKES_S)))
                    best.see(later, TrackedFrame(frame.index, later.time_s, (every[key].face,)))
    return cuts, best.of(ME)
