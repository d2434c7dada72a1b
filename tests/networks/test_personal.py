"""Paper 2's networks: an untrained one leaves the template; frames of a person agree, whatever their order."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from commedia.conventions import EXPRESSION_COUNT
from commedia.face_model.model import head_sha256
from commedia.faces.crop import Crop
from commedia.faces.sfn import open_sfn
from commedia.networks.backbones import parameter_count
from commedia.networks.export import write_onnx
from commedia.networks.heads import FaceOutputs
from commedia.networks.paper2.modelnet import CHART_CHANNELS, ModelNet, ModelNetConfig
from commedia.networks.paper2.personal import PersonalConfig, PersonalNet, agreed_on
from commedia.networks.paper2.tracknet import TrackNetConfig
from commedia.networks.paper3.cpem import Cpem, CpemConfig
from commedia.networks.registry import config_from_json, config_to_json, made_up_pictures, network_for, spec_of_config
from commedia.networks.weights import save_weights, start_from

PICTURES = ModelNetConfig("pictures", 32, encoder=(8, 16, 16), decoder=(16, 8, 8))
CHARTS = ModelNetConfig("charts", 32, encoder=(8, 16, 24), decoder=(16, 8))
TRACK = TrackNetConfig(width_mult=0.125, hidden=(), identity_count=50, texture_count=40)
SMALL = PersonalConfig(64, TRACK, PICTURES)


def trained(config: PersonalConfig) -> PersonalNet:
    """A network whose last layers say something."""
    torch.manual_seed(0)
    network = PersonalNet(config).eval()
    for decoder in (network.model.shape, network.model.albedo):
        if decoder is not None:
            torch.nn.init.normal_(decoder.last.weight)
    return network


def test_the_papers_networks_are_as_the_paper_says() -> None:
    with torch.device("meta"):
        network = PersonalNet()
        assert parameter_count(network.tracker.trunk) == 11_689_512 - 513_000  # ResNet-18 without its classifier
        maps = network.model(torch.zeros(4, 3, 224, 224), 4)
        faces = network.tracker.read(torch.zeros(2, 3, 224, 224))
    assert maps.shape is not None
    assert maps.albedo is not None
    assert maps.shape.shape == maps.albedo.shape == (1, 1 + EXPRESSION_COUNT, 3, 128, 128)
    assert faces.identity.shape == faces.texture.shape == (2, 0)
    assert faces.light.shape == (2, 3, 9)


@pytest.mark.parametrize("config", [PICTURES, CHARTS])
def test_an_untrained_network_leaves_the_template(config: ModelNetConfig) -> None:
    channels = 3 if config is PICTURES else CHART_CHANNELS
    size = 64 if config is PICTURES else config.map_size
    maps = ModelNet(config)(torch.rand(6, channels, size, size), 3)
    for part in maps:
        assert part is not None
        assert part.shape == (2, 1 + EXPRESSION_COUNT, 3, 32, 32)
        assert part.abs().max() == 0
    without = ModelNet(replace(config, albedo=False))
    assert without(torch.rand(3, channels, size, size), 3).albedo is None


def test_the_frames_of_a_person_are_one_person_in_any_order() -> None:
    network = trained(SMALL)
    first, second, alone = made_up_pictures(10, 64).split([4, 4, 2])
    with torch.no_grad():
        said = network.read(torch.cat([first, second, alone]), 2, 4)
        again = network.read(torch.cat([first.flip(0), alone]), 1, 4)
    assert said.maps.shape is not None
    assert again.maps.shape is not None
    torch.testing.assert_close(said.maps.shape[:1], again.maps.shape, atol=1e-6, rtol=1e-4)
    assert (said.maps.shape[0] - said.maps.shape[1]).abs().max() > 1e-5
    for part in (said.faces.identity, said.faces.texture):
        assert (part[:4] == part[:1]).all()
        assert (part[4:8] == part[4:5]).all()
        assert (part[0] != part[4]).any()
        assert (part[8] != part[9]).any()
    # What each frame shows is its own.
    assert (said.faces.expression[0] != said.faces.expression[1]).any()
    torch.testing.assert_close(said.faces.identity[0], network.tracker.read(first).identity.mean(0).detach())


def test_one_frame_is_enough_and_no_person_is_allowed() -> None:
    network = trained(SMALL)
    with torch.no_grad():
        assert network.read(made_up_pictures(1, 64), 1, 1).maps.shape is not None
        assert network.read(made_up_pictures(2, 64), 0, 4).maps == (None, None)


def test_agreeing_is_taking_the_mean() -> None:
    values = torch.tensor([[1.0], [3.0], [5.0], [9.0], [2.0]])
    assert agreed_on(values, 2, 2).flatten().tolist() == [2, 2, 7, 7, 2]
    assert agreed_on(values[:, :0], 2, 2).shape == (5, 0)


def test_modelnet_sees_frames_as_they_are_laid_out_for_it() -> None:
    network, seen = trained(PersonalConfig(64, TRACK, CHARTS)), []

    def frames(pixels, faces):
        seen.append((len(pixels), len(faces.expression)))
        return torch.rand(len(pixels), CHART_CHANNELS, 32, 32)

    with torch.no_grad():
        said = network.read(made_up_pictures(5, 64), 1, 4, frames)
    assert seen == [(4, 4)]
    assert said.maps.albedo is not None


def test_who_it_is_moves_the_face_at_rest_alone() -> None:
    torch.manual_seed(0)
    network = ModelNet(replace(PICTURES, who_count=5)).eval()
    frames, who = torch.rand(4, 3, 64, 64), torch.randn(2, 5)
    assert network.who is not None
    torch.nn.init.normal_(network.who.last.weight)
    with torch.no_grad():
        maps = network(frames, 2, who).shape
        twice = network(frames, 2, 2 * who).shape
    assert maps is not None
    assert maps[:, 1:].abs().max() == 0
    assert maps[:, 0].abs().min(-1)[0].max() > 0
    torch.testing.assert_close(twice, 2 * maps)
    assert network.train()(frames, 2, who).albedo is not None
    assert ModelNet(replace(PICTURES, shape=False, who_count=5)).who is None


def test_it_begins_with_cpems_weights(tmp_path: Path) -> None:
    torch.manual_seed(1)
    cpem = Cpem(CpemConfig("resnet18", width_mult=0.125, input_size=64)).eval()
    save_weights(tmp_path / "cpem.safetensors", cpem, {"recipe": "cpem"})
    network = PersonalNet(SMALL).eval()
    assert start_from(tmp_path / "cpem.safetensors", network).copied == len(cpem.state_dict())
    pixels = made_up_pictures(2, 64)
    with torch.no_grad():
        for ours, theirs in zip(network.tracker.read(pixels), cpem.read(pixels), strict=True):
            torch.testing.assert_close(ours, theirs)


def test_a_configuration_goes_through_its_file() -> None:
    network = network_for(SMALL)
    assert config_from_json("sfn-personal", config_to_json(network)) == SMALL
    assert spec_of_config(SMALL).input_size == 64
    assert spec_of_config(SMALL).reads_faces


@pytest.mark.parametrize("identities", [50, 0])
def test_an_exported_file_reads_faces_as_sfn_does(tmp_path: Path, identities: int) -> None:
    network = trained(replace(SMALL, track=replace(TRACK, identity_count=identities)))
    write_onnx(network, tmp_path / "personal.onnx", {"head_sha256": head_sha256()}, batch=None)
    reader = open_sfn(str(tmp_path / "personal.onnx"), threads=1)
    image = (255 * made_up_pictures(1, 64)[0].permute(1, 2, 0)).byte().numpy()
    (read,) = reader.regress(image, [Crop(np.array([32.0, 32.0], np.float32), 64.0)])
    with torch.no_grad():
        said = network(torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255)
    assert isinstance(said, FaceOutputs)
    np.testing.assert_allclose(read.expression, said.expression[0].numpy(), atol=1e-4)
    np.testing.assert_allclose(read.identity, said.identity[0].numpy(), atol=1e-4)
    assert bool(np.abs(read.identity).max() > 0) == bool(identities)
    # ModelNet is not in the file.
    assert (tmp_path / "personal.onnx").stat().st_size < 4.5 * sum(
        parameter.numel() for name, parameter in network.named_parameters() if not name.startswith("model.")
    ) + 100_000
