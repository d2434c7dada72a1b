"""The skin of a head as the mesh that is fitted: what of it is drawn, and how points on the face carry it along."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Int, Int32, Int64

from commedia.face_model.albedo import skin_triangles
from commedia.face_model.landmarks import load_scheme
from commedia.face_model.model import PARTS, REGIONS, HeadModel, MorphableModel
from commedia.geometry.solvers import sparse

POINTS = 300
"""About 9 mm apart; a shot of 112 pixels shows no smaller shape."""
REACH_M = 0.010
"""Standard deviation of what a point carries along, measured on the skin: lips are far from each other."""
FADE = 0.3
"""Weight, in points, of those who stay where they are: beyond the face changes fade out."""
MOVES_M = 0.0002
"""What a blendshape moves by less is not its place: the paper's threshold of attention masks, in our metres."""
SOFT_STEPS = 4
GOES_WITH = {
    "left_eye": ("left_lids",),
    "right_eye": ("right_lids",),
    "teeth": ("upper_lip", "lower_lip"),
    "tongue": ("upper_lip", "lower_lip"),
}
"""What lies in the skin, and the skin that takes it along when the mesh at rest changes."""


@dataclass(frozen=True, eq=False)
class SkinMesh:
    """See the file."""

    vertices: Int32[np.ndarray, "v"]
    """Of the head: what is drawn, and a few that only landmarks need."""
    model: MorphableModel
    """The head model of these alone."""
    drawn: Int64[np.ndarray, "t 3"]
    """Triangles that show the skin of the face, without eyes and the inside of the mouth."""
    marks: Int64[np.ndarray, "68 3"]
    """Corners of the triangles on which the 68 landmarks lie."""
    edges: Int64[np.ndarray, "e 2"]
    carried: Float32[np.ndarray, "h k"]
    """Share of each point's change that each vertex of the whole head takes, eyes, teeth and tongue as one piece each.
    """
    masks: Float32[np.ndarray, "52 h"]
    """Attention masks A_i: where each blendshape moves the head's skin, 0 to 1; nothing on eyes, teeth and tongue."""


@lru_cache(maxsize=2)
def skin_mesh_of(head: HeadModel) -> SkinMesh:
    """Make it, once for each head."""
    shown = skin_triangles(head)
    marked = np.concatenate([shown, load_scheme("ibug68").vertices])
    vertices, numbered = np.unique(marked, return_inverse=True)
    skin_edges = _edges(head.model.triangles[head.triangle_part == PARTS.index("skin")])
    masks = attention_masks(head.model, skin_edges)
    masks[:, np.setdiff1d(np.arange(masks.shape[1]), skin_edges)] = 0
    drawn, marks = np.split(numbered.reshape(-1, 3).astype(np.int64), [len(shown)])
    return SkinMesh(
        vertices.astype(np.int32),
        head.model.part(marked),
        drawn,
        marks,
        _edges(drawn),
        _carried(head, skin_edges, np.unique(shown)),
        masks,
    )


def _edges(triangles: Int[np.ndarray, "t 3"]) -> Int64[np.ndarray, "e 2"]:
    pairs = np.concatenate([triangles[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    return np.unique(np.sort(pairs, axis=1), axis=0).astype(np.int64)


def attention_masks(model: MorphableModel, edges: Int64[np.ndarray, "e 2"]) -> Float32[np.ndarray, "52 v"]:
    """Where the head model's blendshapes move, over the most that they move anywhere, with soft edges (section 3.2)."""
    moved = np.linalg.norm(model.expression_basis, axis=2)
    masks = np.where(moved > MOVES_M, moved, 0) / np.maximum(moved.max(axis=1, keepdims=True), 1e-9)
    count = np.maximum(np.bincount(edges.ravel(), minlength=moved.shape[1]), 1)
    for _ in range(SOFT_STEPS):
        around = np.zeros_like(masks)
        np.add.at(around.T, edges[:, 0], masks.T[edges[:, 1]])
        np.add.at(around.T, edges[:, 1], masks.T[edges[:, 0]])
        masks = 0.5 * masks + 0.5 * around / count
    return masks.astype(np.float32)


def _carried(
    head: HeadModel, edges: Int64[np.ndarray, "e 2"], face: Int[np.ndarray, "n"]
) -> Float32[np.ndarray, "h k"]:
    place, graphs = head.model.mean, sparse("personalizing")
    lengths = np.linalg.norm(place[edges[:, 0]] - place[edges[:, 1]], axis=1)
    graph = graphs.csr_matrix((lengths, (edges[:, 0], edges[:, 1])), shape=(len(place),) * 2)
    points = _spread(place, face, POINTS)
    away = graphs.csgraph.dijkstra(graph, directed=False, indices=points, limit=4 * REACH_M)
    share = np.exp(-0.5 * (away / REACH_M) ** 2)
    carried = (share / (share.sum(axis=0) + FADE)).T.astype(np.float32)
    for part, around in GOES_WITH.items():
        inside = np.unique(head.model.triangles[head.triangle_part == PARTS.index(part)])
        ring = np.isin(head.vertex_region, [REGIONS.index(name) for name in around])
        carried[inside] = carried[ring].mean(axis=0)
    return carried


def _spread(place: np.ndarray, face: np.ndarray, count: int) -> np.ndarray:
    """Vertices of the face as far from each other as can be."""
    chosen = [int(face[0])]
    away = np.linalg.norm(place[face] - place[chosen[0]], axis=1)
    while len(chosen) < min(count, len(face)):
        chosen.append(int(face[np.argmax(away)]))
        away = np.minimum(away, np.linalg.norm(place[face] - place[chosen[-1]], axis=1))
    return np.array(chosen)
