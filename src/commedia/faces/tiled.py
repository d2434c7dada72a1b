"""Tiled detection: the same detector on overlapping squares of the picture, for faces too small in the whole of it.

A face of 3 % of a picture is 8 pixels in what MFN sees of it, and 15 in a square as high as a 16:9 picture. Costs one
evaluation per square, two for 16:9; when that is worth it is decided in `tracking/`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import UInt8

from commedia.faces.protocol import DetectorProtocol
from commedia.geometry.boxes import corners_of, suppress
from commedia.structures import Box, Face

SQUARES_LONGEST = 3
"""Squares along the longer side at most; a panorama's are larger than its shorter side."""
SHARED = 0.15
"""Least overlap of neighbouring squares, as a share of their side: larger faces than that are seen in the whole."""
SMALL = 0.3
"""Only faces smaller than this share of a square are taken from it."""
SAME_FACE_IOU = 0.3


@dataclass(frozen=True)
class TiledDetector:
    """Finds what `detector` finds in the whole picture and in its squares; implements `DetectorProtocol`."""

    detector: DetectorProtocol

    def detect(self, image: UInt8[np.ndarray, "h w 3"]) -> list[Face]:
        """Find every face, most confident first; each once."""
        faces = list(self.detector.detect(image))
        for left, top, side in squares(*image.shape[:2]):
            part = np.ascontiguousarray(image[top : top + side, left : left + side])
            seen = (shifted(face, left, top) for face in self.detector.detect(part))
            faces += [face for face in seen if _is_whole(face.box, (left, top, side), image.shape[:2])]
        faces.sort(key=lambda face: -face.confidence)
        return [faces[index] for index in suppress(corners_of(face.box for face in faces), SAME_FACE_IOU)]


def squares(height_px: int, width_px: int) -> Iterator[tuple[int, int, int]]:
    """Cover a picture with equal overlapping squares: left, top, side. A square picture is cut in four."""
    longer, shorter = max(height_px, width_px), min(height_px, width_px)
    if longer < 1.25 * shorter:
        side = round(longer * (1 + SHARED) / 2)
    else:
        side = max(shorter, round(longer / (SQUARES_LONGEST - (SQUARES_LONGEST - 1) * SHARED)))
    for top in _starts(height_px, side):
        for left in _starts(width_px, side):
            yield left, top, side


def _starts(extent_px: int, side: int) -> list[int]:
    """Spread squares evenly over one axis."""
    if extent_px <= side:
        return [0]
    count = int(np.ceil((extent_px - SHARED * side) / ((1 - SHARED) * side) - 1e-6))
    return [round(start) for start in np.linspace(0, extent_px - side, count)]


def shifted(face: Face, left_px: int, top_px: int) -> Face:
    """Place a face of a cut-out in the picture it was cut from."""
    box, shift = face.box, np.array([left_px, top_px], dtype=np.float32)
    moved = Box(box.left_px + left_px, box.top_px + top_px, box.right_px + left_px, box.bottom_px + top_px)
    if face.params is None or face.landmarks_px is None:
        return replace(face, box=moved)
    pose = face.params.pose
    placed = replace(pose, origin_px=(pose.origin_px + shift).astype(np.float32))
    landmarks = (face.landmarks_px + shift).astype(np.float32)
    return replace(face, box=moved, params=replace(face.params, pose=placed), landmarks_px=landmarks)


def _is_whole(box: Box, square: tuple[int, int, int], shape: tuple[int, int]) -> bool:
    """Say whether a face is small and not cut off by an edge of the square that is no edge of the picture."""
    left, top, side = square
    height, width = shape
    small = max(box.width_px, box.height_px) <= SMALL * side
    inside_x = (box.left_px > left or left == 0) and (box.right_px < left + side or left + side >= width)
    inside_y = (box.top_px > top or top == 0) and (box.bottom_px < top + side or top + side >= height)
    return small and inside_x and inside_y
