"""Frames to the people of a stream: numbered from 1, and still there when nobody is in view.

A person gets the lowest number that is free and keeps it while seen; so whoever sits down again after a break, with a
new id, moves the same avatar. Somebody out of view is held, then fades to rest, and the number stays alive at rest
until another person takes it. Number 1 is there from the beginning.
"""

from dataclasses import replace

import numpy as np

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT, LANDMARK_COUNT
from commedia.face_model.fading import faded_params
from commedia.geometry.rotations import canonical_wxyz
from commedia.structures import Box, FaceParams, HeadPose, TrackedFace, TrackedFrame

HOLD_S = 0.3
"""Out of view the last motion stands still so long."""
FADE_S = 0.5
"""Then the face comes to rest within this time, and its number is free."""
MOST_PEOPLE = 64
"""Numbers that are given; who comes beyond is not sent."""


def resting_face(number: int) -> TrackedFace:
    """A face that does nothing and looks ahead."""
    pose = HeadPose(np.array([1.0, 0.0, 0.0, 0.0]), np.zeros(2), 1.0)
    params = FaceParams(np.zeros(IDENTITY_COUNT), np.zeros(EXPRESSION_COUNT), pose)
    return TrackedFace(number, "fading", Box(0.0, 0.0, 0.0, 0.0), params, np.zeros((LANDMARK_COUNT, 2)), 0.0)


class StreamedPeople:
    """Remembers who has which number, and what each did last."""

    def __init__(self) -> None:
        self._places = [_Place(resting_face(1))]

    def update(self, frame: TrackedFrame) -> tuple[TrackedFace, ...]:
        """The next frame to everyone who is sent, in the order of their numbers, which are their ids here.

        Weights are within 0 and 1. A face whose numbers are not finite counts as not seen.
        """
        time_s = float(frame.time_s)
        for face in frame.faces:
            if _is_usable(face.params):
                self._seat(face, time_s)
        return tuple(place.shown(time_s) for place in self._places)

    def persons(self) -> tuple[int, ...]:
        """Who has each number, by id in the take, in the same order; 0 for nobody yet."""
        return tuple(place.person for place in self._places)

    def at_rest(self) -> tuple[TrackedFace, ...]:
        """Everyone who was ever sent, at rest: the last that receivers hear."""
        return tuple(place.shown(float("inf")) for place in self._places)

    def _seat(self, face: TrackedFace, time_s: float) -> None:
        place = next((place for place in self._places if place.person == face.id), None)
        place = place or next((place for place in self._places if place.is_free(time_s)), None)
        if place is None and len(self._places) < MOST_PEOPLE:
            place = _Place(resting_face(len(self._places) + 1))
            self._places.append(place)
        if place is not None:
            place.take(face, time_s)


class _Place:
    """One number, and who has it."""

    def __init__(self, face: TrackedFace):
        self.face, self.person, self._seen_s = face, 0, float("-inf")

    def take(self, face: TrackedFace, time_s: float) -> None:
        params, pose = face.params, face.params.pose
        pose = replace(pose, wxyz=canonical_wxyz(pose.wxyz.astype(np.float64)))
        expression = np.clip(params.expression.astype(np.float64), 0, 1)
        self.person, self._seen_s = face.id, time_s
        self.face = replace(face, id=self.face.id, params=replace(params, expression=expression, pose=pose))

    def is_free(self, time_s: float) -> bool:
        return time_s - self._seen_s >= HOLD_S + FADE_S

    def shown(self, time_s: float) -> TrackedFace:
        unseen_s = time_s - self._seen_s
        if unseen_s <= 0:
            return self.face
        if unseen_s <= HOLD_S:
            return replace(self.face, status="held", confidence=0.0)
        params = faded_params(self.face.params, min((unseen_s - HOLD_S) / FADE_S, 1.0))
        return replace(self.face, status="fading", confidence=0.0, params=params)


def _is_usable(params: FaceParams) -> bool:
    pose = params.pose
    numbers = np.concatenate([params.expression, params.identity, pose.wxyz, pose.origin_px, [pose.px_per_m]])
    return bool((np.abs(numbers) < 1e6).all() and np.linalg.norm(pose.wxyz) > 0.1)
