"""What the pixels of faces show, class by class: crops as SFN reads them in, maps of half their side out."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from commedia.face_model.model import PARSE_CLASSES
from commedia.faces.crop import Crop, crop_image
from commedia.faces.session import DEFAULT_THREADS, OnnxSession, open_session, pixels_from_images
from commedia.faces.weights import DEFAULT_PARSER, find_weights
from commedia.geometry.placement import affine_between, warp

PARSER_OUTPUTS = ("classes",)

SKIN_CLASSES = ("skin", "left_brow", "right_brow", "nose", "upper_lip", "lower_lip")
"""What paper 3's photometric loss compares; which classes the authors took is not published."""

_COLOURS = np.array(
    [
        *([0, 0, 0], [250, 200, 150], [220, 40, 40], [120, 20, 20], [60, 230, 90], [20, 120, 40]),
        *([60, 60, 240], [240, 60, 240], [250, 240, 60], [60, 230, 240]),
    ],
    dtype=np.uint8,
)
_OTHER = (128, 128, 128)
"""Covered, or unknown."""


@dataclass(frozen=True)
class ParserPredictor:
    """Says what pixels of faces show with the parser network."""

    network: OnnxSession

    def parse(self, image: UInt8[np.ndarray, "h w 3"], crops: Sequence[Crop]) -> Float[np.ndarray, "n k s s"]:
        """How likely each of `PARSE_CLASSES` is at each pixel of the crops' maps, one run of the network for all."""
        if not crops:
            return np.zeros((0, len(PARSE_CLASSES), 1, 1), np.float32)
        return self.parse_crops(np.stack([crop_image(image, crop, self.network.input_size) for crop in crops]))

    def parse_crops(self, crops: UInt8[np.ndarray, "n h w 3"]) -> Float[np.ndarray, "n k s s"]:
        """The same of crops that are cut already, at the network's `input_size`."""
        return self.network.run(pixels_from_images(crops))["classes"]


def open_parser(name: str = DEFAULT_PARSER, *, threads: int = DEFAULT_THREADS) -> ParserPredictor:
    """Open the parser by the name of shipped weights or by the path of an .onnx file."""
    path = find_weights(name)
    return ParserPredictor(open_session(path, kind="parser", outputs=PARSER_OUTPUTS, threads=threads, of_head=False))


def skin_of(parsed: Float[np.ndarray, "n k s s"]) -> Float[np.ndarray, "n s s"]:
    """How likely each pixel shows skin that nothing covers: without eyes and the inside of the mouth."""
    return parsed[:, [PARSE_CLASSES.index(name) for name in SKIN_CLASSES]].sum(axis=1)


def in_picture(of_crop: Float[np.ndarray, "s s"], crop: Crop, size: tuple[int, int]) -> Float[np.ndarray, "h w"]:
    """Lay a map of a crop where the crop was cut out of a picture of this width and height; 0 around it."""
    cell = crop.side_px / len(of_crop)
    middle = np.full(2, len(of_crop) / 2)
    return warp(of_crop, affine_between(cell * crop.image_from_crop, middle, crop.center_px), size)


def painted(image: UInt8[np.ndarray, "h w 3"], parse: UInt8[np.ndarray, "s s"]) -> UInt8[np.ndarray, "h w 3"]:
    """Lay the colours of classes over the picture they are of."""
    colours = np.full((*parse.shape, 3), _OTHER, np.uint8)
    known = parse < len(_COLOURS)
    colours[known] = _COLOURS[parse[known]]
    fitted = cv2.resize(colours, image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.addWeighted(image, 0.45, fitted, 0.55, 0), np.uint8)
