"""The mean of weights files: what it is, what its header keeps, and which files have none."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from commedia.errors import CommediaError, WeightsMismatch
from commedia.networks.averages import average_weights
from commedia.networks.ours.mfn_base import MfnBase
from commedia.networks.paper1.sfn import Sfn, SfnConfig
from commedia.networks.weights import facts_of_weights, network_from_weights, save_weights

SMALL = SfnConfig(width_mult=0.25, norm=True)


def saved(path: Path, seed: int, config: SfnConfig = SMALL, **facts: str) -> Path:
    torch.manual_seed(seed)
    network = Sfn(config)
    for parameter in network.buffers():
        if parameter.is_floating_point():
            torch.nn.init.uniform_(parameter, 0.5, 2.0)
    save_weights(path, network, facts)
    return path


def test_each_number_is_the_sum_of_the_shares(tmp_path: Path) -> None:
    files = [saved(tmp_path / f"{seed}.safetensors", seed) for seed in range(3)]
    average_weights(files, (0.5, 0.2, 0.3), tmp_path / "mean.safetensors")
    mean, *states = (network_from_weights(file).state_dict() for file in (tmp_path / "mean.safetensors", *files))
    for name, tensor in mean.items():
        if tensor.is_floating_point():
            expected = 0.5 * states[0][name] + 0.2 * states[1][name] + 0.3 * states[2][name]
            torch.testing.assert_close(tensor, expected, msg=name)


def test_the_mean_of_a_file_with_itself_is_the_file(tmp_path: Path) -> None:
    file = saved(tmp_path / "a.safetensors", 0)
    average_weights([file, file, file], (0.6, 0.3, 0.1), tmp_path / "mean.safetensors")
    mean, own = (network_from_weights(path).state_dict() for path in (tmp_path / "mean.safetensors", file))
    assert all(torch.equal(tensor, own[name]) for name, tensor in mean.items())


def test_the_header_keeps_where_the_mean_came_from(tmp_path: Path) -> None:
    stages = [json.dumps([{"name": "all", "minutes": minutes}]) for minutes in (5, 7)]
    files = [
        saved(tmp_path / f"{seed}.safetensors", seed, recipe="r", head_sha256="h", stages=stages[seed], step="9")
        for seed in range(2)
    ]
    average_weights(files, (0.6, 0.4), tmp_path / "mean.safetensors")
    facts = facts_of_weights(tmp_path / "mean.safetensors")
    assert (facts["recipe"], facts["head_sha256"]) == ("r", "h")
    assert not {"stages", "step"} & set(facts), "those of no one run"
    assert json.loads(facts["sources"]) == [
        {
            "name": file.name,
            "sha256": sha256(file.read_bytes()).hexdigest(),
            "share": share,
            "stages": json.loads(told),
        }
        for file, share, told in zip(files, (0.6, 0.4), stages, strict=True)
    ]
    # A mean of means says so.
    average_weights([tmp_path / "mean.safetensors", files[0]], (0.5, 0.5), tmp_path / "again.safetensors")
    (first, _) = json.loads(facts_of_weights(tmp_path / "again.safetensors")["sources"])
    assert first["sources"] == json.loads(facts["sources"])


@pytest.mark.parametrize(
    "shares", [(0.6, 0.3), (1.4, -0.4), (1.0, 0.0), (float("nan"), 0.5), (0.5,), (), (0.5, 0.3, 0.2)]
)
def test_shares_are_one_a_file_and_add_up_to_1(shares: tuple[float, ...], tmp_path: Path) -> None:
    files = [saved(tmp_path / f"{seed}.safetensors", seed) for seed in range(2)]
    with pytest.raises(CommediaError, match="shares"):
        average_weights(files, shares, tmp_path / "mean.safetensors")
    assert not (tmp_path / "mean.safetensors").exists()


def test_files_of_different_networks_are_named(tmp_path: Path) -> None:
    one = saved(tmp_path / "one.safetensors", 0, head_sha256="h")
    wide = saved(tmp_path / "wide.safetensors", 0, SfnConfig(width_mult=0.5, norm=True))
    other_head = saved(tmp_path / "other.safetensors", 0, head_sha256="i")
    save_weights(tmp_path / "mfn.safetensors", MfnBase(), {})
    for file, said in (
        (wide, r"wide\.safetensors' does not fit Sfn: '.*' is \(.*\), expected"),
        (tmp_path / "mfn.safetensors", "mfn.safetensors' is a network mfn-base, '.*one.safetensors' a sfn"),
        (other_head, "other.safetensors' and '.*one.safetensors' were trained for different heads"),
    ):
        with pytest.raises(WeightsMismatch, match=said):
            average_weights([one, file], (0.5, 0.5), tmp_path / "mean.safetensors")
    assert not (tmp_path / "mean.safetensors").exists()
