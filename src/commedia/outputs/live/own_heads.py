"""Default heads that look like the people before the camera: made beside the stream, and again later."""

import threading
from collections.abc import Callable

from commedia.characters.character import Character
from commedia.retarget.cast import MASKED, Cast
from commedia.structures import TrackedFace, TrackedFrame

MADE_AT_S = (1.0, 6.0)
"""After so much time in view somebody gets a head; each is a file that pages load, so there are few."""
MOST_HEADS = 24
"""Of all people together: each stays in memory as long as pages may ask for it."""


class OwnHeads:
    """Gives a head of their own to everybody to whom nobody gave a character."""

    def __init__(self, cast: Cast, changed: Callable[[], object]):
        """`changed` is called, from another thread, when somebody has got one."""
        self._cast, self._changed = cast, changed
        self._since_s: dict[int, float] = {}
        self._given: dict[int, Character] = {}
        self._tries: dict[int, int] = {}
        self._making: threading.Thread | None = None

    def frame_done(self, tracked: TrackedFrame) -> None:
        """Begin to make the head of one person whose turn it is, unless one is being made; masks are everybody's."""
        if self._cast.look == MASKED:
            return
        now_s = float(tracked.time_s)
        for face in tracked.faces:
            if face.status == "tracked" and self._is_due(face.id, now_s):
                self._tries[face.id] = self._tries.get(face.id, 0) + 1
                self._making = threading.Thread(target=self._make, args=(face,), name="own head", daemon=True)
                self._making.start()
                return

    def wait(self) -> None:
        """Until what is being made is there."""
        if self._making is not None:
            self._making.join()

    def _is_due(self, person: int, now_s: float) -> bool:
        if self._making is not None and self._making.is_alive():
            return False
        character, tries = self._cast.role(person).character, self._tries.get(person, 0)
        if not (character is None or character is self._given.get(person)):
            return False
        seen_s = now_s - self._since_s.setdefault(person, now_s)
        return tries < len(MADE_AT_S) and seen_s >= MADE_AT_S[tries] and sum(self._tries.values()) < MOST_HEADS

    def _make(self, face: TrackedFace) -> None:
        before = self._given.get(face.id)
        head = self._cast.own_head(face.id, face.params.identity)
        # Meanwhile somebody may have chosen another character.
        if head is not before and self._cast.role(face.id).character is before:
            self._given[face.id] = head
            self._cast.give(face.id, head)
            self._changed()
