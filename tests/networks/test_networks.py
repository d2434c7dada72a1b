"""SFN and MFN: published widths, shapes, and what `width_mult` and `norm` change."""

import json

import pytest
import torch

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.networks.backbones import ConvUnit, parameter_count
from commedia.networks.ours.mfn_base import MfnBaseConfig
from commedia.networks.paper1.mfn import DEFAULT_ANCHORS, Mfn, MfnConfig, decode_boxes, decode_faces
from commedia.networks.paper1.sfn import Sfn, SfnConfig
from commedia.networks.registry import (
    NETWORKS,
    config_from_json,
    config_to_json,
    kind_of,
    network_for,
)


def test_literal_parameter_counts() -> None:
    # paper-facts C2 and C5: worked out layer by layer from the text, for 46 expressions.
    assert parameter_count(Sfn(SfnConfig(expression_count=46))) == 178_928
    assert parameter_count(Mfn(MfnConfig(expression_count=46))) == 251_597


@pytest.mark.parametrize(("fires", "count"), [(2, 137_632), (3, 174_928), (4, 212_224)])
def test_single_scale_sfn_counts(fires: int, count: int) -> None:
    # paper-facts C2: five heads on the pooled last block.
    assert parameter_count(Sfn(SfnConfig(expression_count=46, scales="single", fires=fires))) == count


@pytest.mark.parametrize(
    ("config", "count"),
    [
        (MfnConfig(expression_count=46, scales="single"), 1_126_173),
        (MfnConfig(expression_count=46, scales="single", detect_only=True), 992_533),
        (MfnConfig(expression_count=46, grid_head="fc"), 3_085_597),
    ],
)
def test_variant_mfn_counts(config: MfnConfig, count: int) -> None:
    # paper-facts C3 to C5: quarter-width Tiny YOLOv2 with 545 and 25 outputs, and one layer for the whole grid.
    # The running means and variances of BatchNorm are stored too.
    network = Mfn(config)
    stored = sum(buffer.numel() for buffer in network.buffers() if buffer.is_floating_point())
    assert parameter_count(network) + stored == count
    grid = network.eval()(torch.rand(1, 3, 288, 288))
    assert grid.shape == (1, 405, 5 if config.detect_only else 109)


SMALL_MFN = MfnBaseConfig(stem=8, widths=(8, 8, 16, 16), blocks=(1, 1, 1, 1))


@pytest.mark.parametrize("config", [SfnConfig(width_mult=0.25), SfnConfig(width_mult=0.25, norm=True)])
def test_sfn_outputs(config: SfnConfig) -> None:
    outputs = network_for(config).eval()(torch.rand(2, 3, 128, 128))
    assert [tuple(part.shape) for part in outputs] == [
        (2, IDENTITY_COUNT),
        (2, EXPRESSION_COUNT),
        (2, 4),
        (2, 3),
        (2, 1),
    ]
    assert ((outputs.expression > 0) & (outputs.expression < 1)).all()
    assert ((outputs.scale > 0) & (outputs.scale < 1)).all()
    torch.testing.assert_close(outputs.wxyz.norm(dim=1), torch.ones(2))


def test_an_untrained_sfn_answers_a_resting_face() -> None:
    outputs = network_for(SfnConfig(width_mult=0.25)).eval()(torch.rand(1, 3, 128, 128))
    assert outputs.wxyz[0, 0] > 0.9
    assert outputs.expression.max() < 0.3


@pytest.mark.parametrize("config", [MfnConfig(width_mult=0.25), SMALL_MFN])
def test_an_untrained_mfn_sees_nobody(config: MfnConfig | MfnBaseConfig) -> None:
    grid = network_for(config).eval()(torch.rand(1, 3, 288, 288))
    assert torch.sigmoid(grid[..., 4]).max() < 0.1


@pytest.mark.parametrize("config", [MfnConfig(width_mult=0.25), SMALL_MFN])
def test_mfn_grid_layout(config: MfnConfig | MfnBaseConfig) -> None:
    """A change in one corner of the picture moves the rows of that corner's cells most."""
    torch.manual_seed(0)
    network, cells, anchors = network_for(config).eval(), config.cells, len(config.anchors)
    pixels = torch.rand(1, 3, 288, 288)
    changed = pixels.clone()
    changed[..., 260:, :28] = 0
    with torch.no_grad():
        before, after = network(pixels), network(changed)
    assert before.shape == (1, cells * cells * anchors, 5 + IDENTITY_COUNT + EXPRESSION_COUNT + 8)
    moved = (before - after).abs().sum(-1).view(cells, cells, anchors).sum(-1)
    row, column = divmod(int(moved.argmax()), cells)
    assert row >= 7 / 9 * cells
    assert column <= 1 / 9 * cells


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_configuration_survives_json(kind: str) -> None:
    config = NETWORKS[kind].config()
    built = network_for(config)
    again = config_from_json(kind_of(built), json.loads(json.dumps(config_to_json(built))))
    assert again == config
    assert kind_of(network_for(again)) == kind


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_table_says_what_a_network_takes_and_gives(kind: str) -> None:
    spec = NETWORKS[kind]
    outputs = spec.build(spec.config()).to("meta").eval()(spec.example(2, spec.input_size).to("meta"))
    named = {spec.outputs[0]: outputs} if isinstance(outputs, torch.Tensor) else outputs._asdict()
    assert tuple(named) == spec.outputs
    assert all(len(part) == 2 for part in named.values())
    assert spec.reads_faces == kind.startswith("sfn")


def test_decoded_boxes_by_hand() -> None:
    anchors = torch.tensor(DEFAULT_ANCHORS)
    grid = torch.zeros(1, 405, 115)
    row = (3 * 9 + 7) * 5 + 2
    grid[0, row, 2] = 2.0
    boxes = decode_boxes(grid, anchors)
    torch.testing.assert_close(boxes.center[0, row], torch.tensor([7.5 / 9, 3.5 / 9]))
    torch.testing.assert_close(boxes.size[0, row], torch.tensor([1.5 * 7.3890561 / 9, 2.0 / 9]))


def test_decoded_faces_split_in_order() -> None:
    config = MfnConfig()
    rows = torch.arange(115.0)[None]
    faces = decode_faces(rows, config.identity_count, config.expression_count)
    assert faces.identity[0].tolist() == list(range(5, 55))
    torch.testing.assert_close(faces.expression[0], torch.sigmoid(torch.arange(55.0, 107.0)))
    torch.testing.assert_close(faces.wxyz[0], torch.nn.functional.normalize(torch.arange(107.0, 111.0), dim=0))
    assert faces.translation[0].tolist() == [111, 112, 113]
    torch.testing.assert_close(faces.scale[0], torch.sigmoid(torch.tensor([114.0])))


def test_strided_unit_is_the_same_in_training_and_inference() -> None:
    blendshape = ConvUnit(8, 8, 1, stride=2)
    features = torch.rand(2, 8, 12, 12)
    torch.testing.assert_close(blendshape.train()(features), blendshape.eval()(features))
