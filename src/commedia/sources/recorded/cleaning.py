"""Frames as a stranger wrote them become frames that the rest of the program may trust; what was done is said in notes.

Times start at 0 and rise, numbers are finite, nobody is there twice, and not more people than fit.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from commedia.formats.recorded import MOST_PEOPLE
from commedia.structures import Box, FaceParams, HeadPose, TrackedFace, TrackedFrame

LONGEST_S = Fraction(7 * 24 * 3600)
"""A frame that is later than this after the first one has a wrong time."""
LARGEST = 1e6
"""Nothing that a face does is a larger number: neither a weight nor a pixel."""
IDENTITY_WXYZ = np.array([1.0, 0.0, 0.0, 0.0])

LATE = "frames left out, as their times are missing, repeated, go back or lie days later: {}"
UNREADABLE = "frames with values that are no numbers, where the last good ones were kept: {}"
LIMITED = "frames with weights outside 0 to 1, which were limited: {}"
TWICE = f"faces left out, being twice in one frame or more than {MOST_PEOPLE} people: {{}}"


class Cleaning:
    """Cleans the frames of one take, in order."""

    def __init__(self, *, limit: bool):
        """`limit` keeps weights in [0, 1]; our own takes are left as they were measured."""
        self._limit = limit
        self._first_s: Fraction | None = None
        self._last_s = Fraction(-1)
        self._frames = 0
        self._before: dict[int, FaceParams] = {}
        self._done: Counter[str] = Counter()

    def frame(self, time_s: Fraction | None, faces: Iterable[TrackedFace]) -> TrackedFrame | None:
        """Clean a frame; None where it has to be left out."""
        start_s = time_s if self._first_s is None else self._first_s
        if time_s is None or start_s is None or not self._last_s < time_s - start_s <= LONGEST_S:
            self._done[LATE] += 1
            return None
        self._first_s, self._last_s = start_s, _storable(time_s - start_s)
        by_id: dict[int, TrackedFace] = {}
        problems: set[str] = set()
        for face in faces:
            if face.id in by_id or (face.id not in self._before and len(self._before) >= MOST_PEOPLE):
                self._done[TWICE] += 1
                continue
            by_id[face.id] = self._face(face, problems)
        self._done.update(problems)
        index, self._frames = self._frames, self._frames + 1
        return TrackedFrame(index, self._last_s, tuple(by_id.values()))

    def notes(self) -> list[str]:
        """What had to be done so far."""
        return [sentence.format(count) for sentence, count in self._done.items()]

    def _face(self, face: TrackedFace, problems: set[str]) -> TrackedFace:
        params, before = face.params, self._before.get(face.id)
        pose = params.pose
        parts = [params.expression, params.identity, pose.wxyz, pose.origin_px, face.landmarks_px.reshape(-1)]
        edges = (face.box.left_px, face.box.top_px, face.box.right_px, face.box.bottom_px)
        parts.append(np.array([*edges, pose.px_per_m, face.confidence]))
        if not all(_usable(part).all() for part in parts) or not 0.1 < np.linalg.norm(pose.wxyz) < 10:
            problems.add(UNREADABLE)
            face = _mended(face, before)
        face = self._limited(face, problems) if self._limit else face
        self._before[face.id] = face.params
        return face

    def _limited(self, face: TrackedFace, problems: set[str]) -> TrackedFace:
        expression = face.params.expression
        if expression.min() < -1e-6 or expression.max() > 1 + 1e-6:
            problems.add(LIMITED)
        return replace(face, params=replace(face.params, expression=np.clip(expression, 0, 1)))


def _mended(face: TrackedFace, before: FaceParams | None) -> TrackedFace:
    params, pose = face.params, face.params.pose
    turned = _usable(pose.wxyz).all() and 0.1 < np.linalg.norm(pose.wxyz) < 10
    wxyz = pose.wxyz if turned else IDENTITY_WXYZ if before is None else before.pose.wxyz
    mended_pose = HeadPose(wxyz, _kept(pose.origin_px), _kept_number(pose.px_per_m, 1.0))
    box = face.box
    edges = (_kept_number(edge, 0.0) for edge in (box.left_px, box.top_px, box.right_px, box.bottom_px))
    return replace(
        face,
        params=FaceParams(
            _kept(params.identity, None if before is None else before.identity),
            _kept(params.expression, None if before is None else before.expression),
            mended_pose,
        ),
        box=Box(*edges),
        landmarks_px=_kept(face.landmarks_px),
        confidence=_kept_number(face.confidence, 1.0),
    )


def _usable(values: Float[np.ndarray, "*n"]) -> np.ndarray:
    # A comparison with NaN is False, and so is that of infinity.
    return np.abs(values) <= LARGEST


def _kept(values: np.ndarray, before: np.ndarray | None = None) -> np.ndarray:
    return np.where(_usable(values), values, 0.0 if before is None else before)


def _kept_number(value: float, otherwise: float) -> float:
    return value if abs(value) <= LARGEST else otherwise


def _storable(time_s: Fraction) -> Fraction:
    """A time whose two whole numbers fit into 63 bits; only a hostile file has another."""
    fits = max(time_s.numerator.bit_length(), time_s.denominator.bit_length()) <= 62
    return time_s if fits else Fraction(round(time_s * 10**9), 10**9)
