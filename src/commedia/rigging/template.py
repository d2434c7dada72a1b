"""Our head as the one that lends its blendshapes: which of its vertices show, which side of a slit each is on."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from commedia.conventions import EXPRESSION_COUNT
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.landmarks import LandmarkScheme, load_scheme
from commedia.face_model.model import PARTS, REGIONS, HeadModel, head_or_default
from commedia.rigging.slits import Slit, side_of_triangle, sides_from_seeds

HIDDEN = ("inner_mouth", "left_socket", "right_socket")
"""Regions of the skin that no sculptor makes alike, and nobody sees: they are carried along, not laid on anything."""
LOOSE = {"scalp": 0.2, "neck": 0.3, "left_ear": 0.3, "right_ear": 0.3}
"""Where hair, hats and collars are: how much these regions count, against 1 for the face."""
STILL_M = 2e-5
"""A vertex that no blendshape moves farther than this belongs to what stays."""
SLITS: tuple[Slit, ...] = (
    Slit((49, 50, 51, 52, 53, 61, 62, 63), (55, 56, 57, 58, 59, 65, 66, 67), "inner_mouth"),
    Slit((37, 38), (40, 41), "right_socket"),
    Slit((43, 44), (46, 47), "left_socket"),
)
"""Lips and lids: landmarks above and below, and the region behind."""


@dataclass(frozen=True, eq=False)
class Template:
    """The skin of a head, its vertices numbered anew; the other parts stay in `head`."""

    head: HeadModel
    vertices: Int[np.ndarray, "s"]
    """Number of each vertex in the whole head."""
    triangles: Int[np.ndarray, "t 3"]
    shown: Float[np.ndarray, "s"]
    """How much a vertex counts when the skin is laid on another face; 0 for what is hidden."""
    sides: Int[np.ndarray, "s"]
    """0, or 2 k + 2 above the k-th slit and 2 k + 3 below it."""
    triangle_sides: Int[np.ndarray, "t"]
    moves: Float[np.ndarray, "s"]
    """How far any unit takes each vertex, metres."""
    landmarks: LandmarkScheme
    """The iBUG-68 points on these vertices."""

    def skin(self, identity: Float[np.ndarray, "i"]) -> Float[np.ndarray, "s 3"]:
        """The neutral skin of an identity, metres, head frame."""
        return head_vertices(self.head, identity)[self.vertices]


def load_template(head: HeadModel | None = None) -> Template:
    """Prepare a head (None: the default head) to lend its blendshapes; once per head."""
    return _template(head_or_default(head))


@lru_cache(maxsize=4)
def _template(head: HeadModel) -> Template:
    chosen = head.model.triangles[head.triangle_part == PARTS.index("skin")]
    vertices, triangles = np.unique(chosen, return_inverse=True)
    triangles = triangles.reshape(-1, 3)
    whole = load_scheme("ibug68")
    own = LandmarkScheme(
        whole.name, np.searchsorted(vertices, whole.vertices).astype(np.int32), whole.barycentric, whole.labels
    )
    region = head.vertex_region[vertices]
    shown = np.ones(len(vertices))
    for name in HIDDEN:
        shown[region == REGIONS.index(name)] = 0
    for name, share in LOOSE.items():
        shown[region == REGIONS.index(name)] = share
    sides = _sides(head.model.mean[vertices].astype(np.float64), triangles, own, region)
    moves = np.linalg.norm(head.model.expression_basis[:, vertices], axis=-1).max(axis=0).astype(np.float64)
    return Template(head, vertices, triangles, shown, sides, side_of_triangle(sides, triangles), moves, own)


def head_vertices(head: HeadModel, identity: Float[np.ndarray, "i"]) -> Float[np.ndarray, "v 3"]:
    """The neutral head of an identity, metres, head frame."""
    return vertices_from_params(head.model, identity, np.zeros(EXPRESSION_COUNT)).astype(np.float64)


def _sides(
    skin: Float[np.ndarray, "s 3"], triangles: Int[np.ndarray, "t 3"], scheme: LandmarkScheme, region: np.ndarray
) -> Int[np.ndarray, "s"]:
    sides = np.zeros(len(skin), dtype=np.int64)
    nearest = scheme.vertices[np.arange(len(scheme.vertices)), scheme.barycentric.argmax(axis=1)]
    for number, slit in enumerate(SLITS):
        inside = region == REGIONS.index(slit.behind)
        found = sides_from_seeds(skin, triangles, nearest[list(slit.above)], nearest[list(slit.below)], inside)
        sides[found != 0] = found[found != 0] + 2 * number + 1
    return sides
