"""Measure how a points network's errors go together on drawn faces, and keep it in its file.

python scripts/fit_together.py points-desktop --shards shards/drawn-test.tar

For faces that it was not trained on, drawn by `make_synthetic.py`: their points are exact.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.data.shards import read_shard
from commedia.errors import BadShard, CommediaError
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.points import TOGETHER, PointsPredictor, open_points, together_to_text
from commedia.faces.weights import find_weights
from commedia.networks.export import note_in_file

FAR = 1.5
"""A face whose errors are so many times as large as the median face's counts as if they were that."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("network", help="name of shipped weights, or an .onnx file")
    parser.add_argument("--shards", type=Path, nargs="+", required=True, help="drawn faces that it was not trained on")
    given = parser.parse_args()
    try:
        errors = np.array(list(weighed_errors(open_points(given.network, threads=1), given.shards)))
        if not len(errors):
            raise BadShard(f"nobody is in {', '.join(map(str, given.shards))}")
        together = together_from(errors)
        note_in_file(find_weights(given.network), TOGETHER, together_to_text(together))
    except CommediaError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    neighbours = np.mean([together[i, i + 2] / np.sqrt(together[i, i] * together[i + 2, i + 2]) for i in range(32)])
    print(f"{len(errors)} faces; errors of neighbours on the jaw are {neighbours:.2f} alike")
    return 0


def weighed_errors(finder: PointsPredictor, shards: Sequence[Path]) -> Iterator[Float[np.ndarray, "k"]]:
    """Errors of each face, by how sure each point is, in the axes of its crop."""
    for picture in (picture for path in shards for picture in read_shard(path)):
        if picture.kind != "synthetic":
            raise BadShard(f"'{picture.source}' is a photograph; points of drawn faces alone are exact")
        for face in picture.faces:
            seen = finder.find(picture.image, [crop_from_landmarks(face.landmarks_px)])
            off = seen.points_px[0] - face.landmarks_px
            yield np.einsum("pij,pj->pi", seen.sure[0], off).flatten()


def together_from(errors: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "k k"]:
    """The mean of products of errors, with those of faces that are far off made smaller."""
    size = np.sqrt(np.square(errors).mean(1))
    tamed = errors / np.maximum(1, size / np.median(size) / FAR)[:, None]
    return tamed.T @ tamed / len(errors)


if __name__ == "__main__":
    sys.exit(main())
