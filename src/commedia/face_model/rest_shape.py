"""Identity numbers to the face at rest in millimetres, but for where it is and how it is turned. Numpy.

What tables of 3D errors measure of who somebody is: vertices around the nose, after the best rigid motion. For small
differences that motion is linear, and what it leaves is linear in the identity.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from commedia.face_model.landmarks import load_scheme, points
from commedia.face_model.model import FACE_REGIONS, REGIONS, HeadModel

REACH_MM = 95.0
"""From the nose tip, as far as tables look."""
NOSE_TIP = 30
"""Of the 68 points."""
NOT_SCANNED = ("left_eye", "right_eye", "inner_mouth")
LEAST_MM = 1e-3
"""Of the spread of a direction: what moves the face less is as if it moved it so much."""


class RestShape(NamedTuple):
    """Identities as coordinates at rest: a length of 1 is a root mean square of 1 mm over the vertices."""

    mm_from_identity: Float[np.ndarray, "i i"]
    """identity @ this; the strongest direction of people first."""
    spread_mm: Float[np.ndarray, "i"]
    """Standard deviation of people in each direction."""

    @property
    def identity_from_mm(self) -> Float[np.ndarray, "i i"]:
        """coordinates @ this."""
        return np.linalg.inv(self.mm_from_identity)


def rest_shape(head: HeadModel) -> RestShape:
    """Measure a head model's identities."""
    return RestShape(*_lengths(head, head.model.identity_basis))


def frame_shape_mm(head: HeadModel) -> Float[np.ndarray, "p p"]:
    """The same of identity and expression together, for differences that are small: both, one after the other, times
    this are as long as the face of that frame moves."""
    return _lengths(head, np.concatenate([head.model.identity_basis, head.model.expression_basis]))[0]


def moved_mm(head: HeadModel, offsets: Float[np.ndarray, "p v 3"]) -> Float[np.ndarray, "p m"]:
    """What offsets of all vertices, in metres, move of the face but for a rigid motion: a row's length is a root mean
    square in millimetres."""
    kept = _face_around_nose(head)
    moved = 1000 * offsets[:, kept].astype(np.float64).reshape(len(offsets), -1)
    motions = _rigid_motions(head.model.mean[kept].astype(np.float64))
    return (moved - moved @ motions @ motions.T) / np.sqrt(len(kept))


def _lengths(
    head: HeadModel, basis: Float[np.ndarray, "p v 3"]
) -> tuple[Float[np.ndarray, "p p"], Float[np.ndarray, "p"]]:
    """Millimetres of parameters, and of each direction where they vary by 1."""
    left = moved_mm(head, basis)
    values, turned = np.linalg.eigh(left @ left.T)
    spread = np.sqrt(np.maximum(values[::-1], LEAST_MM**2))
    return turned[:, ::-1] * spread, spread


def _face_around_nose(head: HeadModel) -> np.ndarray:
    """Vertices of the face without eyes and the inside of the mouth, on the mean face."""
    mean = head.model.mean
    face = np.isin(head.vertex_region, [REGIONS.index(name) for name in FACE_REGIONS if name not in NOT_SCANNED])
    tip = points(load_scheme("ibug68"), mean)[NOSE_TIP]
    return np.flatnonzero(face & (np.linalg.norm(mean - tip, axis=1) <= REACH_MM / 1000))


def _rigid_motions(vertices: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "m 6"]:
    """An orthonormal basis of small shifts and turns."""
    arms = vertices - vertices.mean(0)
    axes = np.eye(3)
    moved = [np.broadcast_to(axis, arms.shape) for axis in axes] + [np.cross(axis, arms) for axis in axes]
    return np.linalg.qr(np.stack([one.ravel() for one in moved], axis=1))[0]
