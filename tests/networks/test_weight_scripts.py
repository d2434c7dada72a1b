"""`scripts/join_close_ups.py` averages both opinions; `scripts/shift_expression.py` moves logits and nothing else;
`scripts/teach_presence.py` teaches to judge and nothing else; `scripts/narrow_sfn.py` leaves out who is not heard;
`scripts/average_weights.py` lies between.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from commedia.conventions import EXPRESSION_INDEX
from commedia.data.sample import PictureSample
from commedia.data.shards import write_shard
from commedia.networks.ours.close_ups import CloseUps, CloseUpsConfig
from commedia.networks.ours.sfn_base import SfnBaseConfig
from commedia.networks.ours.sfn_close import SfnClose, SfnCloseConfig
from commedia.networks.ours.sfn_points import SfnPoints, SfnPointsConfig
from commedia.networks.weights import facts_of_weights, network_from_weights, save_weights
from commedia.synthetic.backgrounds import load_backgrounds
from commedia.synthetic.shards import single_pictures
from commedia.training.recipes import recipe_named

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


def test_mean_of_weights_lies_between_by_the_shares(tmp_path: Path) -> None:
    files = [tmp_path / f"{k}.safetensors" for k in range(3)]
    for seed, path in enumerate(files):
        torch.manual_seed(seed)
        save_weights(path, SfnClose(SfnCloseConfig(POINTS, CLOSE_UPS)), {**FACTS, "seed": str(seed)})
    done = run("average_weights.py", *files, "--shares", "0.5", "0.2", "0.3", "-o", tmp_path / "mean.safetensors")
    assert done.returncode == 0, done.stderr
    first, second, third = (network_from_weights(path).state_dict() for path in files)
    for name, tensor in network_from_weights(tmp_path / "mean.safetensors").state_dict().items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, 0.5 * first[name] + 0.2 * second[name] + 0.3 * third[name])
    assert facts_of_weights(tmp_path / "mean.safetensors")["seed"] == "2"


def test_a_mean_of_unlike_networks_or_of_wrong_shares_is_refused(tmp_path: Path) -> None:
    close, other = tmp_path / "close.safetensors", tmp_path / "other.safetensors"
    save_weights(close, SfnClose(SfnCloseConfig(POINTS, CLOSE_UPS)), FACTS)
    save_weights(other, SfnClose(SfnCloseConfig(POINTS, CLOSE_UPS, hidden=8)), FACTS)
    for files, shares, said in (
        ((close, other), ("0.5", "0.5"), "only equal ones have a mean"),
        ((close, close), ("0.5", "0.6"), "as many shares that add up to 1"),
        ((close, close), ("1",), "as many shares that add up to 1"),
    ):
        refused = run("average_weights.py", *files, "--shares", *shares, "-o", tmp_path / "mean.safetensors")
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert said in refused.stderr
    assert not (tmp_path / "mean.safetensors").exists()


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


def silenced(heard: torch.Tensor, count: int) -> torch.Tensor:
    """Make all but `count` columns of a matrix, drawn by chance, zero; says which."""
    unheard = torch.randperm(heard.shape[1])[count:]
    heard.data[:, unheard] = 0
    return unheard


def silenced_cells(hidden: torch.nn.Linear, channels: int, count: int) -> None:
    """The same for channels whose cells lie side by side."""
    hidden.weight.data.view(len(hidden.weight), channels, -1)[:, torch.randperm(channels)[count:]] = 0


def half_heard(small: SfnCloseConfig) -> SfnClose:
    """A wide network that listens to as many units of each layer as the small one has."""
    network = SfnClose(SfnCloseConfig(SfnPointsConfig(SfnBaseConfig(blocks=small.base.base.blocks)))).eval()
    torch.nn.init.normal_(network.together[-1].weight, std=0.05)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 2.0)
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
    base, meaning, close_ups = network.base.base, network.base.meaning, network.close_ups
    heads = (base.expression, base.identity, base.pose)
    for head, channels, hidden in zip(heads, small.base.base.head_channels, small.base.base.hidden, strict=True):
        silenced_cells(head.hidden, head.reduce.conv.out_channels, channels)
        unheard = silenced(head.last.weight, hidden)
        if head is base.expression:
            meaning[0].weight.data[:, 2 * small.base.points + unheard] = 0
    silenced(meaning[3].weight, small.base.hidden)
    silenced(meaning[-1].weight, small.base.hidden)
    features = 2 * small.base.base.expression_count + torch.arange(3)[:, None] * network.config.close_ups.hidden
    for reader, places in ((close_ups.eye, features[:2]), (close_ups.mouth, features[2:])):
        silenced_cells(reader[-4], network.config.close_ups.cell_channels, small.close_ups.cell_channels)
        unheard = silenced(reader[-1].weight, small.close_ups.hidden)
        network.together[1].weight.data[:, (places + unheard).flatten()] = 0
    silenced(network.together[-1].weight, small.hidden)
    return network


def test_who_is_not_heard_is_not_missed(tmp_path: Path) -> None:
    torch.manual_seed(0)
    small = recipe_named("sfn-small").network
    assert isinstance(small, SfnCloseConfig)
    network = half_heard(small)
    save_weights(tmp_path / "wide.safetensors", network, FACTS)
    done = run("narrow_sfn.py", tmp_path / "wide.safetensors", "-o", tmp_path / "narrow.safetensors")
    assert done.returncode == 0, done.stderr
    narrow = network_from_weights(tmp_path / "narrow.safetensors")
    assert isinstance(narrow, SfnClose)
    assert narrow.config == small
    pixels = torch.rand(2, 3, 128, 128)
    for before, after in zip(network(pixels), narrow(pixels), strict=True):
        torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-3)


def test_only_a_smaller_network_of_the_same_kind_is_cut_out(tmp_path: Path) -> None:
    close_ups, tiny = tmp_path / "close.safetensors", tmp_path / "tiny.safetensors"
    save_weights(close_ups, CloseUps(CLOSE_UPS), FACTS)
    save_weights(tiny, SfnClose(SfnCloseConfig(POINTS, CLOSE_UPS)), FACTS)
    cases = ((close_ups, "sfn-small", "holds a CloseUps"), (tiny, "sfn-small", "not a smaller one"))
    for source, recipe, reason in (*cases, (tiny, "sfn-base", "not a smaller one")):
        refused = run("narrow_sfn.py", source, "--recipe", recipe, "-o", tmp_path / "no")
        assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
        assert reason in refused.stderr
    assert not (tmp_path / "no").exists()
