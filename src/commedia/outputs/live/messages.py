"""A moment to what a page is told of it, encoded once however many pages there are, and not at all for none."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import UInt8

from commedia.formats.page_messages import PagePerson, page_message
from commedia.outputs.live.characters import Characters
from commedia.retarget.cast import Cast
from commedia.structures import TrackedFace

PICTURE_PX = 640
"""The longest side of the picture that pages get."""
JPEG_QUALITY = 75
Image = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True)
class NewestMoment:
    """Everyone at one time, by their places on the stage, and who they are in the take."""

    number: int
    time_s: Fraction
    image: Image | None
    people: Sequence[TrackedFace]
    persons: Sequence[int]
    cast: Cast
    characters: Characters

    @cached_property
    def with_picture(self) -> bytes:
        jpeg = b"" if self.image is None else small_jpeg(self.image)
        return page_message(self.number, self.time_s, self._drawn, jpeg)

    @cached_property
    def without_picture(self) -> bytes:
        return page_message(self.number, self.time_s, self._drawn)

    @cached_property
    def _drawn(self) -> list[PagePerson]:
        return [self._person(face, person) for face, person in zip(self.people, self.persons, strict=True)]

    def _person(self, face: TrackedFace, person: int) -> PagePerson:
        # The first place is there before anybody is: it shows the character of who will come first.
        role = self.cast.role(max(person, 1))
        shown = self.characters.shown(role.character or self.cast.plain_head)
        pose = role.retargeter.pose(face)
        return PagePerson(face, person, self._box(face), shown.number, pose.weights, shown.rotations(pose))

    def _box(self, face: TrackedFace) -> tuple[float, float, float, float]:
        if self.image is None:
            return (0.0, 0.0, 0.0, 0.0)
        height_px, width_px = self.image.shape[:2]
        box = face.box
        return box.left_px / width_px, box.top_px / height_px, box.right_px / width_px, box.bottom_px / height_px


def small_jpeg(image: Image) -> bytes:
    """A picture to a JPEG of at most `PICTURE_PX` a side."""
    scale = min(1.0, PICTURE_PX / max(image.shape[:2]))
    if scale < 1:
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
