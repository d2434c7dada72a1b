"""Paper 2's networks as readers of people: the prior's shape and what maps add to it, and where everything lies."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from commedia.errors import WeightsMismatch
from commedia.evaluation.person_readers import open_person_reader
from commedia.evaluation.person_reading import FaceByFace, PersonReading
from commedia.evaluation.personal_reader import PersonalReader, open_personal
from commedia.face_model.chart import load_chart
from commedia.face_model.model import load_head
from commedia.faces.crop import Crop, CropParams, crop_image, params_in_crops
from commedia.networks.paper2.modelnet import SHAPE_UNIT_M, ModelNetConfig
from commedia.networks.paper2.personal import PersonalConfig, PersonalNet
from commedia.networks.paper2.tracknet import TrackNetConfig
from commedia.networks.paper3.cpem import Cpem, CpemConfig
from commedia.networks.weights import save_weights
from commedia.structures import FaceParams

CONFIG = PersonalConfig(
    64,
    TrackNetConfig(width_mult=0.125, hidden=(), identity_count=50, texture_count=40),
    ModelNetConfig("charts", 32, encoder=(8, 16, 24), decoder=(16, 8)),
)
CROPS = [Crop(np.array([50.0, 40.0], np.float32), 60.0), Crop(np.array([40.0, 50.0], np.float32), 80.0, 0.3)]


def read(network: PersonalNet, folder: Path) -> PersonReading:
    save_weights(folder / "a.safetensors", network, {})
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (90, 100, 3), dtype=np.uint8) for _ in CROPS]
    reader = open_person_reader(str(folder / "a.safetensors"))
    assert isinstance(reader, PersonalReader)
    return reader.read(images, CROPS)


def network(config: PersonalConfig = CONFIG) -> PersonalNet:
    torch.manual_seed(1)
    return PersonalNet(config).eval()


@pytest.mark.parametrize("frames", ["charts", "pictures"])
def test_maps_move_the_face_and_nothing_else(frames: str, tmp_path: Path) -> None:
    shape = (8, 16, 16), (16, 8, 8)
    config = CONFIG if frames == "charts" else replace(CONFIG, model=ModelNetConfig("pictures", 32, *shape))
    plain, moved = network(config), network(config)
    with torch.no_grad():
        assert moved.model.shape is not None
        moved.model.shape.last.bias[2] = 1.5  # z of the face at rest
    first, second = read(plain, tmp_path), read(moved, tmp_path)
    change, skin = second.vertices - first.vertices, load_chart().vertices
    np.testing.assert_allclose(
        change[:, skin], np.broadcast_to([0, 0, 1.5 * SHAPE_UNIT_M], change[:, skin].shape), atol=1e-6
    )
    assert not np.delete(change, skin, axis=1).any()


def test_a_person_has_one_identity_and_their_points_lie_on_the_drawn_face(tmp_path: Path) -> None:
    said = read(network(), tmp_path)
    assert said.drawn is not None
    assert said.mask is not None
    assert said.drawn.shape == (2, 64, 64, 3)
    for crop, points, mask, drawn in zip(CROPS, said.landmarks_px, said.mask, said.drawn, strict=True):
        inner = (points[[30, 33, 27]] - crop.center_px) @ crop.image_from_crop / crop.side_px + 0.5
        columns, rows = (64 * inner).astype(int).T
        assert mask[rows, columns].all()
        assert not drawn[~mask].any()


class OneByOne:
    """The same network as a reader of single faces."""

    def __init__(self, network: PersonalNet):
        self.network = network

    @torch.no_grad()
    def regress(self, image: np.ndarray, crops: list[Crop]) -> list[FaceParams]:
        pixels = np.stack([crop_image(image, crop, 64) for crop in crops])
        said = self.network(torch.from_numpy(pixels).movedim(-1, 1).float() / 255)
        identity, expression, wxyz, place, scale = (part.numpy() for part in said[:5])
        return params_in_crops(CropParams(identity, expression, wxyz, place, scale[:, 0]), crops)


def test_the_prior_says_what_it_says_face_by_face(tmp_path: Path) -> None:
    prior = network(replace(CONFIG, model=replace(CONFIG.model, shape=False, albedo=False)))
    said = read(prior, tmp_path)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (90, 100, 3), dtype=np.uint8) for _ in CROPS]
    again = FaceByFace(OneByOne(prior), load_head()).read(images, CROPS)
    np.testing.assert_allclose(said.vertices, again.vertices, atol=1e-5)
    # One places points through a pinhole, the other without foreshortening.
    np.testing.assert_allclose(said.landmarks_px, again.landmarks_px, atol=0.05 * CROPS[1].side_px)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_weights(tmp_path / "b.safetensors", Cpem(CpemConfig("resnet18", 0.125)), {})
    with pytest.raises(WeightsMismatch, match="another network than paper 2's"):
        open_personal(str(tmp_path / "b.safetensors"))
