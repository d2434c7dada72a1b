"""Put a trained SFN with points and trained close-ups together into one weights file; or stretch a joined one.

python scripts/join_close_ups.py points/weights.safetensors close-ups/weights.safetensors -o joined.safetensors
python scripts/join_close_ups.py sfn-close/weights.safetensors -o shipped.safetensors --gain 1.5 --pivot -2
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from commedia.errors import CommediaError, WeightsMismatch
from commedia.networks.close_ups import CloseUps
from commedia.networks.sfn_close import SfnClose, SfnCloseConfig
from commedia.networks.sfn_points import SfnPoints
from commedia.networks.weights import facts_of_weights, network_from_weights, save_weights

FACTS = ("recipe", "seed", "step", "minutes")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", type=Path, nargs="+", help="weights of sfn-points and of close-ups, or of sfn-close")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--share", type=float, help="of the close-ups in the logits, 0 to 1")
    parser.add_argument("--gain", type=float, help="stretch of the logits")
    parser.add_argument("--pivot", type=float, help="logit that the stretch leaves alone")
    given = parser.parse_args()
    try:
        joined = _joined(given.parts)
        facts = [facts_of_weights(path) for path in given.parts]
        wanted = {"share": given.share, "gain": given.gain, "pivot": given.pivot}
        config = replace(joined.config, **{name: value for name, value in wanted.items() if value is not None})
        network = SfnClose(config)
        network.load_state_dict(joined.state_dict())
        told = {name: " + ".join(fact.get(name, "?") for fact in facts) for name in FACTS}
        save_weights(given.output, network, {**told, "head_sha256": facts[0]["head_sha256"]})
    except CommediaError as error:
        print(f"join_close_ups: {error}", file=sys.stderr)
        return 2
    return 0


def _joined(paths: list[Path]) -> SfnClose:
    networks = [network_from_weights(path) for path in paths]
    match networks:
        case [SfnClose() as joined]:
            return joined
        case [SfnPoints() as base, CloseUps() as close_ups]:
            joined = SfnClose(SfnCloseConfig(base.config, close_ups.config))
            joined.base.load_state_dict(base.state_dict())
            joined.close_ups.load_state_dict(close_ups.state_dict())
            return joined
    found = " and ".join(type(network).__name__ for network in networks)
    raise WeightsMismatch(f"expected weights of sfn-points and of close-ups, or of sfn-close alone; found {found}")


if __name__ == "__main__":
    sys.exit(main())
