"""Ultra-Light RFB-640, a face detector that finds small faces, by ONNX Runtime; its file is given by path.

Labelling uses it to find faces in larger scenes and evaluation to get reference boxes. It is not part of the product:
MFN finds faces there. Its boxes are tighter than ours and end at the brow on some faces, so compare with care.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from jaxtyping import UInt8

from commedia.errors import CommediaError
from commedia.geometry.boxes import suppress, tight_box
from commedia.structures import Box

_WIDTH_PX, _HEIGHT_PX = 640, 480
_OVERLAP_LIMIT = 0.4


@dataclass(frozen=True)
class FoundFace:
    """One face of a picture, without parameters."""

    box: Box
    confidence: float
    """0 to 1."""


class FaceFinder:
    """The detector with its session; calls are independent of each other."""

    def __init__(self, detector: Path):
        if not detector.is_file():
            raise CommediaError(f"no face detector at '{detector}'; give 'ultralight-rfb-640.onnx'")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        # The published file lists its weights as inputs too, which the runtime warns about once per tensor.
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(detector, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors share no public base class
            raise CommediaError(f"'{detector}' is not a network ONNX Runtime can load") from error
        shape = self._session.get_inputs()[0].shape
        if shape[1:] != [3, _HEIGHT_PX, _WIDTH_PX] or len(self._session.get_outputs()) != 2:
            raise CommediaError(f"'{detector}' takes {shape}; the RFB-640 detector takes 1 x 3 x 480 x 640")

    def find(self, image: UInt8[np.ndarray, "h w 3"], *, confidence: float = 0.7) -> tuple[FoundFace, ...]:
        """Find the faces of one picture, most confident first."""
        scale = min(_WIDTH_PX / image.shape[1], _HEIGHT_PX / image.shape[0])
        width, height = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        canvas = np.full((_HEIGHT_PX, _WIDTH_PX, 3), 127, dtype=np.uint8)
        canvas[:height, :width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        batch = ((canvas.astype(np.float32) - 127) / 128).transpose(2, 0, 1)[None]
        outputs = self._session.run(None, {self._session.get_inputs()[0].name: batch})
        scores, corners = (np.asarray(output) for output in outputs)
        likely = scores[0, :, 1] >= confidence
        corners_px = corners[0][likely] * np.array([_WIDTH_PX, _HEIGHT_PX] * 2, dtype=np.float32)
        # Resizing rounds the size, so each axis has its own exact scale.
        corners_px *= np.array([image.shape[1] / width, image.shape[0] / height] * 2, dtype=np.float32)
        order = np.argsort(-scores[0, likely, 1], kind="stable")
        kept = order[suppress(corners_px[order], _OVERLAP_LIMIT)]
        return tuple(
            FoundFace(tight_box(corners_px[index].reshape(2, 2)), float(scores[0, likely, 1][index])) for index in kept
        )
