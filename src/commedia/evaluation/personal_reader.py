"""Paper 2's networks as a reader of people: crops of one person to a face model of their own, frame by frame. Torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from commedia.conventions import IDENTITY_COUNT
from commedia.errors import WeightsMismatch
from commedia.evaluation.person_reading import Image, PersonReading
from commedia.face_model.chart import load_chart
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import HeadModel, head_or_default
from commedia.faces.crop import Crop, crop_image
from commedia.networks.paper2.personal import PersonalNet
from commedia.networks.paper3.cpem import CpemOutputs
from commedia.networks.weights import network_from_weights
from commedia.training.batches import pixels_from_images, unit_pixels
from commedia.training.face_model import default_face_model
from commedia.training.modelled_face import ModelledFace


@dataclass(frozen=True)
class PersonalReader:
    """A trained network, and the face that its maps correct."""

    network: PersonalNet
    face: ModelledFace
    head: HeadModel

    @torch.no_grad()
    def read(self, images: Sequence[Image], crops: Sequence[Crop]) -> PersonReading:
        """Make one model of all frames; each is drawn with it as the network reads the frame."""
        size, charts = self.network.config.input_size, self.network.config.model.frames == "charts"
        cut = [crop_image(image, crop, size) for image, crop in zip(images, crops, strict=True)]
        pixels = unit_pixels(pixels_from_images(cut))
        modelled = self.network.read(pixels, 1, len(images), self.face.on_chart if charts else None)
        faces, corrected = modelled.faces, self.face.corrected(modelled)
        vertices = self.face.vertices(faces, corrected)
        albedo = self.face.albedo(faces, corrected, modelled.mean_albedo)
        drawn = self.face.pictures(faces, vertices, albedo, size)
        points = self.face.points(faces, corrected, len(images)).numpy()
        return PersonReading(
            self._whole(faces, vertices.numpy()),
            np.stack([in_picture(one, crop) for one, crop in zip(points, crops, strict=True)]),
            (255 * drawn.image.clamp(0, 1)).round().byte().numpy(),
            drawn.mask.numpy(),
        )

    def _whole(self, faces: CpemOutputs, skin: Float[np.ndarray, "b n 3"]) -> Float[np.ndarray, "b v 3"]:
        """The template's head, with the skin of the face as it was said."""
        identity = faces.identity.numpy() if faces.identity.shape[1] else np.zeros((len(skin), IDENTITY_COUNT))
        expression = faces.expression.numpy()
        rows = zip(identity, expression, strict=True)
        heads = np.stack([vertices_from_params(self.head.model, *row) for row in rows])
        heads[:, load_chart().vertices] = skin
        return heads


def in_picture(points: Float[np.ndarray, "68 2"], crop: Crop) -> Float[np.ndarray, "68 2"]:
    """Crop units to the pixels of the picture."""
    return (crop.center_px + crop.side_px * points @ crop.image_from_crop.T).astype(np.float32)


def open_personal(name: str) -> PersonalReader:
    """Open weights of `personal-...`; raises WeightsMismatch for those of another network."""
    network = network_from_weights(Path(name))
    if not isinstance(network, PersonalNet):
        raise WeightsMismatch(f"'{name}' holds another network than paper 2's; its .onnx file reads faces one by one")
    face = ModelledFace(default_face_model(), network.config.model.map_size).eval()
    return PersonalReader(network, face, head_or_default(None))
