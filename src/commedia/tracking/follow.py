"""What a tracker says of pictures in order, with the frames before each confirmation filled in. For files, not live."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from commedia.structures import Frame, TrackedFace, TrackedFrame


@dataclass(frozen=True)
class TrackedStep:
    """All that a tracker says after one picture."""

    faces: tuple[TrackedFace, ...]
    """Everyone confirmed, by id."""
    unconfirmed: Mapping[int, TrackedFace]
    """Faces that may yet turn out to be people, by an internal key; their id is 0."""
    newly_confirmed: Mapping[int, int]
    """Keys that got an id with this picture, and the ids."""


def filled_in(steps: Iterable[tuple[Frame, TrackedStep]], delay: int) -> Iterator[tuple[Frame, TrackedFrame]]:
    """Frames and what was tracked in each, `delay` frames late, so that people are there from their first detection.

    Holds that many frames and no more.
    """
    waiting: deque[tuple[Frame, TrackedStep]] = deque()
    for frame, step in steps:
        waiting = deque((earlier, _with_names(said, step.newly_confirmed)) for earlier, said in waiting)
        waiting.append((frame, step))
        if len(waiting) > delay:
            yield _tracked(*waiting.popleft())
    yield from (_tracked(*pair) for pair in waiting)


def _with_names(step: TrackedStep, names: Mapping[int, int]) -> TrackedStep:
    """Add to an earlier frame the faces whose ids are known now."""
    found = [replace(face, id=names[key]) for key, face in step.unconfirmed.items() if key in names]
    # Who is back was still shown fading where they were last seen.
    others = [face for face in step.faces if all(face.id != back.id for back in found)]
    return replace(step, faces=tuple(sorted((*others, *found), key=lambda face: face.id))) if found else step


def _tracked(frame: Frame, step: TrackedStep) -> tuple[Frame, TrackedFrame]:
    return frame, TrackedFrame(frame.index, frame.time_s, step.faces)
