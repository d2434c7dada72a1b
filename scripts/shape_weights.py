"""Shards of drawn single faces to NAME.shape.npz beside them: weights that come nearest to each frame's true shape.

    python scripts/shape_weights.py --size 272 --backgrounds BSDS.tar --shards drawn-7500.tar=7500 drawn-7501.tar=7501

Shards made without `--truth` do not say how far somebody's own blendshapes go; their seed does. Performers are drawn
again as `make_synthetic.py` drew them, pictures are not. A shard whose identities are others is refused.
"""

import argparse
from pathlib import Path

import numpy as np

from commedia.data.shards import read_encoded
from commedia.face_model.model import head_or_default
from commedia.synthetic.backgrounds import Backgrounds, load_backgrounds
from commedia.synthetic.degradations import degrade
from commedia.synthetic.occluders import occlude
from commedia.synthetic.performers import Performer, sample_performers, stream_rng
from commedia.synthetic.shape_weights import shape_weights
from commedia.synthetic.shards import _BATCH, CROP_MARGIN


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shards", nargs="+", required=True, help="FILE=SEED")
    parser.add_argument("--size", type=int, default=176)
    parser.add_argument("--backgrounds", type=Path)
    given = parser.parse_args()
    head, backgrounds = head_or_default(None), load_backgrounds(given.backgrounds, "train")
    for shard in given.shards:
        path, seed = shard.rsplit("=", 1)
        known = [one.faces[0] for one in read_encoded(Path(path))]
        performers = drawn_again(int(seed), known, given.size, backgrounds)
        for performer, face in zip(performers, known, strict=True):
            assert np.abs(performer.truth.identity - face.identity).max() < 0.01, f"{path} has another seed"
        weights = np.stack([shape_weights(performer, head) for performer in performers])
        np.savez(Path(path).with_suffix(".shape.npz"), weights=weights)
        print(path, len(weights), f"largest {weights.max():.2f}, least {weights.min():.2f}", flush=True)


def drawn_again(seed: int, known: list, size: int, backgrounds: Backgrounds) -> list[Performer]:
    """As `single_pictures`, but that nobody is drawn: what takes random numbers, takes them."""
    rng, count, found = stream_rng("train", seed), len(known), []
    for start in range(0, count, _BATCH):
        performers = sample_performers(rng, min(_BATCH, count - start), name="again")
        sides = size / CROP_MARGIN * rng.uniform(0.92, 1.06, len(performers))
        rng.uniform(-0.04, 0.04, (len(performers), 2))
        for side, face in zip(sides, known[start : start + _BATCH], strict=True):
            image = backgrounds.window(rng, size, size)
            if rng.uniform() < 0.22:
                occlude(rng, image.copy(), face.box, backgrounds.window(rng, size, size))
            degrade(rng, image[:16, :16].copy(), float(side))
        found += performers
    return found


if __name__ == "__main__":
    main()
