"""Pictures with many faces for MFN, made on the fly: mosaics of single faces, and scenes moved, turned and zoomed.

A mosaic cuts the canvas into random rectangles and fills each with a face at a random size, a piece of a picture
without faces, or plain colour. Faces range from 9 to 250 pixels of a 288 canvas.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from commedia.faces.crop import PADDING_GREY
from commedia.networks.paper1.mfn import MFN_SIZE
from commedia.training.config import Augmentation
from commedia.training.decoys import add_decoys
from commedia.training.labels import FaceArrays, Placement, joined, placed
from commedia.training.pictures import FaceCrops, Picture, redrawn

FACES_MAX = 20
"""Paper 1 removes pictures with more."""
SMALLEST_PX = 0.02 * MFN_SIZE
"""Paper 1 removes faces below 2 % of the picture."""
SMALLEST_TILE = 16
VISIBLE_MIN = 0.5
"""A face less visible than this is no longer asked for."""

Canvas = UInt8[np.ndarray, "288 288 3"]


def mosaic(
    face_crops: FaceCrops,
    empty: Sequence[Picture],
    config: Augmentation,
    identity_mirror: Float[np.ndarray, "i"],
    rng: np.random.Generator,
) -> tuple[Canvas, FaceArrays]:
    """Compose a picture from single faces and empty scenes."""
    canvas = np.full((MFN_SIZE, MFN_SIZE, 3), PADDING_GREY, dtype=np.uint8)
    if empty and rng.random() < 0.8:
        _fill_empty(canvas, (0, 0, MFN_SIZE, MFN_SIZE), empty, rng)
    faces = [face_crops.faces.at(slice(0, 0))]
    for tile in _tiles(rng):
        left, top, right, bottom = tile
        choice = rng.random()
        if choice < 0.8 and len(faces) <= FACES_MAX:
            pixels, arrays = _face_tile(face_crops, (right - left, bottom - top), config, identity_mirror, rng)
            canvas[top:bottom, left:right] = pixels
            faces.append(_moved(arrays, left, top))
        elif choice < 0.9 and empty:
            _fill_empty(canvas, tile, empty, rng)
        elif choice > 0.96:
            canvas[top:bottom, left:right] = rng.integers(0, 256, size=3)
    placed_faces = joined(faces)
    add_decoys(canvas, placed_faces.box, face_crops, rng)
    return canvas, placed_faces


def scene_view(
    picture: Picture, config: Augmentation, identity_mirror: Float[np.ndarray, "i"], rng: np.random.Generator
) -> tuple[Canvas, FaceArrays]:
    """Show a scene letterboxed, then zoomed, moved, turned and mirrored at random."""
    height, width = picture.image.shape[:2]
    fit = MFN_SIZE / max(height, width)
    zoom = rng.uniform(*config.scale) if rng.random() < 0.7 else np.exp(rng.uniform(np.log(0.5), np.log(2.5)))
    placement = Placement(
        roll=_roll(config, rng),
        scale=fit * zoom,
        mirror=bool(rng.random() < config.flip),
        source_px=np.array([width, height]) / 2,
        target_px=MFN_SIZE * (0.5 + rng.uniform(-config.shift, config.shift, size=2) * max(1.0, 2 * zoom - 1)),
    )
    return framed(picture, placement, identity_mirror)


def letterboxed(picture: Picture, identity_mirror: Float[np.ndarray, "i"]) -> tuple[Canvas, FaceArrays]:
    """Show a scene as inference will: longer side to 288, centred, grey around."""
    height, width = picture.image.shape[:2]
    middle = np.full(2, MFN_SIZE / 2)
    return framed(
        picture,
        Placement(0.0, MFN_SIZE / max(height, width), False, np.array([width, height]) / 2, middle),
        identity_mirror,
    )


def framed(
    picture: Picture, placement: Placement, identity_mirror: Float[np.ndarray, "i"]
) -> tuple[Canvas, FaceArrays]:
    """Redraw a scene on the canvas and keep the faces that can still be seen."""
    pixels = redrawn(picture.image, placement, (MFN_SIZE, MFN_SIZE))
    return pixels, visible(placed(picture.faces, placement, identity_mirror))


def visible(faces: FaceArrays) -> FaceArrays:
    """Keep faces whose centre and at least half of whose box are on the canvas, the largest twenty."""
    inside = np.clip(faces.box, 0, MFN_SIZE)
    size, seen = faces.box[:, 2:] - faces.box[:, :2], inside[:, 2:] - inside[:, :2]
    center = (faces.box[:, :2] + faces.box[:, 2:]) / 2
    keep = (seen.prod(1) >= VISIBLE_MIN * size.prod(1)) & (size.max(1) >= SMALLEST_PX)
    keep &= ((center > 0) & (center < MFN_SIZE)).all(1)
    rows = np.flatnonzero(keep)
    return faces.at(rows[np.argsort(-size[rows].prod(1), kind="stable")][:FACES_MAX])


def _tiles(rng: np.random.Generator) -> list[tuple[int, int, int, int]]:
    """Cut the canvas by random straight cuts until tiles are as small as this picture's own liking."""
    finest = float(np.exp(rng.uniform(np.log(26), np.log(MFN_SIZE))))
    waiting, done = [(0, 0, MFN_SIZE, MFN_SIZE)], []
    while waiting:
        left, top, right, bottom = waiting.pop()
        width, height = right - left, bottom - top
        longer = max(width, height)
        if longer <= finest * rng.uniform(0.8, 2.0) or longer < 2 * SMALLEST_TILE:
            done.append((left, top, right, bottom))
            continue
        cut = int(longer * rng.uniform(0.3, 0.7))
        if width >= height:
            waiting += [(left, top, left + cut, bottom), (left + cut, top, right, bottom)]
        else:
            waiting += [(left, top, right, top + cut), (left, top + cut, right, bottom)]
    rng.shuffle(done)
    return done


def _face_tile(
    face_crops: FaceCrops,
    size: tuple[int, int],
    config: Augmentation,
    identity_mirror: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, FaceArrays]:
    """Put one face whole into a tile, at 45 to 95 % of what fits."""
    row = int(rng.integers(len(face_crops)))
    face = face_crops.face(row)
    roll = _roll(config, rng)
    mirror = bool(rng.random() < config.flip)
    box = placed(face, Placement(roll, 1.0, mirror, np.zeros(2), np.zeros(2)), identity_mirror).box[0]
    extent = box[2:] - box[:2]
    scale = float(min(np.array(size) / extent)) * rng.uniform(0.45, 0.95)
    scale = float(np.clip(scale, 9 / extent.max(), 250 / extent.max()))
    slack = np.maximum(np.array(size) - extent * scale, 0)
    center = np.array(size) / 2 + slack / 2 * rng.uniform(-1, 1, size=2)
    placement = Placement(roll, scale, mirror, (face.box[0, :2] + face.box[0, 2:]) / 2, center)
    border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_CONSTANT
    return redrawn(face_crops.images[row], placement, size, border=border), placed(face, placement, identity_mirror)


def _roll(config: Augmentation, rng: np.random.Generator) -> float:
    """Radians: any of the circle, or one within the range of the recipe, or, as often, none."""
    reach = 180.0 if rng.random() < config.turned else config.roll_deg * (rng.random() < 0.5)
    return float(np.deg2rad(rng.uniform(-reach, reach)))


def _fill_empty(
    canvas: np.ndarray, tile: tuple[int, int, int, int], empty: Sequence[Picture], rng: np.random.Generator
) -> None:
    left, top, right, bottom = tile
    image = empty[int(rng.integers(len(empty)))].image
    side = max(right - left, bottom - top)
    crop = int(min(min(image.shape[:2]), max(side * rng.uniform(0.7, 2.0), 16)))
    y, x = (int(rng.integers(0, extent - crop + 1)) for extent in image.shape[:2])
    piece = cv2.resize(image[y : y + crop, x : x + crop], (side, side), interpolation=cv2.INTER_AREA)
    canvas[top:bottom, left:right] = piece[: bottom - top, : right - left]


def _moved(faces: FaceArrays, left: int, top: int) -> FaceArrays:
    shift = np.array([left, top], dtype=np.float32)
    return faces._replace(box=faces.box + np.tile(shift, 2), landmarks=faces.landmarks + shift)
