"""The sheet of drawn faces over pictures: networks of paper 3 say colours, others get the mean ones."""

from pathlib import Path
from runpy import run_path

import cv2
import numpy as np
import pytest
import torch

from commedia.errors import CommediaError
from commedia.networks.ours.cpem_regions import CpemRegions
from commedia.networks.paper1.sfn import Sfn, SfnConfig
from commedia.networks.paper3.cpem import Cpem, CpemConfig
from commedia.networks.weights import save_weights

script = run_path(str(Path(__file__).parents[2] / "scripts" / "paper3_overlays.py"))
SMALL = CpemConfig("resnet18", width_mult=0.125, input_size=64)


@pytest.mark.parametrize(
    ("network", "size"), [(Cpem(SMALL), 64), (CpemRegions(), 192), (Sfn(SfnConfig(width_mult=0.25)), 128)]
)
def test_every_network_that_reads_faces_draws_them(network: torch.nn.Module, size: int) -> None:
    with torch.no_grad():
        found = script["explained"](network.eval(), torch.rand(2, 3, size, size))
    assert found.texture.shape == (2, 40)
    assert found.light.shape == (2, 3, 9)
    if isinstance(network, Sfn):
        assert not found.light.any()


def test_pictures_without_faces_are_said(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((120, 160, 3), 128, np.uint8))
    save_weights(tmp_path / "weights.safetensors", Cpem(SMALL), {})
    with pytest.raises(CommediaError, match="no face was found"):
        script["overlays"](tmp_path / "weights.safetensors", [tmp_path / "wall.png"])
