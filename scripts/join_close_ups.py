"""Put a trained SFN with points and trained close-ups together into one weights file, where `sfn-close` begins.

python scripts/join_close_ups.py points/weights.safetensors close-ups/weights.safetensors -o joined.safetensors
"""

import argparse
import sys
from pathlib import Path

from commedia.errors import CommediaError, WeightsMismatch
from commedia.networks.ours.close_ups import CloseUps
from commedia.networks.ours.sfn_close import SfnClose, SfnCloseConfig
from commedia.networks.ours.sfn_points import SfnPoints
from commedia.networks.weights import facts_of_weights, network_from_weights, save_weights

FACTS = ("recipe", "seed", "step", "minutes")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("points", type=Path, help="weights of sfn-points")
    parser.add_argument("close_ups", type=Path, help="weights of close-ups")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--share", type=float, default=SfnCloseConfig.share, help="of the close-ups, 0 to 1")
    given = parser.parse_args()
    try:
        network = joined(given.points, given.close_ups, given.share)
        facts = [facts_of_weights(path) for path in (given.points, given.close_ups)]
        told = {name: " + ".join(fact.get(name, "?") for fact in facts) for name in FACTS}
        save_weights(given.output, network, {**told, "head_sha256": facts[0]["head_sha256"]})
    except CommediaError as error:
        print(f"join_close_ups: {error}", file=sys.stderr)
        return 2
    return 0


def joined(points: Path, close_ups: Path, share: float) -> SfnClose:
    """Build the network whose parts are two trained ones."""
    parts = [network_from_weights(path) for path in (points, close_ups)]
    match parts:
        case [SfnPoints() as base, CloseUps() as close]:
            network = SfnClose(SfnCloseConfig(base.config, close.config, share))
            network.base.load_state_dict(base.state_dict())
            network.close_ups.load_state_dict(close.state_dict())
            return network
    found = " and ".join(type(part).__name__ for part in parts)
    raise WeightsMismatch(f"expected weights of sfn-points and of close-ups; found {found}")


if __name__ == "__main__":
    sys.exit(main())
