"""`scripts/join_close_ups.py` averages both opinions; `scripts/shift_expression.py` moves logits and nothing else."""

import subprocess
import sys
from pathlib import Path

import torch

from commedia.conventions import EXPRESSION_INDEX
from commedia.networks.close_ups import CloseUps, CloseUpsConfig
from commedia.networks.sfn_base import SfnBaseConfig
from commedia.networks.sfn_close import SfnClose, SfnCloseConfig
from commedia.networks.sfn_points import SfnPoints, SfnPointsConfig
from commedia.networks.weights import facts_of_weights, network_from_weights, save_weights

SCRIPTS = Path(__file__).parents[2] / "scripts"
BASE = SfnBaseConfig(stem=8, widths=(8, 16, 16), blocks=(1, 1, 1), fine=8)
POINTS = SfnPointsConfig(BASE, points=70, channels=8, hidden=8)
CLOSE_UPS = CloseUpsConfig(widths=(8, 8, 8), cell_channels=2, hidden=8)
FACTS = {"recipe": "r", "head_sha256": "abc"}


def run(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPTS / script, *arguments], capture_output=True, text=True, check=False)


def test_joined_logits_are_the_weighted_mean(tmp_path: Path) -> None:
    torch.manual_seed(0)
    points = SfnPoints(POINTS).eval()
    close_ups = CloseUps(CLOSE_UPS).eval()
    save_weights(tmp_path / "points.safetensors", points, FACTS)
    save_weights(tmp_path / "close.safetensors", close_ups, FACTS)
    parts = (tmp_path / "points.safetensors", tmp_path / "close.safetensors")
    done = run("join_close_ups.py", *parts, "-o", tmp_path / "joined.safetensors", "--share", "0.25")
    assert done.returncode == 0, done.stderr
    network = network_from_weights(tmp_path / "joined.safetensors").eval()
    assert isinstance(network, SfnClose)
    pixels = torch.rand(2, 3, 128, 128)
    read = network.read(pixels)
    torch.testing.assert_close(read.logits[0], points(pixels).logits)
    mean = 0.75 * read.logits[0] + 0.25 * read.logits[1]
    torch.testing.assert_close(read.faces.expression, torch.sigmoid(mean))
    assert not torch.allclose(*read.logits, atol=1e-3)

    refused = run("join_close_ups.py", parts[0], parts[0], "-o", tmp_path / "wrong.safetensors")
    assert refused.returncode == 2
    assert "found SfnPoints and SfnPoints" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "wrong.safetensors").exists()


def test_logits_move_by_what_was_asked(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = SfnClose(SfnCloseConfig(POINTS, CLOSE_UPS)).eval()
    source, moved = tmp_path / "w.safetensors", tmp_path / "moved.safetensors"
    save_weights(source, network, FACTS)
    done = run("shift_expression.py", source, "-o", moved, "--all", "0.2", "--unit", "cheekPuff=-0.5")
    assert done.returncode == 0, done.stderr
    assert facts_of_weights(moved) == facts_of_weights(source)
    pixels = torch.rand(2, 3, 128, 128)
    before, after = network(pixels), network_from_weights(moved).eval()(pixels)
    difference = torch.logit(after.expression) - torch.logit(before.expression)
    expected = torch.full_like(difference, 0.2)
    expected[:, EXPRESSION_INDEX["cheekPuff"]] = -0.3
    torch.testing.assert_close(difference, expected, atol=1e-4, rtol=0)
    for name in ("identity", "wxyz", "translation", "scale"):
        torch.testing.assert_close(getattr(after, name), getattr(before, name))

    wrong = run("shift_expression.py", source, "-o", tmp_path / "wrong.safetensors", "--unit", "cheekPuf=1")
    assert wrong.returncode == 2
    assert "'cheekPuf'" in wrong.stderr
    assert "cheekPuff" in wrong.stderr
    assert not (tmp_path / "wrong.safetensors").exists()
