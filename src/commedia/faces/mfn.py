"""MFN as a user of faces sees it: pictures in, every `Face` in them out."""

from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from jaxtyping import Float, UInt8

from commedia.face_model.model import HeadModel, head_or_default
from commedia.faces.crop import Crop, CropParams, crop_from_box, crop_image, params_in_crops
from commedia.faces.grid import DEFAULT_THRESHOLD, GridFaces, decode_grid, read_rows, with_predictions
from commedia.faces.landmarks import landmarks_of_faces
from commedia.faces.letterbox import boxes_in_image, letterbox_for, letterbox_image
from commedia.faces.protocol import Landmarker
from commedia.faces.session import DEFAULT_THREADS, OnnxSession, anchors_of, open_session, pixels_from_images
from commedia.faces.weights import DEFAULT_MFN, find_weights
from commedia.structures import Box, Face, FaceParams

MFN_OUTPUTS = ("grid",)


@dataclass(frozen=True)
class MfnPredictor:
    """Finds and reads all faces of a picture in one pass; a network trained to detect only leaves everybody at rest."""

    network: OnnxSession
    anchors: Float[np.ndarray, "a 2"]
    """Width and height in grid cells."""
    threshold: float = DEFAULT_THRESHOLD
    """Least confidence of a face."""
    landmarker: Landmarker = field(default=landmarks_of_faces)

    def detect(self, image: UInt8[np.ndarray, "h w 3"]) -> list[Face]:
        """Find every face, most confident first."""
        letterbox = letterbox_for(image.shape[0], image.shape[1], self.network.input_size)
        grid = self._grids(letterbox_image(image, letterbox)[None])[0]
        found = decode_grid(grid, self.anchors, threshold=self.threshold)
        boxes = boxes_in_image(found.corners, letterbox)
        params = _params_in_boxes(found, boxes)
        landmarks = self.landmarker(params)
        return [
            Face(box, float(confidence), face, points)
            for box, confidence, face, points in zip(boxes, found.confidence, params, landmarks, strict=True)
        ]

    def regress(self, image: UInt8[np.ndarray, "h w 3"], crops: list[Crop]) -> list[FaceParams]:
        """Read in each crop the face MFN is most sure of: to compare with SFN, at one evaluation of MFN per crop."""
        if not crops:
            return []
        crops = [replace(crop, roll=0.0) for crop in crops]  # boxes are upright
        images = np.stack([crop_image(image, crop, self.network.input_size) for crop in crops])
        params = []
        for grid, crop in zip(self._grids(images), crops, strict=True):
            best = read_rows(grid, grid[:, 4].argmax(keepdims=True), self.anchors)
            params += _params_in_boxes(best, [_box_in_crop(best.corners[0], crop)])
        return params

    def _grids(self, images: UInt8[np.ndarray, "b s s 3"]) -> Float[np.ndarray, "b n k"]:
        return with_predictions(self.network.run(pixels_from_images(images))["grid"])


def open_mfn(
    name: str = DEFAULT_MFN,
    *,
    threads: int = DEFAULT_THREADS,
    threshold: float = DEFAULT_THRESHOLD,
    head: HeadModel | None = None,
) -> MfnPredictor:
    """Open MFN by the name of shipped weights or by the path of an .onnx file."""
    path = find_weights(name)
    network = open_session(path, kind="mfn", outputs=MFN_OUTPUTS, threads=threads)
    landmarker = partial(landmarks_of_faces, head=head_or_default(head))
    return MfnPredictor(network, anchors_of(path.name, network.metadata), threshold, landmarker)


def _params_in_boxes(found: GridFaces, boxes: list[Box]) -> list[FaceParams]:
    _, _, *crop_params = found
    return params_in_crops(CropParams(*crop_params), [crop_from_box(box) for box in boxes])


def _box_in_crop(corners: Float[np.ndarray, "4"], crop: Crop) -> Box:
    left, top, right, bottom = np.tile(crop.center_px, 2) + (corners - 0.5) * crop.side_px
    return Box(float(left), float(top), float(right), float(bottom))
