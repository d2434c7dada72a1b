"""Weights files: they come back as the network they were, or are refused with what does not fit."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from commedia.errors import UnknownName, WeightsMismatch
from commedia.networks.ours.mfn_base import MfnBase
from commedia.networks.ours.sfn import SfnRegions
from commedia.networks.paper1.mfn import Mfn, MfnConfig
from commedia.networks.paper1.sfn import Sfn, SfnConfig
from commedia.networks.weights import (
    facts_of_weights,
    load_weights,
    named_weights,
    network_from_weights,
    save_weights,
    start_from,
)
from tests.networks.graphs import SMALL_SFN

FINER = replace(SMALL_SFN, mouth_size=2 * SMALL_SFN.mouth_size, mouth_fineness=2)
SMALL = SfnConfig(width_mult=0.25, norm=True)


@pytest.mark.parametrize("network", [Sfn(SMALL), Mfn(MfnConfig(width_mult=0.25)), MfnBase()])
def test_round_trip(network: Sfn | Mfn, tmp_path: Path) -> None:
    save_weights(tmp_path / "w.safetensors", network, {"recipe": "r"})
    again = network_from_weights(tmp_path / "w.safetensors")
    assert again.config == network.config
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], tensor)
    assert facts_of_weights(tmp_path / "w.safetensors")["recipe"] == "r"


def test_another_network_is_refused(tmp_path: Path) -> None:
    save_weights(tmp_path / "w.safetensors", Sfn(SMALL), {})
    with pytest.raises(WeightsMismatch, match="expected"):
        load_weights(tmp_path / "w.safetensors", Sfn(SfnConfig(width_mult=0.5, norm=True)))
    with pytest.raises(WeightsMismatch, match="does not fit Mfn"):
        load_weights(tmp_path / "w.safetensors", Mfn(MfnConfig(width_mult=0.25, norm=True)))


def test_files_that_are_no_weights(tmp_path: Path) -> None:
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(WeightsMismatch, match=r"text\.safetensors"):
        network_from_weights(tmp_path / "text.safetensors")
    with pytest.raises(WeightsMismatch, match="not a readable"):
        network_from_weights(tmp_path / "missing.safetensors")
    with pytest.raises(UnknownName, match="did you mean 'mfn-desktop'"):
        named_weights("mfn-deskto")


@torch.no_grad()
def test_a_finer_picture_is_first_read_as_the_coarser_one(tmp_path: Path) -> None:
    """Law: of twice the pixels a network that begins so sees the means of four; and back again, nothing is lost."""
    coarse, fine, again = (SfnRegions(config).eval() for config in (SMALL_SFN, FINER, SMALL_SFN))
    save_weights(tmp_path / "coarse.safetensors", coarse, {})
    assert start_from(tmp_path / "coarse.safetensors", fine).untrained == []
    patches = torch.rand(3, 3, 2 * SMALL_SFN.mouth_size, 2 * SMALL_SFN.mouth_size)
    torch.testing.assert_close(fine.mouth(patches), coarse.mouth(nn.functional.avg_pool2d(patches, 2)))
    save_weights(tmp_path / "fine.safetensors", fine, {})
    assert start_from(tmp_path / "fine.safetensors", again).untrained == []
    torch.testing.assert_close(again.mouth[0].conv.weight, coarse.mouth[0].conv.weight)


def test_mfn_starts_from_sfn_trunk(tmp_path: Path) -> None:
    sfn, mfn = Sfn(SMALL), Mfn(MfnConfig(width_mult=0.25, norm=True))
    save_weights(tmp_path / "w.safetensors", sfn, {})
    head = mfn.pose.last.weight.clone()
    assert start_from(tmp_path / "w.safetensors", mfn).copied > 20
    torch.testing.assert_close(mfn.trunk.stem.conv.weight, sfn.trunk.stem.conv.weight)
    torch.testing.assert_close(mfn.trunk.blocks[2][1].expand3.conv.weight, sfn.trunk.blocks[2][1].expand3.conv.weight)
    torch.testing.assert_close(mfn.pose.last.weight, head)
