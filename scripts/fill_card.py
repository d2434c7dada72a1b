"""Put measured goals into the card of shipped weights:

python scripts/fill_card.py src/commedia/assets/weights/sfn-base-full.card.json evaluation-out/sfn-nme.json ...
"""

import json
import sys
from pathlib import Path


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__)
        return 2
    card_path, *reports = map(Path, sys.argv[1:])
    card = json.loads(card_path.read_text(encoding="utf-8"))
    for path in reports:
        report = json.loads(path.read_text(encoding="utf-8"))
        goals = [goal for table in report["tables"] for goal in table["goals"]]
        card["metrics"][path.stem] = {goal["name"]: goal["value"] for goal in goals}
    card_path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
