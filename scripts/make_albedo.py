"""Make the default head's albedo model from drawn people. Example:

python scripts/make_albedo.py --count 1000 --components 40 --out src/commedia/assets/albedo.npz
"""

import argparse
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT
from commedia.face_model.albedo import albedo_of, save_albedo, skin_triangles
from commedia.face_model.model import HeadModel, load_head
from commedia.synthetic.appearance import Light, sample_appearance
from commedia.synthetic.performers import stream_rng
from commedia.synthetic.skin import Points, head_colours

SEED = 77
EVEN = Light(
    np.ones(3, np.float32), np.zeros(3, np.float32), np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32)
)


def colours_of(head: HeadModel, count: int) -> Float[np.ndarray, "n v 3"]:
    """Colours of drawn people at rest in even light, as a screen shows them."""
    vertices = np.unique(skin_triangles(head))
    corner = np.zeros(len(head.model.mean), np.int64)
    corner[head.model.triangles.ravel()] = head.uv_triangles.ravel()
    uv, forward = head.uv[corner[vertices]], np.tile(np.array([0, 0, 1], np.float32), (len(vertices), 1))
    points = Points(uv, np.zeros(len(vertices), np.int64), forward)
    rng, rest = stream_rng("train", SEED), np.zeros(EXPRESSION_COUNT)
    drawn = [head_colours(head, points, sample_appearance(rng), EVEN, rest) for _ in range(count)]
    return np.sqrt(np.clip(np.stack(drawn), 0, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="how many people")
    parser.add_argument("--components", type=int, default=40)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    colours = colours_of(load_head(), given.count)
    albedo = albedo_of(colours, given.components)
    save_albedo(given.out, albedo)
    explained = albedo.basis.astype(np.float64).__pow__(2).sum() / np.var(colours, axis=0).sum()
    print(f"{given.out}: {len(albedo.basis)} components explain {explained:.1%} of {given.count} people's colours")


if __name__ == "__main__":
    main()
