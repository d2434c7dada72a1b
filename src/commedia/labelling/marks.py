"""Fit a network's marks (`faces/marks.py`) to marked photographs as it reads them: one ridge regression for all points.

What lies between marks and the head's own points, in the image, is what their displacement in the head frame projects
to. Every face counts a second time as its mirror image, so that marks of a mirrored face are the mirror image of marks.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from commedia.conventions import EXPRESSION_MIRROR, LANDMARK_MIRROR
from commedia.face_model.model import HeadModel
from commedia.faces.landmarks import landmarks_of_faces
from commedia.faces.marks import Marks, marks_from_rows
from commedia.geometry.rotations import matrix_from_wxyz, mirrored_wxyz
from commedia.structures import FaceParams

RIDGE = 8.0
"""Faces: so many of them would have to ask for a row of the table before it is half of what they ask for."""
_SHARED = 1e-3
"""Of the ridge, for what all faces share."""
FACE_M = 0.14
"""Size of a usual face: root of the area of its points' box."""
_SMALLEST_ERROR = 0.3
"""Of the mean error: faces that err less all count alike."""
_NUMBERS = ("identity", "expression")


@dataclass(frozen=True)
class MarkedFaces:
    """Faces as a network reads them, and the marks of people."""

    faces: list[FaceParams]
    marks_px: Float[np.ndarray, "n 68 2"]
    weight: Float[np.ndarray, "n"]

    def chosen(self, rows: Bool[np.ndarray, "n"]) -> "MarkedFaces":
        """Some of the faces."""
        kept = [face for face, is_kept in zip(self.faces, rows, strict=True) if is_kept]
        return MarkedFaces(kept, self.marks_px[rows], self.weight[rows])

    @property
    def size_px(self) -> Float[np.ndarray, "n"]:
        """Root of the area of each face's box."""
        return np.sqrt(np.prod(np.ptp(self.marks_px, axis=1), axis=1))

    def errors(self, head: HeadModel, marks: Marks | None) -> Float[np.ndarray, "n 68"]:
        """Distance of each point from its mark, in sizes of the face."""
        found = np.array(landmarks_of_faces(self.faces, head, marks))
        return np.linalg.norm(found - self.marks_px, axis=2) / self.size_px[:, None]


def fitted_marks(marked: MarkedFaces, head: HeadModel, *, ridge: float = RIDGE) -> Marks:
    """Marked faces to the marks; after a first fit, faces that it does not explain count less."""
    both = with_mirror_images(marked, head)
    marks = _fitted(both, head, ridge)
    error = np.sqrt((both.errors(head, marks) ** 2).mean(1))
    weight = both.weight / np.maximum(error / error.mean(), _SMALLEST_ERROR)
    return _fitted(replace(both, weight=weight), head, ridge)


def with_mirror_images(marked: MarkedFaces, head: HeadModel) -> MarkedFaces:
    """All faces, then all of them as a mirror at x = 0 shows them; each counts half."""
    mirror_px = np.array([-1, 1], dtype=np.float32)
    images = [
        FaceParams(
            face.identity * head.identity_mirror,
            face.expression[list(EXPRESSION_MIRROR)],
            replace(face.pose, wxyz=mirrored_wxyz(face.pose.wxyz), origin_px=face.pose.origin_px * mirror_px),
        )
        for face in marked.faces
    ]
    marks_px = np.concatenate([marked.marks_px, marked.marks_px[:, list(LANDMARK_MIRROR)] * mirror_px])
    return MarkedFaces([*marked.faces, *images], marks_px, np.tile(marked.weight / 2, 2))


def _fitted(marked: MarkedFaces, head: HeadModel, ridge: float) -> Marks:
    faces = marked.faces
    px_per_m = np.array([face.pose.px_per_m for face in faces])
    one = np.ones((len(faces), 1))
    numbers = np.concatenate([one, *(np.array([getattr(face, name) for face in faces]) for name in _NUMBERS)], axis=1)
    image_from_head = matrix_from_wxyz(np.array([face.pose.wxyz for face in faces], dtype=np.float64))[:, :2]
    design = (image_from_head * [[1], [-1]])[..., None] * numbers[:, None, None]
    design = design.reshape(2 * len(faces), -1)
    moved = (marked.marks_px - np.array(landmarks_of_faces(faces, head))) / px_per_m[:, None, None]
    # In sizes of the face, as errors count.
    weighed = design * np.repeat(marked.weight * (px_per_m * FACE_M / marked.size_px) ** 2, 2)[:, None]
    penalty = np.full((3, numbers.shape[1]), ridge)
    penalty[:, 0] *= _SHARED
    targets = moved.transpose(0, 2, 1).reshape(2 * len(faces), -1)
    rows = np.linalg.solve(weighed.T @ design + np.diag(penalty.flatten()), weighed.T @ targets)
    return _symmetric(rows.reshape(3, numbers.shape[1], -1).transpose(1, 2, 0), head)


def _symmetric(table: Float[np.ndarray, "n 68 3"], head: HeadModel) -> Marks:
    """Take away the rounding that tells left from right."""
    count = len(head.identity_mirror)
    order = [*range(1 + count), *(1 + count + number for number in EXPRESSION_MIRROR)]
    signs = np.concatenate([[1], head.identity_mirror, np.ones(len(EXPRESSION_MIRROR))])
    image = table[order][:, list(LANDMARK_MIRROR)] * signs[:, None, None] * [-1, 1, 1]
    return marks_from_rows((table + image) / 2)
