"""What to detect when: whether the detector sees a picture at all, and whether it looks closer for small faces."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from commedia.tracking.appearance import grey_pattern, picture_signature
from commedia.tracking.settings import TrackerSettings
from commedia.tracking.track import Now, Track, expected_box, is_lost

CUT_DIFFERENCE = 0.12
"""Mean change of the picture, 0 to 1, that means another shot: places then say nothing, looks must match."""
SMALL_CUT, CUT_JUMP = 0.05, 3.0
"""A smaller change that is so many times the usual one may: two shots of one room differ by .07 and more, and of 3,500
frames of 27 clips four without a cut change as much."""
USUAL_SHARE = 0.2
"""Of the last change in the usual one."""


class Plan(NamedTuple):
    """What is done with one picture."""

    cut: bool
    """It belongs to another shot than the one before."""
    small_cut: bool
    """It may."""
    detect: bool
    tiled: bool
    """With the detector that finds small faces too, where there is one."""


class Schedule:
    """The plans of one take, picture after picture."""

    def __init__(self, settings: TrackerSettings):
        self._settings = settings
        self._rested, self._looked_closer = 0, -settings.tiled_every
        self._signature: np.ndarray | None = None
        self._usual: float | None = None
        self._patterns: dict[int, np.ndarray] = {}
        self.suspicious = False
        """What was read of the last picture calls for the detector in the next one."""

    def plan(self, image: UInt8[np.ndarray, "h w 3"], tracks: Sequence[Track], now: Now) -> Plan:
        """The next picture, and the tracks before it, to what is done with it."""
        cut, small_cut = self._is_cut(image)
        if not (cut or small_cut or self._is_due(tracks, now) or self._is_changed(image, tracks, now)):
            self._rested += 1
            return Plan(cut, small_cut, detect=False, tiled=False)
        self._rested, self.suspicious = 0, False
        tiled = self._is_closer_due(tracks, now, max(image.shape[:2]))
        if tiled:
            self._looked_closer = now.frames
        return Plan(cut, small_cut, detect=True, tiled=tiled)

    def with_look(self, plan: Plan, image: UInt8[np.ndarray, "h w 3"], tracks: Sequence[Track], now: Now) -> Plan:
        """The same plan with the detector, for somebody mislaid; when it looks for others too stays as it was."""
        self.suspicious = False
        return plan._replace(detect=True, tiled=bool(self._small(tracks, now, max(image.shape[:2]))))

    def overlooked(
        self, plan: Plan, image: UInt8[np.ndarray, "h w 3"], unfound: Sequence[Track], now: Now
    ) -> list[Track]:
        """Of the tracks that were not found, those that a look from afar may have missed: small, and seen just now."""
        small = [] if plan.tiled else self._small(unfound, now, max(image.shape[:2]))
        return [track for track in small if track.id and not is_lost(track, now)]

    def remember(self, image: UInt8[np.ndarray, "h w 3"], tracks: Sequence[Track], now: Now) -> None:
        """Take down what the next picture's faces are compared with, where the detector may rest in it."""
        resting = not self._is_due(tracks, now)
        self._patterns = {track.key: grey_pattern(image, track.prediction.box) for track in tracks if resting}

    def _is_cut(self, image: UInt8[np.ndarray, "h w 3"]) -> tuple[bool, bool]:
        """Say whether the picture has changed as in a cut, and whether as in a small one."""
        before, self._signature = self._signature, picture_signature(image)
        if before is None:
            return False, False
        change, usual = float(abs(self._signature - before).mean()), self._usual
        self._usual = change if usual is None else usual + USUAL_SHARE * (change - usual)
        cut = change > CUT_DIFFERENCE
        return cut, not cut and usual is not None and change > max(SMALL_CUT, CUT_JUMP * usual)

    def _is_due(self, tracks: Sequence[Track], now: Now) -> bool:
        return (
            any(is_lost(track, now) or not track.id for track in tracks)
            or self.suspicious
            or not 0 < len(tracks) <= self._settings.refine_budget
            or self._rested + 1 >= self._settings.detect_every
        )

    def _is_changed(self, image: UInt8[np.ndarray, "h w 3"], tracks: Sequence[Track], now: Now) -> bool:
        """Say whether somebody is no longer where they should be, or no longer looks the same: the regressor cannot."""
        for track in tracks:
            found = grey_pattern(image, expected_box(track, now.s - track.seen_s))
            if 1 - float(found @ self._patterns[track.key]) > self._settings.pattern_change:
                return True
        return False

    def _is_closer_due(self, tracks: Sequence[Track], now: Now, side_px: int) -> bool:
        small, waited = self._small(tracks, now, side_px), now.frames - self._looked_closer
        patience = self._settings.detect_every if small else self._settings.tiled_every
        return waited >= patience or any(not track.id for track in small)

    def _small(self, tracks: Sequence[Track], now: Now, side_px: int) -> list[Track]:
        """Those who are small; who is new or was just overlooked may be at twice that size."""
        limit = self._settings.small_face * side_px

        def size(track: Track) -> float:
            box, doubtful = track.prediction.box, is_lost(track, now) or not track.id
            return max(box.width_px, box.height_px) / (2 if doubtful else 1)

        return [track for track in tracks if size(track) < limit]
