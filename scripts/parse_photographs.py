"""Give labelled photographs parse maps: what the fitted head shows where the picture agrees, else unknown. Example:

python scripts/parse_photographs.py labels/helen-train-000.tar --out parse-helen.tar

The outline of a fit is not trusted, nor skin of another colour than the middle of the face has: hair, hands, glasses.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Bool, UInt8

from commedia.data.sample import FaceSample
from commedia.data.shards import EncodedPicture, read_encoded, write_shard
from commedia.data.truth import PARSE_UNKNOWN, parse_classes
from commedia.errors import CommediaError
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import PARSE_CLASSES, load_head
from commedia.render.project import rotate, weak_perspective
from commedia.render.rasterize import rasterize

OUTLINE_SHARE = 0.035
"""Half the width of the band along a fit's outline that is not trusted, over the longer side of the landmarks' box."""
FARTHEST = 3.0
"""Standard deviations of colour from the middle of the face."""
SKIN, NOSE = PARSE_CLASSES.index("skin"), PARSE_CLASSES.index("nose")


def fitted_map(face: FaceSample, size: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
    """Draw what the head of a label shows, in a picture of this height and width."""
    head, pose = load_head(), face.pose
    assert face.identity is not None
    assert face.expression is not None
    vertices = torch.from_numpy(vertices_from_params(head.model, face.identity, face.expression))[None]
    place = torch.from_numpy(pose.origin_px)[None].float(), torch.tensor([float(pose.px_per_m)])
    points = weak_perspective(rotate(vertices, torch.from_numpy(pose.wxyz)[None]), *place)
    triangles = torch.from_numpy(head.model.triangles).long()
    raster = rasterize(points, triangles, size)
    nearest = triangles[raster.triangle].gather(1, raster.barycentric.argmax(1, keepdim=True))[:, 0]
    drawn = np.zeros(size[0] * size[1], np.uint8)
    drawn[raster.pixel.numpy()] = parse_classes(head)[nearest.numpy()]
    return drawn.reshape(size)


def trusted(
    image: UInt8[np.ndarray, "h w 3"], drawn: UInt8[np.ndarray, "h w"], side_px: float
) -> UInt8[np.ndarray, "h w"]:
    """Make unknown what the picture may not show as the fit has it."""
    band = max(1, round(OUTLINE_SHARE * side_px))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    face = (drawn > 0).astype(np.uint8)
    unsure = cv2.dilate(face, kernel) != cv2.erode(face, kernel)
    skin = np.isin(drawn, (SKIN, NOSE))
    kept = drawn.copy()
    kept[unsure | (skin & ~_coloured_like_the_middle(image, drawn, band))] = PARSE_UNKNOWN
    return kept


def _coloured_like_the_middle(
    image: UInt8[np.ndarray, "h w 3"], drawn: UInt8[np.ndarray, "h w"], band: int
) -> Bool[np.ndarray, "h w"]:
    """Say which pixels have a colour that the nose and the cheeks beside it have; their median and spread are taken."""
    around = cv2.dilate((drawn == NOSE).astype(np.uint8), np.ones((6 * band + 1, 6 * band + 1), np.uint8)) > 0
    middle = around & np.isin(drawn, (SKIN, NOSE))
    if middle.sum() < 20:
        return np.ones(drawn.shape, bool)
    colours = cv2.cvtColor(cv2.GaussianBlur(image, (0, 0), 0.8), cv2.COLOR_RGB2LAB).astype(np.float32)
    typical = np.median(colours[middle], axis=0)
    spread = 1.48 * np.median(np.abs(colours[middle] - typical), axis=0) + np.array([12.0, 4.0, 4.0])
    return (((colours - typical) / spread) ** 2).sum(-1) < FARTHEST**2


def parsed(pictures: Iterator[EncodedPicture]) -> Iterator[EncodedPicture]:
    """Pictures of one fitted face each, with their maps; others are left out."""
    for encoded in pictures:
        face = encoded.faces[0] if len(encoded.faces) == 1 else None
        if face is None or face.identity is None or face.expression is None or encoded.size[0] != encoded.size[1]:
            continue
        image = encoded.decoded().image
        side = float(np.ptp(face.landmarks_px, axis=0).max())
        kept = trusted(image, fitted_map(face, image.shape[:2]), side)
        yield replace(encoded, parse_png=cv2.imencode(".png", kept)[1].tobytes())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shard", type=Path, help="photographs that 'commedia label' labelled")
    parser.add_argument("--out", type=Path, required=True, help="the shard to write")
    parser.add_argument("--limit", type=int, help="take the first so many only")
    given = parser.parse_args()
    try:
        count = write_shard(given.out, parsed(islice(read_encoded(given.shard), given.limit)))
    except CommediaError as error:
        print(f"parse_photographs: {error}", file=sys.stderr)
        return 2
    print(f"{given.out}: {count} pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
