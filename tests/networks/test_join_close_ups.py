"""`scripts/join_close_ups.py`: both parts' opinions, averaged; two of the same kind are refused in a sentence."""

import subprocess
import sys
from pathlib import Path

import torch

from commedia.networks.close_ups import CloseUps, CloseUpsConfig
from commedia.networks.sfn_base import SfnBaseConfig
from commedia.networks.sfn_close import SfnClose
from commedia.networks.sfn_points import SfnPoints, SfnPointsConfig
from commedia.networks.weights import network_from_weights, save_weights

SCRIPT = Path(__file__).parents[2] / "scripts" / "join_close_ups.py"
BASE = SfnBaseConfig(stem=8, widths=(8, 16, 16), blocks=(1, 1, 1), fine=8)


def join(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)


def test_joined_logits_are_the_weighted_mean(tmp_path: Path) -> None:
    torch.manual_seed(0)
    points = SfnPoints(SfnPointsConfig(BASE, points=70, channels=8, hidden=8)).eval()
    close_ups = CloseUps(CloseUpsConfig(widths=(8, 8, 8), cell_channels=2, hidden=8)).eval()
    facts = {"recipe": "r", "head_sha256": "abc"}
    save_weights(tmp_path / "points.safetensors", points, facts)
    save_weights(tmp_path / "close.safetensors", close_ups, facts)
    parts = (tmp_path / "points.safetensors", tmp_path / "close.safetensors")
    done = join(*parts, "-o", tmp_path / "joined.safetensors", "--share", "0.25")
    assert done.returncode == 0, done.stderr
    network = network_from_weights(tmp_path / "joined.safetensors").eval()
    assert isinstance(network, SfnClose)
    pixels = torch.rand(2, 3, 128, 128)
    read = network.read(pixels)
    torch.testing.assert_close(read.logits[0], points(pixels).logits)
    mean = 0.75 * read.logits[0] + 0.25 * read.logits[1]
    torch.testing.assert_close(read.faces.expression, torch.sigmoid(mean))
    assert not torch.allclose(*read.logits, atol=1e-3)

    refused = join(parts[0], parts[0], "-o", tmp_path / "wrong.safetensors")
    assert refused.returncode == 2
    assert "found SfnPoints and SfnPoints" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "wrong.safetensors").exists()
