"""How far a predicted face lies from the true one, in millimetres, once it is moved onto it.

Serves paper 2's Table 1 (vertices correspond) and paper 3's Table 3 (scans: ICP, point to plane, cropped around the
nose). What is left out on purpose: rejecting outliers; crop the truth to what the prediction covers.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from commedia.errors import CommediaError
from commedia.geometry.closest import ClosestPoints
from commedia.geometry.meshes import smooth_normals
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_axis_angle
from commedia.geometry.similarity import Similarity, fit_similarity
from commedia.geometry.solvers import search_tree

SPACING_M = 0.002
MOST_ROUNDS = 100
STILL_MM = 1e-5
"""ICP ends when a round makes the error smaller by less than this."""


@dataclass(frozen=True)
class FaceShape:
    """A surface in metres."""

    vertices: Float[np.ndarray, "v 3"]
    triangles: Int[np.ndarray, "t 3"]
    """Anticlockwise from outside."""
    nose_tip: Float[np.ndarray, "3"]
    marks: Float[np.ndarray, "l 3"]
    """At least three points that are known on both shapes, in the same order: from them ICP starts."""


def shape_error_mm(
    predicted: FaceShape,
    truth: FaceShape,
    *,
    icp: bool = False,
    scale: bool = False,
    plane: bool = False,
    crop_mm: float | None = None,
) -> float:
    """Root mean square of `shape_distances_mm`."""
    distances = shape_distances_mm(predicted, truth, icp=icp, scale=scale, plane=plane, crop_mm=crop_mm)
    return _root_mean_square(distances)


def shape_distances_mm(
    predicted: FaceShape,
    truth: FaceShape,
    *,
    icp: bool = False,
    scale: bool = False,
    plane: bool = False,
    crop_mm: float | None = None,
) -> Float[np.ndarray, "n"]:
    """Distances of the true vertices from the prediction, which is turned and shifted (with `scale` resized) onto them.

    Without `icp` vertex k is vertex k; with it a true vertex's partner is the nearest predicted vertex, or with `plane`
    the nearest point of the predicted surface. `plane` counts the distance along the normal only: of the truth where
    vertices correspond, of the prediction where not. `crop_mm` leaves out what is farther from the true nose tip.
    """
    kept = np.ones(len(truth.vertices), dtype=bool)
    if crop_mm is not None:
        kept = np.linalg.norm(truth.vertices - truth.nose_tip, axis=1) <= crop_mm / 1000
    if not kept.any():
        raise CommediaError(f"no vertex of the true shape lies within {crop_mm:g} mm of its nose tip")
    if not icp:
        return 1000 * _of_partners(predicted, truth, kept, scale, plane)
    on = truth.vertices[kept].astype(np.float64)
    start = moved_onto(predicted.marks, truth.marks, scale)
    find = _OnSurface(predicted) if plane else _OnVertices(predicted)
    return 1000 * _iterated(find, on, start, scale)


def moved_onto(source: Float[np.ndarray, "n 3"], target: Float[np.ndarray, "n 3"], scale: bool) -> Similarity:
    """The least squares motion from points to their partners; without `scale` it keeps lengths."""
    found = fit_similarity(source, target)
    if scale:
        return found
    # The best rotation is the same at any scale.
    shift = target.astype(np.float64).mean(0) - source.astype(np.float64).mean(0) @ found.rotation.T
    return Similarity(1.0, found.rotation, shift)


def _of_partners(predicted: FaceShape, truth: FaceShape, kept: np.ndarray, scale: bool, plane: bool) -> np.ndarray:
    if predicted.vertices.shape != truth.vertices.shape:
        found, wanted = len(predicted.vertices), len(truth.vertices)
        raise CommediaError(
            f"{found} predicted vertices cannot be compared one by one with {wanted} true ones; use ICP"
        )
    source, target = predicted.vertices[kept].astype(np.float64), truth.vertices[kept].astype(np.float64)
    offsets = moved_onto(source, target, scale).points(source) - target
    if not plane:
        return np.linalg.norm(offsets, axis=1)
    normals = smooth_normals(truth.vertices.astype(np.float32), truth.triangles)[kept]
    return np.abs(np.einsum("nk,nk->n", offsets, normals))


def _iterated(find: "_OnSurface | _OnVertices", on: np.ndarray, start: Similarity, scale: bool) -> np.ndarray:
    """True points are brought to the prediction, whose search structure then stays; distances are of the truth."""
    predicted_from_truth, best = start.inverse(), np.full(len(on), np.inf)
    for _ in range(MOST_ROUNDS):
        points = predicted_from_truth.points(on)
        distances = find(points) / predicted_from_truth.scale
        gain = _root_mean_square(best) - _root_mean_square(distances)
        best = distances if gain > 0 else best
        if gain < STILL_MM / 1000:
            break
        predicted_from_truth = find.step(points, scale) @ predicted_from_truth
    return best


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.square(values).mean()))


class _OnVertices:
    """Partners are the nearest vertices."""

    def __init__(self, shape: FaceShape):
        self.vertices = shape.vertices.astype(np.float64)
        self.tree = search_tree(self.vertices)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        distances, self.nearest = self.tree.query(points)
        return distances

    def step(self, points: np.ndarray, scale: bool) -> Similarity:
        """The motion of points onto the partners that were found last."""
        # Fitted from the prediction to the truth: errors are measured there.
        return moved_onto(self.vertices[self.nearest], points, scale).inverse()


class _OnSurface:
    """Partners are the nearest points of the surface, and what counts is the distance from their plane."""

    def __init__(self, shape: FaceShape):
        self.surface = ClosestPoints(shape.vertices, shape.triangles, SPACING_M)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        hits = self.surface.closest(points)
        self.normals, self.offsets = self.surface.normals[hits.triangle], hits.points - points
        return np.abs(np.einsum("nk,nk->n", self.offsets, self.normals))

    def step(self, points: np.ndarray, scale: bool) -> Similarity:
        """One Gauss-Newton step of (turn, shift, and growth with `scale`) about the points' middle."""
        middle = points.mean(0)
        arms = points - middle
        columns = [np.cross(arms, self.normals), self.normals]
        wanted = np.einsum("nk,nk->n", self.offsets, self.normals)
        if scale:
            # Errors are measured in the truth's size: points that shrink do not win by it.
            columns.append((np.einsum("nk,nk->n", arms, self.normals) + wanted)[:, None])
        solved = np.linalg.lstsq(np.concatenate(columns, axis=1), wanted, rcond=None)[0]
        rotation = matrix_from_wxyz(wxyz_from_axis_angle(solved[:3]))
        growth = float(np.exp(solved[6])) if scale else 1.0
        return Similarity(growth, rotation, middle + solved[3:6] - growth * rotation @ middle)
