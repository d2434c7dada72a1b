"""Mean of several weights of one network, from runs that went on from one another: it may err less than any. Measure.

    python scripts/average_weights.py first.safetensors second.safetensors --shares 0.3 0.7 -o mean.safetensors

Runs that share a beginning tend to lie in one valley of the loss, and what each learned of its own last pictures
cancels (Wortsman et al. 2022, Model soups). Whole numbers, and what the file says of itself, are the last one's.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from commedia.errors import CommediaError, WeightsMismatch
from commedia.networks.registry import Network, config_to_json
from commedia.networks.weights import facts_of_weights, network_from_weights, save_weights


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--shares", type=float, nargs="+", required=True, help="of each file; they add up to 1")
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    try:
        mean = averaged(given.weights, given.shares)
        save_weights(given.output, mean, facts_of_weights(given.weights[-1]))
    except CommediaError as error:
        print(f"average_weights: {error}", file=sys.stderr)
        return 2
    return 0


def averaged(files: Sequence[Path], shares: Sequence[float]) -> Network:
    """The last file's network, filled with the mean."""
    if len(files) != len(shares) or abs(sum(shares) - 1) > 1e-6:
        raise CommediaError(f"{len(files)} files need as many shares that add up to 1; got {list(shares)}")
    networks = [network_from_weights(path) for path in files]
    mean = networks[-1]
    for path, network in zip(files, networks, strict=True):
        if type(network) is not type(mean) or config_to_json(network) != config_to_json(mean):
            raise WeightsMismatch(f"'{path}' and '{files[-1]}' hold different networks; only equal ones have a mean")
    states = [network.state_dict() for network in networks]
    with torch.no_grad():
        for name, tensor in mean.state_dict().items():
            if tensor.is_floating_point():
                parts = [share * state[name] for share, state in zip(shares, states, strict=True)]
                tensor.copy_(torch.stack(parts).sum(0))
    return mean


if __name__ == "__main__":
    sys.exit(main())
