"""A whole take through a tracker, with the frames before each confirmation filled in. For files, not for live use."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from commedia.structures import Frame, TrackedFace, TrackedFrame
from commedia.tracking.tracker import Tracker


def follow(tracker: Tracker, frames: Iterable[Frame]) -> Iterator[tuple[Frame, TrackedFrame]]:
    """Track frames in order, `confirm_frames` - 1 frames late, so that people are there from their first detection.

    Holds that many frames and no more. The tracker is reset first.
    """
    tracker.reset()
    delay = tracker.settings.keeping.confirm_frames - 1
    waiting: deque[tuple[Frame, TrackedFrame, dict[int, TrackedFace]]] = deque()
    for frame in frames:
        tracked = tracker.step(frame)
        waiting = deque(_filled_in(item, tracker.newly_confirmed) for item in waiting)
        waiting.append((frame, tracked, tracker.unconfirmed))
        if len(waiting) > delay:
            yield waiting.popleft()[:2]
    yield from (item[:2] for item in waiting)


def _filled_in(
    item: tuple[Frame, TrackedFrame, dict[int, TrackedFace]], names: dict[int, int]
) -> tuple[Frame, TrackedFrame, dict[int, TrackedFace]]:
    """Add to an earlier frame the faces whose ids are known now."""
    frame, tracked, unconfirmed = item
    found = [replace(face, id=names[key]) for key, face in unconfirmed.items() if key in names]
    if not found:
        return item
    faces = tuple(sorted((*tracked.faces, *found), key=lambda face: face.id))
    return frame, replace(tracked, faces=faces), unconfirmed
