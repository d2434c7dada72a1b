"""Several weights of one network to their weighted mean, which often errs less than each of them."""

import json
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from commedia.errors import CommediaError, WeightsMismatch
from commedia.files import sha256_of
from commedia.networks.registry import config_to_json, kind_of
from commedia.networks.weights import facts_of_weights, load_weights, network_from_weights, save_weights


def average_weights(files: Sequence[Path], shares: Sequence[float], path: Path) -> None:
    """Write the mean of weights files to `path`; its header says of each file hash, share and stages."""
    _check(files, shares)
    network = network_from_weights(files[0])
    first = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    total = {name: tensor.double() for name, tensor in first.items()}
    for file, share in zip(files[1:], shares[1:], strict=True):
        # Added up as ways from the first file, equal weights stay what they are to the last bit.
        _load_same(file, network, like=files[0])
        for name, tensor in network.state_dict().items():
            total[name] += share * (tensor.double() - first[name].double())
    network.load_state_dict({name: _as(tensor, first[name]) for name, tensor in total.items()})
    save_weights(path, network, _facts(files, shares))


def _check(files: Sequence[Path], shares: Sequence[float]) -> None:
    if len(files) != len(shares):
        raise CommediaError(f"{len(files)} weights files need {len(files)} shares, one each; {len(shares)} were given")
    if not (min(shares) > 0 and abs(sum(shares) - 1) < 1e-6):
        given = " + ".join(f"{share:g}" for share in shares)
        raise CommediaError(f"shares are positive and add up to 1; {given} is {sum(shares):g}")


def _load_same(file: Path, network: nn.Module, *, like: Path) -> None:
    """Fill a network, which is that of `like`, from another file of the same network."""
    other = network_from_weights(file)
    if kind_of(other) != kind_of(network):
        raise WeightsMismatch(f"'{file}' is a network {kind_of(other)}, '{like}' a {kind_of(network)}")
    load_weights(file, network)
    if config_to_json(other) != config_to_json(network):
        raise WeightsMismatch(f"'{file}' and '{like}' are {kind_of(network)} of different settings")


def _as(total: Tensor, first: Tensor) -> Tensor:
    """Give a sum the type it came from; BatchNorm counts in whole numbers."""
    return total.to(first.dtype) if first.is_floating_point() else total.round().to(first.dtype)


def _facts(files: Sequence[Path], shares: Sequence[float]) -> dict[str, str]:
    """Say in the header where the mean came from; what all files agree on stays."""
    found = [facts_of_weights(file) for file in files]
    for facts, file in zip(found, files, strict=True):
        if facts.get("head_sha256") != found[0].get("head_sha256"):
            raise WeightsMismatch(f"'{file}' and '{files[0]}' were trained for different heads (head_sha256)")
    sources = [
        {
            "name": file.name,
            "sha256": sha256_of(file),
            "share": share,
            **{key: json.loads(facts[key]) for key in ("stages", "sources") if key in facts},
        }
        for file, share, facts in zip(files, shares, found, strict=True)
    ]
    agreed = {key: text for key, text in found[0].items() if all(facts.get(key) == text for facts in found)}
    kept = {key: agreed[key] for key in ("recipe", "head_sha256") if key in agreed}
    return {**kept, "sources": json.dumps(sources, separators=(",", ":"))}
