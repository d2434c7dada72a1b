"""Our head, laid over a character, to the head frame and the 68 landmarks on the character's own mesh."""

import numpy as np
from jaxtyping import Int

from commedia.characters.character import Character
from commedia.characters.face_frame import FaceFrame
from commedia.conventions import LANDMARK_COUNT
from commedia.face_model.landmarks import points
from commedia.face_model.model import HeadModel
from commedia.geometry.closest import ClosestPoints
from commedia.geometry.meshes import smooth_normals
from commedia.rigging.blendshapes import Blendshapes, RegisteredHead, make_blendshapes, target_sides
from commedia.rigging.landmark_search import BROWS_END, JAW_LINE, find_landmarks
from commedia.rigging.pieces import Kind
from commedia.rigging.registration import SPACING_M, Landmarks
from commedia.rigging.sculpt import Sculpt, assembled
from commedia.rigging.slits import side_of_triangle
from commedia.rigging.template import SLITS, load_template


def face_frame(sculpt: Sculpt, blendshapes: Blendshapes, landmarks: Landmarks) -> FaceFrame:
    """Put the landmarks of the laid head on the nearest skin, those of upper lips and lids on their own side.

    Brows are where they were seen: they are painted, and our head is laid on the shape.
    """
    registered = blendshapes.registered
    vertices = registered.fitted.head_from_target.points(sculpt.vertices)
    skin = np.concatenate([piece.vertices for piece in blendshapes.pieces if piece.kind is Kind.FACE])
    triangles = sculpt.triangles[np.isin(sculpt.triangles[:, 0], skin)]
    marked = points(registered.template.landmarks, registered.skin)
    brows = (landmarks.numbers >= JAW_LINE) & (landmarks.numbers < BROWS_END)
    marked[landmarks.numbers[brows]] = registered.fitted.head_from_target.points(landmarks.points[brows])
    low, high = marked.min(axis=0) - 0.05, marked.max(axis=0) + 0.05
    near = ((vertices > low) & (vertices < high)).all(axis=1)[triangles].any(axis=1)
    triangles = triangles[near] if near.any() else triangles
    sides = target_sides(registered.template, registered.skin, vertices, triangles)
    surface = ClosestPoints(vertices, triangles, SPACING_M, side_of_triangle(sides, triangles))
    hits = surface.closest(marked, _normals(registered), least_cosine=0.0, sides=_landmark_sides())
    anywhere = surface.closest(marked)
    found = hits.found & (hits.distance < 0.01)
    triangle = np.where(found, hits.triangle, anywhere.triangle)
    weights = np.where(found[:, None], hits.barycentric, anywhere.barycentric)
    return FaceFrame(registered.fitted.head_from_target, _numbers(sculpt)[triangles[triangle]], weights)


def find_face_frame(character: Character, head: HeadModel | None = None) -> FaceFrame:
    """Look for the face in pictures of a character, and lay our head over it; `head` None is the default head."""
    sculpt, template = assembled(character), load_template(head)
    landmarks = find_landmarks(sculpt, head)
    return face_frame(sculpt, make_blendshapes(sculpt.vertices, sculpt.triangles, landmarks, template), landmarks)


def _normals(registered: RegisteredHead) -> np.ndarray:
    return points(registered.template.landmarks, smooth_normals(registered.skin, registered.template.triangles))


def _landmark_sides() -> Int[np.ndarray, "68"]:
    sides = np.zeros(LANDMARK_COUNT, dtype=np.int64)
    for number, slit in enumerate(SLITS):
        sides[list(slit.above)], sides[list(slit.below)] = 2 * number + 2, 2 * number + 3
    return sides


def _numbers(sculpt: Sculpt) -> Int[np.ndarray, "w"]:
    """For each vertex of the whole one vertex of the file."""
    places = np.concatenate([patch.places for patch in sculpt.patches])
    numbers = np.zeros(len(sculpt.vertices), dtype=np.int64)
    numbers[places] = np.arange(len(places))
    return numbers
