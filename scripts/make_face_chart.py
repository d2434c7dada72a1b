"""Lay the default head's face out on a square, as large as it goes. Example:

python scripts/make_face_chart.py --out src/commedia/assets/face_chart.npz
"""

import argparse
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from scipy.sparse.linalg import spsolve

from commedia.face_model.albedo import skin_triangles
from commedia.face_model.chart import SIZE
from commedia.face_model.model import HeadModel, load_head
from commedia.geometry.closest import ClosestPoints
from commedia.geometry.meshes import triangle_areas

MARGIN = 1.5 / SIZE
"""Between the face and the edge of the square, so that a vertex is read from texels of the face."""
ROUND = 4.0
"""Power of the outline: 2 is a circle, and above all that is large is a square."""
EVEN = 0.55
"""Share of the square that is dealt out to triangles alike, as lids and lips have many; the rest goes by their size."""
ROUNDS = 60


def layout(head: HeadModel) -> tuple[Float[np.ndarray, "v 2"], Int[np.ndarray, "t 3"]]:
    """Place the vertices of the skin of the face: springs between an outline that is held, stronger where too much
    room is taken, alike on both sides. As every vertex lies amid its neighbours, no triangle is turned over (Tutte)."""
    kept, flat = np.unique(skin_triangles(head), return_inverse=True)
    triangles, mean = flat.reshape(-1, 3), head.model.mean[kept].astype(np.float64)
    mirror = np.searchsorted(kept, head.mirror_vertex[kept])
    loops = _loops(triangles)
    rim, holes = loops[0], loops[1:]
    closed = [triangles, *(_cone(hole, len(kept) + number) for number, hole in enumerate(holes))]
    whole, count = np.concatenate(closed), len(kept) + len(holes)
    wanted = _wanted(mean, triangles, len(whole))
    mirrored = np.concatenate([mirror, _mirrored_holes(holes, mirror, len(kept))])
    held = _outline(mean, rim)
    edges = np.unique(np.sort(_edges(whole), axis=1), axis=0)
    twin = _twins(edges, mirrored)
    weights = np.ones(len(edges))
    for _ in range(ROUNDS):
        placed = _settled(edges, weights, rim, held, count)
        room = triangle_areas(np.pad(placed, ((0, 0), (0, 1)))[whole])
        crowded = (_around(room, whole, count) / _around(wanted, whole, count))[edges].prod(1) ** 0.25
        weights = weights * np.clip(crowded, 0.5, 2.0) ** 0.7
        weights = np.sqrt(weights * weights[twin])
        weights /= weights.mean()
    placed = _settled(edges, weights, rim, held, count)[: len(kept)]
    placed = (placed + placed[mirror] * (-1, 1)) / 2
    return 0.5 + placed * (0.5 - MARGIN) * (1, -1), triangles


def texels(uv: Float[np.ndarray, "v 2"], triangles: Int[np.ndarray, "t 3"]) -> Int[np.ndarray, "s s"]:
    """Find the triangle at each texel's centre or nearest to it."""
    middle = (np.arange(SIZE) + 0.5) / SIZE
    places = np.stack([*np.meshgrid(middle, middle), np.zeros((SIZE, SIZE))], -1)
    surface = ClosestPoints(np.pad(uv, ((0, 0), (0, 1))), triangles, 0.3 / SIZE)
    return surface.closest(places.reshape(-1, 3)).triangle.reshape(SIZE, SIZE)


def _edges(triangles: np.ndarray) -> np.ndarray:
    return np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])


def _loops(triangles: np.ndarray) -> list[np.ndarray]:
    """Rims of a surface, the longest first, in order."""
    directed = {tuple(edge) for edge in _edges(triangles).tolist()}
    after = {first: second for first, second in directed if (second, first) not in directed}
    loops = []
    while after:
        start, here = next(iter(after)), next(iter(after))
        loop = []
        while here in after:
            loop.append(here)
            here = after.pop(here)
        assert here == start, "the rims of the face touch"
        loops.append(np.array(loop))
    return sorted(loops, key=len, reverse=True)


def _cone(hole: np.ndarray, top: int) -> np.ndarray:
    return np.stack([np.roll(hole, -1), hole, np.full(len(hole), top)], 1)


def _mirrored_holes(holes: list[np.ndarray], mirror: np.ndarray, first: int) -> np.ndarray:
    members = [set(hole.tolist()) for hole in holes]
    return np.array([first + members.index({int(mirror[v]) for v in hole}) for hole in holes])


def _wanted(mean: np.ndarray, triangles: np.ndarray, count: int) -> np.ndarray:
    """How much of the square each triangle should take; those that close holes somewhat more."""
    size = triangle_areas(mean[triangles])
    shares = EVEN / len(triangles) + (1 - EVEN) * size / size.sum()
    return np.concatenate([shares, np.full(count - len(triangles), 1.5 / len(triangles))])


def _outline(mean: np.ndarray, rim: np.ndarray) -> np.ndarray:
    """Places of the rim from -1 to 1, y up: as far along the outline as along the rim, from its highest point on."""
    top = int(mean[rim, 1].argmax())
    rim_from_top = np.roll(rim, -top)
    path = np.linalg.norm(np.diff(mean[[*rim_from_top, rim_from_top[0]]], axis=0), axis=1)
    angle = np.pi / 2 + np.linspace(0, 2 * np.pi, 10_000)
    ray = np.stack([np.cos(angle), np.sin(angle)], 1)
    outline = ray / (np.abs(ray) ** ROUND).sum(1, keepdims=True) ** (1 / ROUND)
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(outline, axis=0), axis=1))])
    wanted = np.concatenate([[0], np.cumsum(path)[:-1]]) / path.sum() * along[-1]
    places = np.stack([np.interp(wanted, along, axis) for axis in outline.T], 1)
    return np.roll(places, top, axis=0)


def _twins(edges: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """Of each edge the one on the other side, itself where the mesh is not alike there."""
    number = {tuple(edge): index for index, edge in enumerate(edges.tolist())}
    other = np.sort(mirrored[edges], axis=1).tolist()
    return np.array([number.get(tuple(edge), index) for index, edge in enumerate(other)])


def _settled(edges: np.ndarray, weights: np.ndarray, rim: np.ndarray, held: np.ndarray, count: int) -> np.ndarray:
    first, second = edges.T
    pulls = sparse.coo_matrix((weights, (first, second)), (count, count))
    pulls = (pulls + pulls.T).tocsr()
    balance = (sparse.diags(np.asarray(pulls.sum(1))[:, 0]) - pulls).tocsr()
    free = np.setdiff1d(np.arange(count), rim)
    placed = np.zeros((count, 2))
    placed[rim] = held
    placed[free] = spsolve(balance[free][:, free].tocsc(), -balance[free][:, rim] @ held)
    return placed


def _around(values: np.ndarray, triangles: np.ndarray, count: int) -> np.ndarray:
    total = np.zeros(count)
    np.add.at(total, triangles.ravel(), np.repeat(values / values.sum(), 3))
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    uv, triangles = layout(load_head())
    found = texels(uv, triangles)
    np.savez_compressed(given.out, uv=uv.astype(np.float32), texel_triangle=found.astype(np.int16))
    room = triangle_areas(np.pad(uv * SIZE, ((0, 0), (0, 1)))[triangles])
    print(f"{given.out}: the face takes {room.sum() / SIZE**2:.0%}; smallest triangle {room.min():.2f} texels")


if __name__ == "__main__":
    main()
