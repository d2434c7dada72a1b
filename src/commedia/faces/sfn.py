"""SFN as a user of faces sees it: crops of a picture in, `FaceParams` out."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import UInt8

from commedia.face_model.model import HeadModel, head_or_default
from commedia.faces.crop import Crop, CropParams, crop_image, params_in_crops
from commedia.faces.mirrored import agreed, with_mirrored
from commedia.faces.session import DEFAULT_THREADS, OnnxSession, open_session, pixels_from_images
from commedia.faces.weights import DEFAULT_SFN, find_weights
from commedia.structures import FaceParams

SFN_OUTPUTS = CropParams._fields
PRESENCE = "presence"
"""Only of networks that were taught to judge."""


@dataclass(frozen=True)
class SfnPredictor:
    """Reads faces from their crops with SFN; implements `RegressorProtocol`."""

    network: OnnxSession
    head: HeadModel
    """Whose identity components the network reads."""
    flip_average: bool = False
    """Read every face a second time, mirrored, and take the mean: see `mirrored.py`."""

    def regress(self, image: UInt8[np.ndarray, "h w 3"], crops: list[Crop]) -> list[FaceParams]:
        """Read one face per crop, all in one evaluation."""
        if not crops:
            return []
        images = np.stack([crop_image(image, crop, self.network.input_size) for crop in crops])
        outputs = self.network.run(pixels_from_images(with_mirrored(images) if self.flip_average else images))
        identity, expression, wxyz, translation, scale = (outputs[name] for name in SFN_OUTPUTS)
        crop_params = CropParams(identity, expression, wxyz, translation, scale.reshape(-1))
        crop_params = agreed(crop_params, self.head.identity_mirror) if self.flip_average else crop_params
        params = params_in_crops(crop_params, crops)
        if PRESENCE not in outputs:
            return params
        # Of two predictions the first half: who is there must not depend on how they are read.
        presence = outputs[PRESENCE].reshape(-1)[: len(crops)].tolist()
        return [replace(face, presence=sure) for face, sure in zip(params, presence, strict=True)]


def open_sfn(
    name: str = DEFAULT_SFN,
    *,
    threads: int = DEFAULT_THREADS,
    flip_average: bool = False,
    head: HeadModel | None = None,
) -> SfnPredictor:
    """Open SFN by the name of shipped weights or by the path of an .onnx file."""
    network = open_session(find_weights(name), kind="sfn", outputs=SFN_OUTPUTS, optional=(PRESENCE,), threads=threads)
    return SfnPredictor(network, head_or_default(head), flip_average)
