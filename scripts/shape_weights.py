"""Shards of drawn single faces to NAME.shape.npz beside them: weights that come nearest to each frame's true shape.

    python scripts/shape_weights.py --size 272 --backgrounds BSDS.tar --shards drawn-7500.tar=7500 drawn-7501.tar=7501

Shards made without `--truth` do not say how far somebody's own blendshapes go; their seed does. Performers are drawn
again as `make_synthetic.py` drew them, pictures are not. A shard whose identities are others is refused.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from commedia.data.shards import read_encoded
from commedia.errors import BadShard, CommediaError
from commedia.face_model.model import head_or_default
from commedia.synthetic.backgrounds import Backgrounds, load_backgrounds
from commedia.synthetic.shape_weights import shape_weights
from commedia.synthetic.shards import single_performers


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shards", nargs="+", required=True, help="FILE=SEED, the seed that the file was made with")
    parser.add_argument("--size", type=int, default=176, help="side of the pictures, as they were made")
    parser.add_argument("--backgrounds", type=Path, help="tar of photographs that they were made with")
    given = parser.parse_args()
    try:
        backgrounds = load_backgrounds(given.backgrounds, "train")
        for shard in given.shards:
            path, _, seed = shard.rpartition("=")
            if not path or not seed.isdigit():
                raise CommediaError(f"'{shard}' is not FILE=SEED, such as drawn-7500.tar=7500")
            write_weights(Path(path), int(seed), given.size, backgrounds)
    except CommediaError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def write_weights(path: Path, seed: int, size: int, backgrounds: Backgrounds) -> None:
    """Write NAME.shape.npz beside a shard; raises BadShard where the seed draws other people."""
    head, known = head_or_default(None), [one.faces[0] for one in read_encoded(path)]
    performers = list(single_performers("train", seed, len(known), backgrounds, size=size))
    for performer, face in zip(performers, known, strict=True):
        if face.identity is None or np.abs(performer.truth.identity - face.identity).max() >= 0.01:
            raise BadShard(f"'{path}' shows others than seed {seed} draws with these --size and --backgrounds")
    weights = np.stack([shape_weights(performer, head) for performer in performers])
    np.savez(path.with_suffix(".shape.npz"), weights=weights)
    print(path, len(weights), f"largest {weights.max():.2f}, least {weights.min():.2f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
