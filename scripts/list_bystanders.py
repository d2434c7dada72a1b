"""Copy shards without the pictures that show a face nobody labelled: they would teach a detector to overlook faces.

python scripts/list_bystanders.py shards/lfw-000.tar -o clean --detector ultralight-rfb-640.onnx
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from commedia.data.shards import EncodedPicture, read_encoded, write_shard
from commedia.errors import CommediaError
from commedia.geometry.boxes import intersection_over_union
from commedia.labelling.rfb import FaceFinder
from commedia.structures import Box

SAME_FACE = 0.3
"""Overlap above which a found face is the labelled one; the detector's boxes are tighter than ours."""


TILE = 208
COLUMNS, ROWS = 3, 2
"""Pictures on one canvas of the detector's own 640 x 480: six for the price of one."""


def without_bystanders(pictures: Sequence[EncodedPicture], finder: FaceFinder, confidence: float) -> list[bool]:
    """Tell for each of at most six pictures whether the detector finds only faces that overlap a labelled one."""
    canvas = np.full((480, 640, 3), 127, dtype=np.uint8)
    places = [(column * 213 + 2, row * 240 + 16) for row in range(ROWS) for column in range(COLUMNS)]
    scales = [TILE / max(picture.size) for picture in pictures]
    for picture, scale, (left, top) in zip(pictures, scales, places, strict=False):
        image = cv2.resize(picture.decoded().image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        canvas[top : top + image.shape[0], left : left + image.shape[1]] = image[:TILE, :TILE]
    found = finder.find(canvas, confidence=confidence)
    alone: list[bool] = []
    for picture, scale, (left, top) in zip(pictures, scales, places, strict=False):
        known = [moved(face.box, scale, left, top) for face in picture.faces]
        tile = Box(left, top, left + TILE, top + TILE)
        here = [face.box for face in found if contains(tile, face.box.center_px)]
        alone.append(all(any(intersection_over_union(box, one) >= SAME_FACE for one in known) for box in here))
    return alone


def moved(box: Box, scale: float, left: float, top: float) -> Box:
    """Place a box of a picture on the canvas."""
    return Box(
        box.left_px * scale + left, box.top_px * scale + top, box.right_px * scale + left, box.bottom_px * scale + top
    )


def contains(box: Box, point: tuple[float, float]) -> bool:
    """Tell whether a point lies in a box."""
    return box.left_px <= point[0] < box.right_px and box.top_px <= point[1] < box.bottom_px


def main() -> int:
    parser = argparse.ArgumentParser(description="Copy shards without the pictures that show a face nobody labelled.")
    parser.add_argument("shards", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the copies, of the same names")
    parser.add_argument("--detector", type=Path, required=True, help="the RFB-640 face detector, an .onnx file")
    parser.add_argument("--confidence", type=float, default=0.5, help="low, since a lost picture costs little")
    given = parser.parse_args()
    try:
        finder = FaceFinder(given.detector)
        for path in given.shards:
            if (given.output / path.name).resolve() == path.resolve():
                raise CommediaError(f"the copy of '{path}' would replace it; choose another folder")
            pictures = list(read_encoded(path))
            six = [pictures[start : start + COLUMNS * ROWS] for start in range(0, len(pictures), COLUMNS * ROWS)]
            alone = (keep for few in six for keep in without_bystanders(few, finder, given.confidence))
            clean = (picture for picture, keep in zip(pictures, alone, strict=True) if keep)
            kept = write_shard(given.output / path.name, clean)
            print(f"{path.name}: {len(pictures) - kept} of {len(pictures)} pictures show a bystander", flush=True)
    except CommediaError as error:
        print(f"list_bystanders: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
