"""CPEM: the authors' sizes, their rotation and camera, and the same face said in weak perspective."""

from pathlib import Path

import numpy as np
import pytest
import torch

from commedia.face_model.model import head_sha256
from commedia.faces.crop import Crop
from commedia.faces.sfn import open_sfn
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_axis_angle
from commedia.networks.backbones import parameter_count
from commedia.networks.export import write_onnx
from commedia.networks.heads import FaceOutputs, wxyz_from_euler
from commedia.networks.ours.cpem_regions import CpemRegions, CpemRegionsConfig
from commedia.networks.ours.sfn import SfnRegions
from commedia.networks.paper3.cpem import (
    CAMERA_DM,
    FOCAL_SIDES,
    Cpem,
    CpemConfig,
    CpemOutputs,
    in_weak_perspective,
    through_pinhole,
)
from commedia.networks.registry import made_up_pictures, network_for, spec_of_config

SMALL = CpemConfig("resnet18", width_mult=0.125, input_size=64)


@pytest.mark.parametrize(("backbone", "count"), [("resnet50", 23_997_743), ("mobilenet-v2", 2_530_031)])
def test_as_large_as_the_authors(backbone, count: int) -> None:
    # paper-facts A1: measured on the authors' networks, for 80 identity and texture numbers and 46 expressions.
    with torch.device("meta"):
        network = Cpem(CpemConfig(backbone, identity_count=80, expression_count=46, texture_count=80))
    assert parameter_count(network) == count


def test_resnet_18_has_the_size_of_the_literature() -> None:
    # 11,689,512 with a classifier of a thousand.
    with torch.device("meta"):
        network = Cpem(CpemConfig("resnet18"))
    assert parameter_count(network.trunk) == 11_689_512 - 513_000


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50", "mobilenet-v2"])
def test_every_backbone_reads_a_resting_face_before_training(backbone) -> None:
    torch.manual_seed(0)
    network = Cpem(CpemConfig(backbone, width_mult=0.125, input_size=64))  # in training: BatchNorm knows nothing yet
    faces, read = network(torch.rand(2, 3, 64, 64)), network.read(torch.rand(2, 3, 64, 64))
    assert isinstance(faces, FaceOutputs)
    assert faces.wxyz[:, 0].min() > 0.9
    assert faces.expression.max() < 0.3
    assert read.light.shape == (2, 3, 9)
    # A head that fills its crop: the eyes' middle above the crop's, some crop sides per decimetre.
    assert ((faces.scale > 0.4) & (faces.scale < 0.6)).all()
    assert ((faces.translation[:, 1] * faces.scale[:, 0]).abs() < 0.3).all()


def test_euler_angles_turn_about_x_then_y_then_z() -> None:
    euler = torch.tensor([[0.3, -0.5, 0.8]], dtype=torch.float64)
    x, y, z = (
        matrix_from_wxyz(wxyz_from_axis_angle(angle * axis))
        for angle, axis in zip(euler[0].numpy(), torch.eye(3).double().numpy(), strict=True)
    )
    torch.testing.assert_close(
        torch.from_numpy(matrix_from_wxyz(wxyz_from_euler(euler)[0].numpy())), torch.from_numpy(z @ y @ x)
    )
    assert torch.autograd.gradcheck(wxyz_from_euler, (euler.requires_grad_(),))


def test_weak_perspective_agrees_at_the_heads_origin() -> None:
    translation = torch.tensor([[0.4, -0.2, 2.0]])
    nothing = torch.zeros(1, 3)
    outputs = CpemOutputs(nothing, nothing, nothing, nothing, torch.zeros(1, 3, 9), translation)
    faces = in_weak_perspective(outputs)
    x, y, z = translation[0].tolist()
    seen = [FOCAL_SIDES * x / (CAMERA_DM - z), FOCAL_SIDES * y / (CAMERA_DM - z)]
    assert (faces.scale[:, :1] * faces.translation[:, :2])[0].tolist() == pytest.approx(seen)
    # A small step across the view is seen as large as through the pinhole.
    assert float(faces.scale) == pytest.approx(FOCAL_SIDES / (CAMERA_DM - z))
    back = through_pinhole(faces, outputs.texture, outputs.light)
    torch.testing.assert_close(back.translation, translation)


def test_our_network_reads_as_the_sfn_it_begins_from() -> None:
    torch.manual_seed(0)
    begun, sfn = CpemRegions().eval(), SfnRegions().eval()
    begun.load_state_dict(sfn.state_dict(), strict=False)
    pixels = made_up_pictures(2, 192)
    outputs, judged = begun.read(pixels), sfn(pixels)
    torch.testing.assert_close(begun(pixels), judged)
    torch.testing.assert_close(
        in_weak_perspective(outputs), FaceOutputs(*judged[:2], judged.wxyz, outputs.translation, judged.scale)
    )
    assert outputs.texture.shape == (2, 40)
    assert outputs.light.abs().max() < 0.1
    assert network_for(CpemRegionsConfig()).config == CpemRegionsConfig()


def test_a_configuration_says_its_own_input() -> None:
    assert spec_of_config(SMALL).input_size == 64
    assert spec_of_config(CpemConfig()).input_size == 224
    assert spec_of_config(SMALL).reads_faces
    assert isinstance(network_for(SMALL), Cpem)


def test_an_exported_file_reads_faces_as_sfn_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Cpem(SMALL).eval()
    write_onnx(network, tmp_path / "cpem.onnx", {"head_sha256": head_sha256()}, batch=None)
    reader = open_sfn(str(tmp_path / "cpem.onnx"), threads=1)
    image = (255 * made_up_pictures(1, 64)[0].permute(1, 2, 0)).byte().numpy()
    crop = Crop(np.array([32.0, 32.0], np.float32), 64.0)
    (read,) = reader.regress(image, [crop])
    with torch.no_grad():
        said = network(torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255)
    np.testing.assert_allclose(read.expression, said.expression[0].numpy(), atol=1e-4)
    np.testing.assert_allclose(read.identity, said.identity[0].numpy(), atol=1e-4)
    assert read.pose.px_per_m == pytest.approx(64 * 10 * float(said.scale), rel=1e-4)
    assert read.presence is None
