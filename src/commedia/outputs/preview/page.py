"""One page of the preview: the source with what was found in it or with the characters in it, and everybody beside it.

In the style `side` the fitted faces are drawn over the picture, and a card beside it shows each person's bare face next
to their character. In the style `overlay` the characters are drawn over the actors' heads, and the bare faces stand
beside that.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Literal, get_args

import numpy as np
from jaxtyping import UInt8

from commedia.characters.character import Character
from commedia.errors import UnknownName
from commedia.face_model.model import HeadModel, head_or_default
from commedia.outputs.preview.cards import BACKDROP, CARD, FAINT, draw_bare_face, draw_card, draw_name, round_corners
from commedia.outputs.preview.drawing import draw_plate, draw_text
from commedia.outputs.preview.found import INK, FaceMask, draw_marks, person_colour, resized
from commedia.outputs.preview.layout import GAP_PX, HEADER_PX, Rectangle, cells, halves, overlay_layout, side_layout
from commedia.outputs.preview.player import Player, actor_extent
from commedia.structures import Frame, Moment, RigPose, TrackedFace, TrackedFrame

Style = Literal["side", "overlay"]
STYLES: tuple[str, ...] = get_args(Style)
MOST_THREADS = 4
MAX_CELLS = 12
"""More people than this are counted, not drawn."""
FACE_SHARE = 0.44
"""Of a card is the bare face; the character beside it turns, and needs more."""
TALLEST_FACE = 1.25
"""Height over width of a bare face that stands alone."""
TITLE_PX, COUNT_PX = 320, 120
"""Of the header's width are at least for title and clock, and for the number of people."""
OPACITY = {"tracked": 1.0, "held": 0.75, "fading": 0.45}
"""Of a character by how its actor is seen."""


def check_style(style: str | None) -> None:
    """Refuse a style that is none of `STYLES`; None, for no preview, is fine."""
    if style is not None and style not in STYLES:
        raise UnknownName("preview style", style, STYLES)


class PreviewPage:
    """Draws pages of one take, all of one size."""

    def __init__(
        self,
        width_px: int,
        height_px: int,
        character_of: Callable[[TrackedFace], Character],
        head: HeadModel | None = None,
        style: str = "side",
    ):
        """Plan pages for a source of the given size, 0 x 0 for one without pictures, whose characters get all the room.

        `character_of` says who plays somebody, when they first appear; `head` is whose parameters are drawn over the
        picture, None for the default head. Raises `UnknownName` for a style that is none of `STYLES`.
        """
        check_style(style)
        self._is_overlay = style == "overlay" and width_px * height_px > 0
        self.layout = (overlay_layout if self._is_overlay else side_layout)(width_px, height_px)
        self._character_of, self._head = character_of, head_or_default(head)
        self._players: dict[int, Player] = {}
        self._masks: dict[int, FaceMask] = {}
        self._threads = ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1), "commedia-page")
        self._page = np.zeros((self.layout.height, self.layout.width, 3), dtype=np.uint8)
        self._blank = np.full_like(self._page, BACKDROP)
        draw_text(self._blank, "commedia", (GAP_PX + 2.0, HEADER_PX / 2), size_px=18, colour=INK)
        self._drawn: tuple | None = None
        """What had a place on the last page: with the same on the next, all but the header is drawn over."""

    def draw(self, moment: Moment) -> UInt8[np.ndarray, "ph pw 3"]:
        """Draw the page of one moment; it is the same array for each, as fresh memory costs as much as a picture."""
        page = self._page
        self._clear(moment)
        # The picture and each person have a part of the page of their own, and drawing is outside Python's lock.
        parts = list(self._stage_parts(page, moment))
        if moment.frame is not None:
            parts.append(partial(self._draw_source, page, moment.frame, moment))
        for done in [self._threads.submit(part) for part in parts]:
            done.result()
        self._draw_header(page, moment.tracked)
        return page

    def _clear(self, moment: Moment) -> None:
        """Take away what the next page would not draw over."""
        people = len(moment.acted.faces)
        placed = people, None if moment.frame is None else moment.frame.image.shape
        same = placed == self._drawn and 0 < people <= MAX_CELLS
        cleared = slice(0, HEADER_PX) if same else slice(None)
        self._page[cleared], self._drawn = self._blank[cleared], placed

    def _draw_header(self, page: np.ndarray, tracked: TrackedFrame) -> None:
        seconds = float(tracked.time_s)
        clock = f"{int(seconds // 60):02d}:{seconds % 60:06.3f}   frame {tracked.index}"
        people = len(tracked.faces)
        count = "nobody" if people == 0 else "1 person" if people == 1 else f"{people} people"
        width, found = self.layout.width, self.layout.found
        # Over the end of the picture, where that leaves room for the title and for the number of people.
        right = min(max(found.right, TITLE_PX), width - COUNT_PX) if found.width else width // 2
        draw_text(page, clock, (float(right), HEADER_PX / 2), colour=FAINT, anchor="rm")
        draw_text(page, count, (width - GAP_PX - 2.0, HEADER_PX / 2), colour=FAINT, anchor="rm")

    def _draw_source(self, page: np.ndarray, frame: Frame, moment: Moment) -> None:
        place = self.layout.found
        height, width = frame.image.shape[:2]
        scale = min(place.width / width, place.height / height)
        across, down = max(1, round(width * scale)), max(1, round(height * scale))
        left, top = place.left + (place.width - across) // 2, place.top + (place.height - down) // 2
        picture = page[top : top + down, left : left + across]
        picture[...] = resized(frame.image, across, down)
        # The nearest come last and hide the others.
        for face in sorted(moment.tracked.faces, key=lambda face: face.box.height_px):
            pose = moment.poses.get(face.id)
            if not self._is_overlay:
                mask = self._masks.get(face.id) or FaceMask(self._head, face.id)
                self._masks[face.id] = mask
                mask.draw(picture, face, scale)
            elif pose is not None:
                actor = face.params.pose, actor_extent(self._head)
                self._player(face).draw_over(picture, actor, pose, scale, opacity=OPACITY[face.status])
        for face in moment.tracked.faces:
            draw_marks(picture, face, scale, points=not self._is_overlay)

    def _stage_parts(self, page: np.ndarray, moment: Moment) -> Iterator[Callable[[], None]]:
        """What remains to be done for each person on the stage."""
        stage, faces = self.layout.stage, sorted(moment.acted.faces, key=lambda face: face.id)
        if not faces:
            middle = (stage.left + stage.width / 2, stage.top + stage.height / 2)
            draw_plate(page, stage.corners, CARD, radius_px=10, opacity=0.5)
            draw_text(page, "no face in this frame", middle, colour=FAINT, anchor="mm")
            return
        shown = faces[:MAX_CELLS]
        image = None if moment.frame is None else moment.frame.image
        measured = {face.id: face for face in moment.tracked.faces}
        aspect = 0.85 if self._is_overlay or image is None else 0.85 / (1 - FACE_SHARE)
        for face, cell in zip(shown, cells(stage, len(shown), aspect), strict=True):
            pose = moment.poses.get(face.id)
            if pose is not None:
                self._player(face)  # made here: not in several threads at once
            yield partial(self._draw_person, page, cell, measured.get(face.id, face), pose, image)
        if len(faces) > len(shown):
            below = (float(stage.right), self.layout.height - GAP_PX / 2)
            draw_text(page, f"and {len(faces) - len(shown)} more", below, size_px=11, colour=FAINT, anchor="rm")

    def _draw_person(
        self, page: np.ndarray, cell: Rectangle, face: TrackedFace, pose: RigPose | None, image: np.ndarray | None
    ) -> None:
        """The bare face, the character, or one beside the other."""
        colour = person_colour(face.id)
        if self._is_overlay:
            cell = replace(cell, height=min(cell.height, round(TALLEST_FACE * cell.width)))
        bare, played = (cell, cell) if image is None or self._is_overlay else halves(cell, FACE_SHARE)
        if not self._is_overlay:
            on_stage = draw_card(page, played, colour)
            if pose is not None:
                self._player(face).draw(pose, on_stage, opacity=OPACITY[face.status])
        if image is not None:
            draw_bare_face(draw_card(page, bare, colour), image, face)
        whole = page[cell.rows_columns]
        draw_name(whole, face)
        round_corners(whole)

    def _player(self, face: TrackedFace) -> Player:
        if face.id not in self._players:
            self._players[face.id] = Player(self._character_of(face))
        return self._players[face.id]
