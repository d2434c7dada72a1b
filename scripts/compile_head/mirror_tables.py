"""Make `assets/landmarks/*.toml` exactly mirror-symmetric by copying the subject's left side to the right, in place.

Run it after any hand or `refine_embedding.py` has moved points; comments and labels stay.
"""

import argparse
import re
from pathlib import Path

import numpy as np

from commedia.conventions import LANDMARK_MIRROR
from commedia.face_model.landmarks import SCHEME_FOLDER, points, read_scheme
from commedia.face_model.model import HeadModel, load_head

MIDLINE_M = 1e-4


def main() -> None:
    """Rewrite every table in a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=SCHEME_FOLDER)
    folder, head = parser.parse_args().folder, load_head()
    for path in sorted(folder.glob("*.toml")):
        mirrored(path, head)


def mirrored(path: Path, head: HeadModel) -> None:
    """Rewrite one table; says which points it moved by more than a tenth of a millimetre."""
    scheme = read_scheme(path)
    place = points(scheme, head.model.mean)
    vertices, weights = scheme.vertices.copy(), scheme.barycentric.astype(np.float64).copy()
    partner = _partners(scheme.name, place)
    for number, other in enumerate(partner):
        if number == other:
            vertices[number], weights[number] = _on_midline(vertices[number], weights[number], head)
        elif place[number, 0] > place[other, 0]:
            vertices[other], weights[other] = head.mirror_vertex[vertices[number]], weights[number]
    moved = np.linalg.norm(np.einsum("lk,lkc->lc", weights, head.model.mean[vertices]) - place, axis=1)
    print(f"{scheme.name}: moved {np.flatnonzero(moved > 1e-4).tolist()}, farthest {moved.max() * 1000:.2f} mm")
    path.write_text(_rewritten(path.read_text(encoding="utf-8"), vertices, weights), encoding="utf-8")


def _partners(name: str, place: np.ndarray) -> np.ndarray:
    """Number of each point's mirror image: known for 68, the closest pairs for others."""
    if name == "ibug68":
        return np.array(LANDMARK_MIRROR)
    from scipy.optimize import linear_sum_assignment

    distance = np.linalg.norm(place[:, None] - place[None] * np.float32([-1, 1, 1]), axis=-1)
    # The upper and the lower rim of the lips lie on one another, where the nearest point may be the wrong one.
    partner = linear_sum_assignment(distance + distance.T)[1]
    assert (partner[partner] == np.arange(len(partner))).all(), "points are too far from symmetric to pair"
    return partner


def _on_midline(vertices: np.ndarray, weights: np.ndarray, head: HeadModel) -> tuple[np.ndarray, np.ndarray]:
    """Drop the share of vertices beside the midline."""
    middle = head.mirror_vertex[vertices] == vertices
    assert (weights * middle).sum() > 0, "a midline point has no vertex on the midline"
    kept = weights * middle
    kept = (kept / kept.sum()).round(4)
    kept[np.argmax(kept)] += 1 - kept.sum()
    return vertices, kept.round(4)


def _rewritten(text: str, vertices: np.ndarray, weights: np.ndarray) -> str:
    rows = iter(zip(vertices.tolist(), weights.tolist(), strict=True))
    current: list = []

    def place(match: re.Match) -> str:
        if match["key"] == "vertices":
            current[:] = next(rows)
            return f"vertices = {current[0]}"
        return f"barycentric = [{', '.join(f'{weight:.4f}' for weight in current[1])}]"

    return re.sub(r"(?P<key>vertices|barycentric) = \[[^\]]*\]", place, text)


if __name__ == "__main__":
    main()
