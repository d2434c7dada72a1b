"""Contact sheets: square pictures in rows, and an actor's face beside the default head that plays it."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from commedia.faces.crop import Crop, crop_image
from commedia.files import write_file
from commedia.geometry.boxes import tight_box
from commedia.outputs.preview.drawing import draw_text
from commedia.outputs.preview.player import Player
from commedia.retarget.cast import PAINTED, Cast
from commedia.structures import Frame, TrackedFace, TrackedFrame

Square = UInt8[np.ndarray, "s s 3"]

BACKDROP = 24
FACE_SHARE = 1.6
"""Side of an actor's picture over the longer side of the landmarks' box."""


def write_sheet(path: Path, tiles: Sequence[UInt8[np.ndarray, "h w 3"]], *, columns: int) -> None:
    """Write pictures of one size in rows of `columns` as a JPEG; one dark picture where there is none."""
    height, width = tiles[0].shape[:2] if tiles else (160, 160)
    rows = max(1, -(-len(tiles) // columns))
    sheet = np.full((rows * height, columns * width, 3), BACKDROP, dtype=np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * height, index % columns * width
        sheet[top : top + height, left : left + width] = tile
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    write_file(path, encoded.tobytes())


class Stage:
    """Draws actors of one clip beside the default head with their own face, as the preview plays it."""

    def __init__(self, side_px: int = 200, cast: Cast | None = None):
        """`cast` says who plays; None is the default head, painted."""
        self.side_px = side_px
        self._cast = cast or Cast(look=PAINTED)
        self._players: dict[int, Player] = {}

    def draw(
        self,
        frame: Frame,
        points_px: Float[np.ndarray, "68 2"],
        face: TrackedFace | None,
        title: str,
        below: str,
    ) -> UInt8[np.ndarray, "h w 3"]:
        """Draw the face at these points and, to its right, the character; `below` is written under both."""
        below = below if face is not None else "nobody found"
        return self.labelled([self.actor(frame.image, points_px), self.character(face)], title, below)

    def around(self, points_px: Float[np.ndarray, "68 2"]) -> Crop:
        """Points of a face to what is shown of the picture, upright as it is."""
        box = tight_box(points_px)
        return Crop(np.array(box.center_px, np.float32), FACE_SHARE * max(box.width_px, box.height_px))

    def actor(self, image: UInt8[np.ndarray, "h w 3"], points_px: Float[np.ndarray, "68 2"]) -> Square:
        """Cut out the face at these points."""
        return crop_image(image, self.around(points_px), self.side_px)

    def character(self, face: TrackedFace | None) -> Square:
        """Draw the character as it plays a face; an empty picture for nobody."""
        picture = np.full((self.side_px, self.side_px, 3), BACKDROP, dtype=np.uint8)
        if face is None:
            return picture
        pose = self._cast.poses(TrackedFrame(0, Fraction(0), (face,)))[face.id]
        self._player(face).draw(pose, picture, opacity=1.0)
        return picture

    def labelled(self, pictures: Sequence[Square], title: str, below: str) -> UInt8[np.ndarray, "h w 3"]:
        """Put pictures side by side, over a line with a title on its left and `below` on its right."""
        width = self.side_px * len(pictures)
        label = np.full((18, width, 3), BACKDROP, dtype=np.uint8)
        draw_text(label, title, (4.0, 9.0), size_px=11)
        draw_text(label, below, (width - 4.0, 9.0), size_px=11, anchor="rm")
        return np.concatenate([np.concatenate(pictures, axis=1), label])

    def _player(self, face: TrackedFace) -> Player:
        if face.id not in self._players:
            character = self._cast.character_for(face.id, face.params.identity)
            self._players[face.id] = Player(character)
        return self._players[face.id]
