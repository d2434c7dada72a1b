"""`scripts/shift_expression.py`: logits move by what was asked, nothing else does."""

import subprocess
import sys
from pathlib import Path

import torch

from commedia.conventions import EXPRESSION_INDEX
from commedia.networks.close_ups import CloseUpsConfig
from commedia.networks.sfn_base import SfnBaseConfig
from commedia.networks.sfn_close import SfnClose, SfnCloseConfig
from commedia.networks.sfn_points import SfnPointsConfig
from commedia.networks.weights import facts_of_weights, network_from_weights, save_weights

SCRIPT = Path(__file__).parents[2] / "scripts" / "shift_expression.py"
BASE = SfnBaseConfig(stem=8, widths=(8, 16, 16), blocks=(1, 1, 1), fine=8)
CONFIG = SfnCloseConfig(
    SfnPointsConfig(BASE, points=70, channels=8, hidden=8), CloseUpsConfig(widths=(8, 8, 8), cell_channels=2, hidden=8)
)


def shift(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)


def test_logits_move_by_what_was_asked(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = SfnClose(CONFIG).eval()
    source, moved = tmp_path / "w.safetensors", tmp_path / "moved.safetensors"
    save_weights(source, network, {"recipe": "r", "head_sha256": "abc"})
    done = shift(source, "-o", moved, "--all", "0.2", "--unit", "cheekPuff=-0.5")
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

    wrong = shift(source, "-o", tmp_path / "wrong.safetensors", "--unit", "cheekPuf=1")
    assert wrong.returncode == 2
    assert "'cheekPuf'" in wrong.stderr
    assert "cheekPuff" in wrong.stderr
    assert not (tmp_path / "wrong.safetensors").exists()
