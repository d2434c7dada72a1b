"""Tracked frames of a take to the few best cuts of everybody's head: frontal, large, sharp, calm and evenly lit.

Memory does not grow with the take: at most `PER_PERSON` cuts of `SIDE_PX` squared of each of `MOST_PEOPLE`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import UInt8

from commedia.conventions import EXPRESSION_INDEX
from commedia.geometry.placement import cut_square
from commedia.geometry.rotations import matrix_from_wxyz
from commedia.structures import Box, FaceParams, Frame, HeadPose, TrackedFace, TrackedFrame

SIDE_PX, SIDE_M = 320, 0.36
"""Side of a cut: at most so many pixels, and what it shows at the head's depth, hair and neck included."""
ABOVE_M = 0.025
"""How far the middle of a cut lies above the head's origin."""
PER_PERSON, MOST_PEOPLE = 4, 32
APART_S = 0.3
"""Between two cuts of one person; nearer ones say the same, and the better stays."""
LOOK_EVERY_S = 0.15
"""Looking at the picture takes a thousand times as long as looking at the pose."""
LEAST_FACING, LEAST_PX_PER_M = 0.72, 200.0
"""Faces turned or tilted by more than 44 degrees, and those under about 30 pixels wide, say too little of skin."""
LEAST_LIGHT, MOST_LIGHT = 28.0, 235.0
"""Mean grey of the middle of a face that shows its colours."""
BURNT = 250
"""Grey from which on a pixel has lost its colour."""
WHOLE_PX_PER_M, WHOLE_SHARPNESS = 900.0, 0.05
"""Size and sharpness beyond which more says no more."""
CALM: Mapping[str, float] = {
    **dict.fromkeys(("eyeBlinkLeft", "eyeBlinkRight"), 1.5),
    **dict.fromkeys(("jawOpen", "eyeSquintLeft", "eyeSquintRight", "browDownLeft", "browDownRight"), 0.7),
    **dict.fromkeys(("mouthSmileLeft", "mouthSmileRight", "mouthPucker", "browInnerUp", "cheekPuff"), 0.4),
}
"""How much each blendshape takes from a cut's worth."""
_CALM_PLACES, _CALM_SHARES = [EXPRESSION_INDEX[name] for name in CALM], np.array(list(CALM.values()))


@dataclass(frozen=True, eq=False)
class Portrait:
    """One frame of somebody's head, cut out."""

    image: UInt8[np.ndarray, "s s 3"]
    """RGB, never larger than it was seen."""
    seen: Box
    """The part of `image` that the frame shows; the rest lies beyond its edges."""
    params: FaceParams
    """Its pose is in pixels of `image`."""
    time_s: float
    worth: float
    """0 to 1: how well it shows the person."""


class Portraits:
    """Collects the best cuts of everybody while a take is read."""

    def __init__(self) -> None:
        self._best: dict[int, tuple[Portrait, ...]] = {}
        self._looked_s: dict[int, float] = {}

    def see(self, frame: Frame, tracked: TrackedFrame) -> None:
        """Take in one frame and everyone in it."""
        for face in tracked.faces:
            if face.status == "tracked":
                self._see_face(frame, face)

    def of(self, person: int) -> tuple[Portrait, ...]:
        """Somebody's cuts, the best first; none of who was never seen well."""
        return self._best.get(person, ())

    def turned_out(self, other: int, person: int) -> None:
        """Give the cuts of one id to the person who it turned out to be."""
        for portrait in self._best.pop(other, ()):
            self._best[person] = _with(self.of(person), portrait)

    def _see_face(self, frame: Frame, face: TrackedFace) -> None:
        kept, worth, time_s = self.of(face.id), worth_by_pose(face), float(frame.time_s)
        if worth <= 0 or (not kept and len(self._best) >= MOST_PEOPLE):
            return
        # The picture can only make it worth less.
        if len(kept) == PER_PERSON and worth <= kept[-1].worth:
            return
        if kept and time_s - self._looked_s.get(face.id, -LOOK_EVERY_S) < LOOK_EVERY_S:
            return
        self._looked_s[face.id] = time_s
        portrait = portrait_of(frame, face, worth)
        if portrait.worth > 0:
            self._best[face.id] = _with(kept, portrait)


def _with(kept: tuple[Portrait, ...], portrait: Portrait) -> tuple[Portrait, ...]:
    """The best of them and one more; of two at one time the better."""
    near = [one for one in kept if abs(one.time_s - portrait.time_s) < APART_S]
    if any(one.worth >= portrait.worth for one in near):
        return kept
    left = [one for one in kept if one not in near]
    return tuple(sorted((*left, portrait), key=lambda one: -one.worth)[:PER_PERSON])


def worth_by_pose(face: TrackedFace) -> float:
    """How well a face can be seen by its size, pose and expression, 0 to 1; 0 where it says nothing."""
    params = face.params
    facing = float(matrix_from_wxyz(params.pose.wxyz)[2, 2])
    if not facing >= LEAST_FACING or not params.pose.px_per_m >= LEAST_PX_PER_M:
        return 0.0
    size = min(params.pose.px_per_m / WHOLE_PX_PER_M, 1.0) ** 0.5
    moved = float(np.clip(params.expression[_CALM_PLACES], 0, 1) @ _CALM_SHARES)
    sure = face.confidence * (1.0 if params.presence is None else params.presence)
    return float(np.clip(sure, 0, 1)) * size * facing**4 * float(np.exp(-moved))


def portrait_of(frame: Frame, face: TrackedFace, worth: float = 1.0) -> Portrait:
    """Cut a head out of a frame; what the picture shows of sharpness and light goes into its worth."""
    pose, (height, width) = face.params.pose, frame.image.shape[:2]
    side = SIDE_M * pose.px_per_m
    size = int(np.clip(round(side), 8, SIDE_PX))
    middle = pose.origin_px - np.array([0, ABOVE_M * pose.px_per_m])
    image = cut_square(frame.image, np.eye(2), middle, side, size, grey=128)
    scale, corner = size / side, middle - side / 2
    (left, top), (right, bottom) = (scale * (np.array(edge) - corner) for edge in ((0, 0), (width, height)))
    placed = HeadPose(pose.wxyz, (scale * (pose.origin_px - corner)).astype(np.float32), pose.px_per_m * scale)
    seen = Box(*(float(np.clip(edge, 0, size)) for edge in (left, top, right, bottom)))
    worth = worth * worth_by_picture(image, placed)
    return Portrait(image, seen, replace(face.params, pose=placed), float(frame.time_s), worth)


def worth_by_picture(image: UInt8[np.ndarray, "s s 3"], pose: HeadPose) -> float:
    """How sharp and how evenly lit the middle of a face is, 0 to 1; 0 where it is dark or burnt out."""
    reach = 0.055 * pose.px_per_m
    (left, top), (right, bottom) = (np.clip(pose.origin_px + d, 0, len(image)).astype(int) for d in (-reach, reach))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[top:bottom, left:right].astype(np.float32)
    if grey.size < 64 or not LEAST_LIGHT <= grey.mean() <= MOST_LIGHT:
        return 0.0
    sharp = float(np.abs(cv2.Laplacian(grey, cv2.CV_32F)).mean() / grey.mean())
    half = grey.shape[1] // 2
    sides = grey[:, :half].mean(), grey[:, -half:].mean()
    burnt = float((grey > BURNT).mean())
    return min(sharp / WHOLE_SHARPNESS, 1.0) ** 0.5 * float(min(sides) / max(sides)) * (1 - burnt)
