"""Which pixels of faces show skin that nothing covers: from parse maps where there are any, else as a parser says."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, UInt8

from commedia.data.truth import PARSE_UNKNOWN
from commedia.face_model.model import PARSE_CLASSES
from commedia.faces.crop import Crop, crop_from_landmarks, crop_image
from commedia.faces.parser import SKIN_CLASSES, ParserPredictor, in_picture, skin_of
from commedia.training.pictures import FaceCrops

AT_ONCE = 32


def with_skin_masks(pictures: FaceCrops, parser: ParserPredictor) -> FaceCrops:
    """Give every picture without a skin mask one; masks of data sets stay."""
    size = pictures.images.shape[1]
    masks = np.full((len(pictures), size, size), 255, np.uint8) if pictures.masks is None else pictures.masks.copy()
    missing = (masks == 255).all((1, 2))
    if pictures.parse is not None:
        exact = missing & (pictures.parse != PARSE_UNKNOWN).all((1, 2))
        masks[exact] = np.where(_is_skin(pictures.parse[exact]), 255, 0)
        missing &= ~exact
    rows = np.flatnonzero(missing)
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        masks[some] = parsed_skin(pictures.images[some], pictures.faces.landmarks[some], parser)
    return replace(pictures, masks=masks)


def parsed_skin(
    images: UInt8[np.ndarray, "n s s 3"], landmarks: np.ndarray, parser: ParserPredictor
) -> UInt8[np.ndarray, "n s s"]:
    """How likely each pixel shows skin, 0 to 255; 0 outside the crop in which a face is read."""
    crops: list[Crop] = [crop_from_landmarks(points) for points in landmarks]
    side = parser.network.input_size
    cut = np.stack([crop_image(image, crop, side) for image, crop in zip(images, crops, strict=True)])
    size = (images.shape[2], images.shape[1])
    skins = [in_picture(skin, crop, size) for skin, crop in zip(skin_of(parser.parse_crops(cut)), crops, strict=True)]
    return (255 * np.stack(skins)).round().astype(np.uint8)


def _is_skin(parse: UInt8[np.ndarray, "n s s"]) -> Bool[np.ndarray, "n s s"]:
    return np.isin(parse, [PARSE_CLASSES.index(name) for name in SKIN_CLASSES])
