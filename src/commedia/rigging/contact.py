"""Do lids and lips meet? Looked at from ahead: how much of an eyeball, or of the mouth's inside, is to be seen.

Nothing is measured between points, since a lid's rim is found to a millimetre or two only, which on an eye is a lot;
what hides an eyeball is found exactly. It takes eyeballs that are pieces of their own, and skin behind the lips.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from commedia.face_model.landmarks import points
from commedia.geometry.closest import ClosestPoints
from commedia.geometry.similarity import Similarity
from commedia.render.rasterize_numpy import rasterize
from commedia.rigging.blendshapes import Blendshapes, RegisteredHead
from commedia.rigging.pieces import Kind
from commedia.rigging.registration import SPACING_M

EYES = {"Right": slice(36, 42), "Left": slice(42, 48)}
LIPS = slice(48, 68)
"""Landmarks."""
AROUND = 0.35
"""Of a window's width: how much further it reaches than the landmarks."""
SIDE_PX = 160
LEAST_PX = 60
"""Of an opening: with fewer it is none."""


@dataclass(frozen=True)
class Opening:
    """A part of the face through which something is seen, and how to look at it."""

    vertices: Float[np.ndarray, "n 3"]
    """At rest, head frame, metres: of the triangles that may come into the window."""
    rows: Int[np.ndarray, "n"]
    """Of the character's vertices."""
    triangles: Int[np.ndarray, "t 3"]
    behind: Bool[np.ndarray, "t"]
    """What is seen where it is open: an eyeball, or teeth, tongue and the mouth's inside."""
    low: Float[np.ndarray, "2"]
    size: float
    """Lower left corner and side of the window."""
    head_from_target: Similarity

    def seen(self, moved: Float[np.ndarray, "n 3"]) -> int:
        """Count the pixels in which what is behind shows, the vertices displaced as said in the character's frame."""
        flat = self.vertices + self.head_from_target.offsets(moved)
        pixel = SIDE_PX / self.size
        x, y = (flat[:, :2] - self.low).T * pixel
        flat = np.stack([x, SIDE_PX - y, flat[:, 2] * pixel], axis=1)
        shown = rasterize(flat, self.triangles, SIDE_PX, SIDE_PX).triangle
        return int(self.behind[shown[shown >= 0]].sum())


def find_openings(
    vertices: Float[np.ndarray, "w 3"], triangles: Int[np.ndarray, "u 3"], blendshapes: Blendshapes
) -> dict[str, Opening]:
    """Return what can be looked at of `Left` eye, `Right` eye and `mouth`.

    The character's own frame, triangles whichever way round; of its blendshapes only how our head lies over it is used.
    """
    registered = blendshapes.registered
    placed = registered.fitted.head_from_target.points(vertices)
    marked = points(registered.template.landmarks, registered.skin)
    skin, parts = _rows(blendshapes, Kind.FACE), {}
    for part, (side, marks) in enumerate((("Left", EYES["Left"]), ("Right", EYES["Right"]))):
        ball = _rows(blendshapes, Kind.EYE, part)
        if len(ball):
            parts[side] = (skin, ball, marked[marks])
    inside = _inside_mouth(registered, placed, skin)
    hidden = np.concatenate([inside, _rows(blendshapes, Kind.TEETH), _rows(blendshapes, Kind.TONGUE)])
    if len(hidden):
        parts["mouth"] = (np.setdiff1d(skin, inside), hidden, marked[LIPS])
    placement = registered.fitted.head_from_target
    return {name: _opening(placement, placed, triangles, *part) for name, part in parts.items()}


def _rows(blendshapes: Blendshapes, kind: Kind, part: int | None = None) -> Int[np.ndarray, "n"]:
    rows = [piece.vertices for piece in blendshapes.pieces if piece.kind is kind and part in (None, piece.part)]
    return np.concatenate([np.zeros(0, dtype=np.int64), *rows])


def _inside_mouth(registered: RegisteredHead, placed: np.ndarray, skin: np.ndarray) -> Int[np.ndarray, "n"]:
    """The part of the skin that lies where ours is hidden; sockets count too, which no window of a mouth shows."""
    template = registered.template
    hits = ClosestPoints(registered.skin, template.triangles, SPACING_M).closest(placed[skin])
    hidden = (template.shown[template.triangles[hits.triangle]] == 0).all(axis=1)
    return skin[hits.found & hidden]


def _opening(
    placement: Similarity,
    placed: np.ndarray,
    triangles: np.ndarray,
    before: np.ndarray,
    behind: np.ndarray,
    marked: np.ndarray,
) -> Opening:
    middle = (marked.min(axis=0) + marked.max(axis=0))[:2] / 2
    size = float(np.ptp(marked[:, 0]) * (1 + 2 * AROUND))
    kind = np.zeros(len(placed), dtype=np.int64)
    kind[before], kind[behind] = 1, 2
    # A triangle of skin with one corner inside the mouth is still lip.
    chosen = triangles[(kind[triangles] > 0).all(axis=1)]
    near = (np.abs(placed[chosen].mean(axis=1)[:, :2] - middle) < 1.5 * size).all(axis=1)
    chosen = chosen[near]
    rows, own = np.unique(chosen, return_inverse=True)
    is_behind = (kind[chosen] == 2).all(axis=1)
    return Opening(placed[rows], rows, own.reshape(-1, 3), is_behind, middle - size / 2, size, placement)
