"""What was found in a picture, drawn over it: the fitted face, the 68 points, a box and a label."""

from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from commedia.face_model.evaluate import model_of_identity, vertices_from_params
from commedia.face_model.model import HeadModel, MorphableModel, face_vertices
from commedia.geometry.rotations import matrix_from_wxyz
from commedia.outputs.preview.drawing import Colour, draw_brackets, draw_dots, draw_plate, draw_text, text_width
from commedia.render.scene import Scene, Surface, View
from commedia.render.shade_numpy import draw_scene
from commedia.structures import TrackedFace

INK = (232, 234, 238)
PERSON_COLOURS: tuple[Colour, ...] = (
    (96, 205, 255),
    (255, 167, 87),
    (148, 226, 128),
    (244, 132, 170),
    (186, 160, 255),
    (255, 221, 102),
    (102, 224, 203),
    (240, 120, 96),
)
NOBODY = np.zeros(0)
"""Parameters of identity for a model of one person alone."""
MASK_STEP = 2
"""Pixels of the picture along a side of one of the mask."""


def person_colour(person: int) -> Colour:
    """Colour of a person wherever they appear; ids start at 1."""
    return PERSON_COLOURS[(person - 1) % len(PERSON_COLOURS)]


def resized(image: UInt8[np.ndarray, "h w 3"], width: int, height: int) -> UInt8[np.ndarray, "a b 3"]:
    """Scale a picture; quickly, as every frame needs it: by halves without a loss, and the rest between pixels."""
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        image = cv2.resize(image, (image.shape[1] // 2, image.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


class FaceMask:
    """A person's fitted face, to be laid over pictures like a thin mask in their colour."""

    def __init__(self, head: HeadModel, person: int):
        self._model = _face_model(head)
        self._identity: np.ndarray | None = None
        mean, tint = self._model.mean, 0.35 + 0.65 * np.array(person_colour(person)) / 255
        colours = np.broadcast_to(tint, mean.shape)
        self._scene = Scene([Surface(mean, self._model.triangles, colours=colours, gloss=0.5)])

    def draw(self, picture: UInt8[np.ndarray, "h w 3"], face: TrackedFace, scale: float) -> None:
        """Lay it over a picture of `scale` times the frame, which is changed."""
        vertices = vertices_from_params(self._of(face.params.identity), NOBODY, face.params.expression)
        pose = face.params.pose
        turned = vertices @ matrix_from_wxyz(pose.wxyz).T * (pose.px_per_m * scale)
        placed = turned + np.array([pose.origin_px[0] * scale, -pose.origin_px[1] * scale, 0])
        left, right = np.floor(placed[:, 0].min()), np.ceil(placed[:, 0].max())
        top, bottom = np.floor(-placed[:, 1].max()), np.ceil(-placed[:, 1].min())
        x0, x1 = int(max(left, 0)), int(min(right, picture.shape[1]))
        y0, y1 = int(max(top, 0)), int(min(bottom, picture.shape[0]))
        if x1 <= x0 or y1 <= y0:
            return
        self._scene.move(0, placed.astype(np.float32))
        # Smooth light needs no fine pixels: drawn at half the size, and only what it changes is enlarged.
        part = picture[y0:y1, x0:x1]
        across, down = max(1, (x1 - x0) // MASK_STEP), max(1, (y1 - y0) // MASK_STEP)
        before = resized(part, across, down)
        after = before.copy()
        view = View(((x0 + x1) / 2, -(y0 + y1) / 2), across / (x1 - x0), down, across)
        opacity = 0.42 if face.status == "tracked" else 0.2
        draw_scene(self._scene, view, after, opacity=opacity, supersample=1, cull_back=True)
        change = cv2.resize(after.astype(np.int16) - before, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
        part[...] = cv2.add(part, change, dtype=cv2.CV_8U)

    def _of(self, identity: Float[np.ndarray, "i"]) -> MorphableModel:
        """The model of who wears it, kept while it is the same person: a take that was read twice has one of each."""
        if self._identity is None or not np.array_equal(self._identity, identity):
            self._identity, self._person = identity, model_of_identity(self._model, identity)
        return self._person


def draw_marks(picture: UInt8[np.ndarray, "h w 3"], face: TrackedFace, scale: float, *, points: bool = True) -> None:
    """Mark a face's box, its name and, where it is large enough, its 68 points."""
    colour = person_colour(face.id)
    box = face.box
    corners = box.left_px * scale, box.top_px * scale, box.right_px * scale, box.bottom_px * scale
    size = corners[3] - corners[1]
    if points and face.status == "tracked" and size >= 60:
        draw_dots(picture, face.landmarks_px * scale, INK, radius_px=min(2.0, 0.7 + size / 200))
    draw_brackets(picture, corners, colour, thickness_px=2 if size >= 50 else 1)
    label = str(face.id) if face.status == "tracked" else f"{face.id}  {face.status}"
    width = text_width(label, 13) + 12
    top = max(corners[1] - 21, 0.0)
    draw_plate(picture, (corners[0] - 1, top, corners[0] - 1 + width, top + 18), colour, radius_px=5)
    draw_text(picture, label, (corners[0] + 5, top + 9), size_px=13, colour=(12, 13, 16))


@lru_cache(maxsize=8)
def _face_model(head: HeadModel) -> MorphableModel:
    """The head model of the mask's vertices alone: a third of all, and as quick."""
    in_face = np.zeros(len(head.vertex_region), dtype=bool)
    in_face[face_vertices(head)] = True
    shown = in_face[head.model.triangles].all(axis=1) & (head.triangle_part == 0)
    return head.model.part(head.model.triangles[shown])
