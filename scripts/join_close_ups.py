"""Put a trained SFN and trained close-ups together into one weights file, for `commedia export`.

python scripts/join_close_ups.py sfn-points/weights.safetensors close-ups/weights.safetensors -o sfn-close.safetensors
"""

import argparse
import sys
from pathlib import Path

from commedia.errors import CommediaError
from commedia.networks.close_ups import CloseUps
from commedia.networks.sfn_close import SfnClose, SfnCloseConfig
from commedia.networks.sfn_points import SfnPoints
from commedia.networks.weights import facts_of_weights, network_from_weights, save_weights


def main() -> int:
    parser = argparse.ArgumentParser(description="Put a trained SFN and trained close-ups together.")
    parser.add_argument("base", type=Path, help="weights.safetensors of a run of sfn-points")
    parser.add_argument("close_ups", type=Path, help="weights.safetensors of a run of close-ups")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--share", type=float, default=SfnCloseConfig.share, help="of the logits, 0 to 1")
    parser.add_argument("--gain", type=float, default=SfnCloseConfig.gain, help="stretch of the mean logit")
    given = parser.parse_args()
    try:
        base, close_ups = network_from_weights(given.base), network_from_weights(given.close_ups)
        facts = [facts_of_weights(path) for path in (given.base, given.close_ups)]
    except CommediaError as error:
        print(f"join_close_ups: {error}", file=sys.stderr)
        return 2
    if not (isinstance(base, SfnPoints) and isinstance(close_ups, CloseUps)):
        found = f"{type(base).__name__} and {type(close_ups).__name__}"
        print(f"join_close_ups: expected weights of sfn-points and of close-ups, found {found}", file=sys.stderr)
        return 2
    network = SfnClose(SfnCloseConfig(base.config, close_ups.config, given.share, given.gain))
    network.base.load_state_dict(base.state_dict())
    network.close_ups.load_state_dict(close_ups.state_dict())
    both = {name: " + ".join(fact.get(name, "?") for fact in facts) for name in ("recipe", "seed", "step", "minutes")}
    save_weights(given.output, network, {**both, "head_sha256": facts[0]["head_sha256"]})
    return 0


if __name__ == "__main__":
    sys.exit(main())
