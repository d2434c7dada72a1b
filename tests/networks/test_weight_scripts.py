"""`scripts/join_close_ups.py` averages both opinions; `scripts/shift_expression.py` moves logits and nothing else;
`scripts/teach_presence.py` teaches to judge and nothing else.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from commedia.conventions import EXPRESSION_INDEX
from commedia.data.backgrounds import load_backgrounds
from commedia.data.sample import PictureSample
from commedia.data.shards import write_shard
from commedia.data.synthetic import single_pictures
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


def test_presence_is_taught_and_nothing_else_changes(tmp_path: Path, rng: np.random.Generator) -> None:
    torch.manual_seed(0)
    network = SfnClose(SfnCloseConfig(POINTS, CLOSE_UPS)).eval()
    source, taught, shard = (tmp_path / name for name in ("w.safetensors", "taught.safetensors", "shard.tar"))
    save_weights(source, network, FACTS)
    noise = rng.integers(0, 255, (10, 96, 96, 3)).astype(np.uint8)
    empty = [PictureSample(image, (), f"noise {k}", "CC0", "synthetic") for k, image in enumerate(noise)]
    faces = list(single_pictures("train", 0, 10, load_backgrounds(None, "train"), size=96))
    write_shard(shard, [*faces, *empty])
    done = run("teach_presence.py", source, "--shards", shard, "-o", taught)
    assert done.returncode == 0, done.stderr
    assert "trained on: " in done.stdout
    assert "of 8 faces kept" in done.stdout
    assert facts_of_weights(taught) == facts_of_weights(source)
    before, after = network.state_dict(), network_from_weights(taught).state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"presence.weight", "presence.bias"}

    save_weights(tmp_path / "close.safetensors", CloseUps(CLOSE_UPS), FACTS)
    refused = run("teach_presence.py", tmp_path / "close.safetensors", "--shards", shard, "-o", tmp_path / "no")
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
    assert "holds a CloseUps" in refused.stderr
