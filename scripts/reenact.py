"""Make a shard of photographs whose faces do something else. Example:

python scripts/reenact.py lfw-000.tar lfw-001.tar --seed 1 --out reenacted-001.tar
"""

import argparse
import sys
import time
from itertools import chain
from pathlib import Path

import torch

from commedia.data.shards import read_shard, write_shard
from commedia.errors import CommediaError
from commedia.synthetic.reenactments import reenactments


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shards", type=Path, nargs="+", help="of `commedia label`; hand-marked faces are passed over")
    parser.add_argument("--each", type=int, default=3, help="pictures per photograph")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="the shard to write")
    given = parser.parse_args()
    torch.set_num_threads(1)
    start = time.monotonic()
    photographs = chain.from_iterable(map(read_shard, given.shards))
    try:
        count = write_shard(given.out, reenactments(photographs, given.seed, each=given.each))
    except CommediaError as error:
        print(f"reenact: {error}", file=sys.stderr)
        return 2
    seconds = time.monotonic() - start
    print(f"{given.out}: {count} pictures in {seconds:.0f} s, {count / seconds:.1f} per second")
    return 0


if __name__ == "__main__":
    sys.exit(main())
