"""SFN as a user of faces sees it: crops of a picture in, `FaceParams` out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, UInt8

from commedia.face_model.model import HeadModel, head_or_default, load_head
from commedia.faces.crop import Crop, CropParams, crop_image, params_in_crops
from commedia.faces.landmarks import landmarks_of_faces
from commedia.faces.marks import Marks, marks_of
from commedia.faces.mirrored import agreed, with_mirrored
from commedia.faces.protocol import Landmarker, RegressorProtocol
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
    marks: Marks | None = None
    """Where people mark what it reads; None of networks that were not fitted to marks."""

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

    def landmarks(self, faces: Sequence[FaceParams]) -> list[Float[np.ndarray, "68 2"]]:
        """Place the 68 points of faces that it read: where people mark them, as far as it was fitted to marks."""
        return landmarks_of_faces(faces, self.head, self.marks)


def landmarker_of(regressor: RegressorProtocol) -> Landmarker:
    """Say how landmarks of what was read are placed: SFN's own way, or the head's points."""
    return regressor.landmarks if isinstance(regressor, SfnPredictor) else landmarks_of_faces


def open_sfn(
    name: str = DEFAULT_SFN,
    *,
    threads: int = DEFAULT_THREADS,
    flip_average: bool = False,
    head: HeadModel | None = None,
) -> SfnPredictor:
    """Open SFN by the name of shipped weights or by the path of an .onnx file; its marks are those of our head."""
    path, head = find_weights(name), head_or_default(head)
    network = open_session(path, kind="sfn", outputs=SFN_OUTPUTS, optional=(PRESENCE,), threads=threads)
    marks = marks_of(path.name, network.metadata) if head is load_head() else None
    return SfnPredictor(network, head, flip_average, marks)
