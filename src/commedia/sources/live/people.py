"""Faces as they arrive, from one sender or several, to frames of everybody: who is there, and when a frame is due.

A sender becomes a person with the third of its packets: names that noise makes up seldom come thrice. The first person
that still sends sets the pace, and each of its packets is a frame; the others are in it as they were last heard.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from commedia.conventions import IDENTITY_COUNT, LANDMARK_COUNT
from commedia.formats.recorded import MOST_PEOPLE, RecordedFace
from commedia.structures import Box, FaceParams, HeadPose, TrackedFace

PACKETS_TO_COUNT = 3
LOST_S = 1.0
"""Who has been silent for so long is not there."""
HELD_S = 0.25
"""Who has been silent for so long is only held."""
MOST_STRANGERS = 64
"""Senders that are remembered before they count."""


@dataclass
class _Person:
    heard_s: Fraction
    face: TrackedFace | None


class LivePeople:
    """Remembers at most `MOST_PEOPLE` people and `MOST_STRANGERS` senders that may become some."""

    def __init__(self) -> None:
        self._strangers: OrderedDict[str, int] = OrderedDict()
        self._ids: dict[str, int] = {}
        self._people: dict[int, _Person] = {}

    def hear(self, sender: str, face: RecordedFace | None, now_s: Fraction) -> bool:
        """Take a sender's face, None where it sees none; says whether a frame is due."""
        person = self._ids.get(sender) or self._met(sender)
        if not person:
            return False
        known = self._people.setdefault(person, _Person(now_s, None))
        known.heard_s = now_s
        known.face = None if face is None else _tracked(person, face, known.face)
        return person == min(one for one, state in self._people.items() if now_s - state.heard_s < LOST_S)

    def faces(self, now_s: Fraction) -> tuple[TrackedFace, ...]:
        """Everyone who is there now."""
        shown = []
        for state in self._people.values():
            silent_s = now_s - state.heard_s
            if state.face is not None and silent_s < LOST_S:
                held = silent_s >= HELD_S
                shown.append(replace(state.face, status="held", confidence=0.0) if held else state.face)
        return tuple(shown)

    def _met(self, sender: str) -> int:
        count = self._strangers.pop(sender, 0) + 1
        if count >= PACKETS_TO_COUNT and len(self._ids) < MOST_PEOPLE:
            self._ids[sender] = len(self._ids) + 1
            return self._ids[sender]
        self._strangers[sender] = count
        if len(self._strangers) > MOST_STRANGERS:
            self._strangers.popitem(last=False)
        return 0


def _tracked(person: int, face: RecordedFace, before: TrackedFace | None) -> TrackedFace:
    """A face without a place in a picture; a head that is not said stays as it was."""
    wxyz = face.head_wxyz
    if wxyz is None or not np.isfinite(wxyz).all():
        wxyz = np.array([1.0, 0.0, 0.0, 0.0]) if before is None else before.params.pose.wxyz
    params = FaceParams(np.zeros(IDENTITY_COUNT), face.expression, HeadPose(wxyz, np.zeros(2), 1.0))
    return TrackedFace(person, "tracked", Box(0.0, 0.0, 0.0, 0.0), params, np.zeros((LANDMARK_COUNT, 2)), 1.0)
