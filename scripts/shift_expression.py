"""Move what a trained sfn-close answers a little, in logits: all units, and single ones further.

python scripts/shift_expression.py sfn-close/weights.safetensors -o shipped.safetensors --all 0.1 --unit cheekPuff=-0.5

The slope of the loss decides how loudly units speak; this decides it to the last hundredth, on faces that neither train
nor judge. The shift goes into the last bias, so that nothing downstream knows of it.
"""

import argparse
import sys
from pathlib import Path

import torch

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.errors import CommediaError, UnknownName, WeightsMismatch
from commedia.networks.ours.sfn_close import SfnClose
from commedia.networks.weights import facts_of_weights, network_from_weights, save_weights


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, help="weights of sfn-close")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--all", type=float, default=0.0, help="added to the logit of every unit")
    parser.add_argument("--unit", nargs="*", default=[], metavar="NAME=SHIFT", help="added to the logit of one")
    given = parser.parse_args()
    try:
        network = network_from_weights(given.weights)
        if not isinstance(network, SfnClose):
            raise WeightsMismatch(f"'{given.weights}' holds a {type(network).__name__}; expected weights of sfn-close")
        with torch.no_grad():
            network.together.last.bias[:EXPRESSION_COUNT] += shifts(given.all, given.unit)
        save_weights(given.output, network, facts_of_weights(given.weights))
    except CommediaError as error:
        print(f"shift_expression: {error}", file=sys.stderr)
        return 2
    return 0


def shifts(of_all: float, of_units: list[str]) -> torch.Tensor:
    """Read `NAME=SHIFT` pairs on top of a common shift."""
    shift = torch.full((EXPRESSION_COUNT,), of_all)
    for pair in of_units:
        name, _, amount = pair.partition("=")
        if name not in EXPRESSION_INDEX:
            raise UnknownName("unit", name, EXPRESSION_INDEX)
        try:
            shift[EXPRESSION_INDEX[name]] += float(amount)
        except ValueError:
            raise CommediaError(f"'{pair}' should be a unit and a number, as in cheekPuff=-0.5") from None
    return shift


if __name__ == "__main__":
    sys.exit(main())
