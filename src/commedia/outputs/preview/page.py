"""One page of the preview, where things stand and how they look: the source, what was found in it, the characters."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from commedia.characters.character import Character
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import HeadModel, face_vertices, head_or_default
from commedia.geometry.rotations import matrix_from_wxyz
from commedia.outputs.preview.drawing import Colour, draw_brackets, draw_dots, draw_plate, draw_text, text_width
from commedia.outputs.preview.player import Player
from commedia.render.scene import Surface, View
from commedia.render.shade_numpy import render_mesh
from commedia.structures import Frame, Moment, RigPose, TrackedFace, TrackedFrame

PAGE_PX = (1280, 720)
"""Largest width and height of a page."""
HEADER_PX, GAP_PX = 40, 14
BACKDROP, CARD, INK, FAINT = (17, 18, 22), (30, 32, 38), (232, 234, 238), (128, 133, 144)
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
MAX_CELLS = 12
"""More people than this are counted, not drawn."""


@dataclass(frozen=True)
class Rectangle:
    """Whole pixels of the page."""

    left: int
    top: int
    width: int
    height: int


def person_colour(person: int) -> Colour:
    """Colour of a person wherever they appear; ids start at 1."""
    return PERSON_COLOURS[(person - 1) % len(PERSON_COLOURS)]


class PreviewPage:
    """Draws pages of one take, all of one size."""

    def __init__(
        self,
        width_px: int,
        height_px: int,
        character_of: Callable[[TrackedFace], Character],
        head: HeadModel | None = None,
    ):
        """Plan pages for a source of the given size, 0 x 0 for one without pictures, whose characters get all the room.

        `character_of` says who plays somebody, when they first appear; `head` is whose parameters are drawn over the
        picture, None for the default head.
        """
        self.filmed, self.found = source_rectangles(width_px, height_px)
        bottom = max(self.found.top + self.found.height, HEADER_PX + 400)
        self.height = min(PAGE_PX[1], bottom + GAP_PX) // 2 * 2
        self.width = PAGE_PX[0]
        left = self.found.left + self.found.width + GAP_PX
        self.stage = Rectangle(left, HEADER_PX, self.width - GAP_PX - left, self.height - GAP_PX - HEADER_PX)
        spare = max(0, self.stage.top + self.stage.height - self.found.top - self.found.height)
        self.filmed, self.found = (replace(place, top=place.top + spare // 2) for place in (self.filmed, self.found))
        self._character_of, self._head = character_of, head_or_default(head)
        self._players: dict[int, Player] = {}

    def draw(self, moment: Moment) -> UInt8[np.ndarray, "ph pw 3"]:
        """Draw the page of one moment."""
        page = np.full((self.height, self.width, 3), BACKDROP, dtype=np.uint8)
        if moment.frame is not None:
            self._draw_source(page, moment.frame, moment.tracked)
        self._draw_stage(page, moment)
        self._draw_header(page, moment.tracked)
        return page

    def _draw_header(self, page: np.ndarray, tracked: TrackedFrame) -> None:
        draw_text(page, "commedia", (GAP_PX + 2.0, HEADER_PX / 2), size_px=18, colour=INK)
        seconds = float(tracked.time_s)
        clock = f"{int(seconds // 60):02d}:{seconds % 60:06.3f}   frame {tracked.index}"
        people = len(tracked.faces)
        count = "nobody" if people == 0 else "1 person" if people == 1 else f"{people} people"
        right = self.found.left + self.found.width if self.found.width else self.width // 2
        draw_text(page, clock, (float(right), HEADER_PX / 2), colour=FAINT, anchor="rm")
        draw_text(page, count, (self.width - GAP_PX - 2.0, HEADER_PX / 2), colour=FAINT, anchor="rm")

    def _draw_source(self, page: np.ndarray, frame: Frame, tracked: TrackedFrame) -> None:
        height, width = frame.image.shape[:2]
        scale = min(self.filmed.width / width, self.filmed.height / height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        picture = np.array(cv2.resize(frame.image, size, interpolation=method))
        _paste(page, picture, self.filmed)
        for face in sorted(tracked.faces, key=lambda face: face.box.height_px):
            picture = _with_mask(picture, face, scale, self._head)
        for face in tracked.faces:
            _draw_marks(picture, face, scale)
        _paste(page, picture, self.found)

    def _draw_stage(self, page: np.ndarray, moment: Moment) -> None:
        faces = sorted(moment.acted.faces, key=lambda face: face.id)
        if not faces:
            middle = (self.stage.left + self.stage.width / 2, self.stage.top + self.stage.height / 2)
            draw_plate(page, _corners(self.stage), CARD, radius_px=10, opacity=0.5)
            draw_text(page, "no face in this frame", middle, colour=FAINT, anchor="mm")
            return
        shown = faces[:MAX_CELLS]
        for face, cell in zip(shown, cells(self.stage, len(shown)), strict=True):
            self._draw_cell(page, cell, face, moment.poses.get(face.id))
        if len(faces) > len(shown):
            below = (float(self.stage.left + self.stage.width), self.height - GAP_PX / 2)
            draw_text(page, f"and {len(faces) - len(shown)} more", below, size_px=11, colour=FAINT, anchor="rm")

    def _draw_cell(self, page: np.ndarray, cell: Rectangle, face: TrackedFace, pose: RigPose | None) -> None:
        colour = person_colour(face.id)
        seen = face.status == "tracked"
        picture = _card(cell.height, cell.width, colour).copy()
        if pose is not None:
            player = self._players.get(face.id) or Player(self._character_of(face))
            self._players[face.id] = player
            player.draw(pose, picture, opacity=1.0 if seen else 0.75 if face.status == "held" else 0.45)
        _draw_name(picture, face, colour)
        rounded = _corner_mask(cell.height, cell.width)
        place = page[cell.top : cell.top + cell.height, cell.left : cell.left + cell.width]
        place[...] = (place + (picture.astype(np.float32) - place) * rounded + 0.5).astype(np.uint8)


def source_rectangles(width_px: int, height_px: int) -> tuple[Rectangle, Rectangle]:
    """A source's size to where it stands as filmed, and beside it again with what was found.

    As large as the page allows while the stage keeps two fifths of the width. Never below each other: a higher page has
    larger characters, which cost most of the time (1.4 to 1.7 times as much for a page).
    """
    if not width_px * height_px:
        return (Rectangle(0, HEADER_PX, 0, 0),) * 2
    room = (PAGE_PX[0] * 0.58 - GAP_PX) / 2, PAGE_PX[1] - HEADER_PX - GAP_PX
    scale = min(room[0] / width_px, room[1] / height_px)
    filmed = Rectangle(GAP_PX, HEADER_PX, *(max(2, round(side * scale)) for side in (width_px, height_px)))
    return filmed, replace(filmed, left=filmed.left + filmed.width + GAP_PX)


def cells(stage: Rectangle, count: int) -> list[Rectangle]:
    """Split the stage into `count` equal cells in rows, of the grid whose cells are the largest portraits."""

    def portrait(columns: int) -> float:
        rows = ceil(count / columns)
        return min(stage.width / columns, 0.85 * stage.height / rows)

    columns = max(range(1, count + 1), key=portrait)
    rows = ceil(count / columns)
    width = (stage.width - GAP_PX * (columns - 1)) // columns
    height = (stage.height - GAP_PX * (rows - 1)) // rows
    return [
        Rectangle(
            stage.left + (index % columns) * (width + GAP_PX),
            stage.top + (index // columns) * (height + GAP_PX),
            width,
            height,
        )
        for index in range(count)
    ]


def _paste(page: np.ndarray, picture: np.ndarray, place: Rectangle) -> None:
    height, width = picture.shape[:2]
    top, left = place.top + (place.height - height) // 2, place.left + (place.width - width) // 2
    page[top : top + height, left : left + width] = picture


def _with_mask(picture: np.ndarray, face: TrackedFace, scale: float, head: HeadModel) -> np.ndarray:
    """Lay the fitted face over the picture like a thin mask in the person's colour."""
    vertices = vertices_from_params(head.model, face.params.identity, face.params.expression)
    pose = face.params.pose
    turned = vertices @ matrix_from_wxyz(pose.wxyz).T * (pose.px_per_m * scale)
    across, up = pose.origin_px[0] * scale, -pose.origin_px[1] * scale
    placed = (turned + np.array([across, up, 0])).astype(np.float32)
    triangles = _mask_triangles(head)
    used = placed[np.unique(triangles)]
    left, right = np.floor(used[:, 0].min()), np.ceil(used[:, 0].max())
    top, bottom = np.floor(-used[:, 1].max()), np.ceil(-used[:, 1].min())
    x0, x1 = int(max(left, 0)), int(min(right, picture.shape[1]))
    y0, y1 = int(max(top, 0)), int(min(bottom, picture.shape[0]))
    if x1 <= x0 or y1 <= y0:
        return picture
    tint = 0.35 + 0.65 * np.array(person_colour(face.id)) / 255
    surface = Surface(placed, triangles, colours=np.broadcast_to(tint, placed.shape), gloss=0.5)
    view = View(((x0 + x1) / 2, -(y0 + y1) / 2), 1.0, y1 - y0, x1 - x0)
    behind = np.ascontiguousarray(picture[y0:y1, x0:x1])
    opacity = 0.42 if face.status == "tracked" else 0.2
    picture[y0:y1, x0:x1] = render_mesh(
        surface, view, background=behind, opacity=opacity, supersample=1, cull_back=True
    )
    return picture


def _draw_marks(picture: np.ndarray, face: TrackedFace, scale: float) -> None:
    colour = person_colour(face.id)
    box = face.box
    corners = box.left_px * scale, box.top_px * scale, box.right_px * scale, box.bottom_px * scale
    size = corners[3] - corners[1]
    if face.status == "tracked" and size >= 60:
        draw_dots(picture, face.landmarks_px * scale, INK, radius_px=min(2.0, 0.7 + size / 200))
    draw_brackets(picture, corners, colour, thickness_px=2 if size >= 50 else 1)
    label = str(face.id) if face.status == "tracked" else f"{face.id}  {face.status}"
    width = text_width(label, 13) + 12
    top = max(corners[1] - 21, 0.0)
    draw_plate(picture, (corners[0] - 1, top, corners[0] - 1 + width, top + 18), colour, radius_px=5)
    draw_text(picture, label, (corners[0] + 5, top + 9), size_px=13, colour=(12, 13, 16))


def _draw_name(picture: np.ndarray, face: TrackedFace, colour: Colour) -> None:
    small = min(picture.shape[:2]) < 130
    size = 12 if small else 15
    name = str(face.id) if small else f"person {face.id}"
    draw_plate(picture, (10.0, 11.0, 15.0, 11.0 + size), colour, radius_px=2)
    draw_text(picture, name, (21.0, 11 + size / 2), size_px=size, colour=INK)
    if face.status != "tracked":
        right = picture.shape[1] - 12
        draw_text(picture, face.status, (float(right), 11 + size / 2), size_px=size - 2, colour=colour, anchor="rm")


@lru_cache(maxsize=32)
def _card(height: int, width: int, colour: Colour) -> UInt8[np.ndarray, "h w 3"]:
    """A dark card, a little lighter behind the head and with a breath of the person's colour below."""
    y, x = np.mgrid[:height, :width]
    glow = np.exp(-(((x - width / 2) / (0.5 * width)) ** 2 + ((y - 0.45 * height) / (0.5 * height)) ** 2))
    low = np.clip((y - 0.6 * height) / (0.4 * height), 0, 1) * 0.10
    base = np.array(CARD) * (0.85 + 0.75 * glow[..., None])
    return (base + (np.array(colour) - base) * low[..., None]).astype(np.uint8)


@lru_cache(maxsize=32)
def _corner_mask(height: int, width: int) -> Float32[np.ndarray, "h w 1"]:
    mask = np.zeros((height, width, 3), dtype=np.uint8)
    draw_plate(mask, (0.0, 0.0, float(width), float(height)), (255, 255, 255), radius_px=10)
    return mask[:, :, :1].astype(np.float32) / 255


@lru_cache(maxsize=8)
def _mask_triangles(head: HeadModel) -> np.ndarray:
    in_face = np.zeros(len(head.vertex_region), dtype=bool)
    in_face[face_vertices(head)] = True
    return head.model.triangles[in_face[head.model.triangles].all(axis=1) & (head.triangle_part == 0)]


def _corners(place: Rectangle) -> tuple[float, float, float, float]:
    return float(place.left), float(place.top), float(place.left + place.width), float(place.top + place.height)
