"""Who of those seen before a face is: after a cut, on coming back, after two have crossed.

Places say who is who from frame to frame; where they cannot, looks decide (`likeness.py`). A look costs a network's
run: it is taken at first sight, of each person a few times more, and where there is doubt.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, UInt8

from commedia.faces.protocol import EmbedderProtocol
from commedia.geometry.boxes import corners_of, pairwise_iou
from commedia.tracking.appearance import clothes_of
from commedia.tracking.associate import assign
from commedia.tracking.likeness import alike, is_clear, is_due, likenesses_alike, look_of, with_look
from commedia.tracking.schedule import Plan
from commedia.tracking.settings import Recognising
from commedia.tracking.track import Likeness, Now, Track
from commedia.tracking.update import born_track

Pair = tuple[int, int]
"""Keys of two tracks, the lower one first."""

MEETING_IOU = 0.05
"""Overlap of two boxes from which on each may take the other's place."""
HIDDEN_S = 0.2
"""Who is unseen for so long beside somebody is hidden, or the one who is seen is them."""


class Recognition:
    """What one take knows of people's looks; without an embedder, nothing."""

    def __init__(self, embedder: EmbedderProtocol | None, settings: Recognising | None, keys: Iterator[int]):
        """`keys` numbers the tracks of a take."""
        self._embedder = embedder if settings else None
        self._settings, self._keys = settings or Recognising(), keys
        self.gone: list[Track] = []
        """Whose track ended, oldest first."""
        self.likenesses: dict[int, Likeness] = {}
        """Of everybody of the take so far, by id."""
        self._met: set[Pair] = set()

    def looked(
        self, image: UInt8[np.ndarray, "h w 3"], before: Sequence[Track], tracks: list[Track], now: Now, plan: Plan
    ) -> list[Track]:
        """The tracks before and after a picture to the latter, with looks taken and wrong names put right."""
        if self._embedder is None:
            return tracks
        past, named = {track.key: track for track in before}, {track.key: track for track in tracks}
        seen = [track for track in tracks if track.seen_s == now.s]
        self._met = set() if plan.cut else {pair for pair in self._met if named.keys() >= set(pair)} | meetings(seen)
        parted = [pair for pair in self._met if _is_parted([named[key] for key in pair], now)]
        doubted = {
            t.key for t in seen if t.key in past and (plan.cut or plan.small_cut or past[t.key].seen_s < now.before_s)
        }
        asked = doubted | {key for pair in parted for key in pair}
        looks = self._looks(image, [track for track in seen if track.key in asked or _wants_look(track, now)])
        for pair in parted:
            self._put_right(named, pair, looks)
        self._met -= set(parted)
        least = self._settings.other_person if plan.cut else self._settings.stranger
        busy = {key for pair in self._met for key in pair}
        for key in looks.keys() - busy:
            self._take_in(named, key, past.get(key) if key in doubted else None, looks[key], now, least)
        self.likenesses |= {track.id: track.likeness for track in named.values() if track.id and track.likeness}
        if plan.cut:
            # Nobody lingers in a picture of another place.
            self.remember([track for track in named.values() if track.seen_s < now.s], now)
        return [track for track in named.values() if not plan.cut or track.seen_s == now.s]

    def remember(self, ended: Sequence[Track], now: Now) -> None:
        """Keep in mind whose tracks have ended, and forget who has been away for too long."""
        known = [track for track in (*self.gone, *ended) if track.id and track.likeness]
        recent = [track for track in known if now.s - track.seen_s <= self._settings.remember_s]
        self.gone = recent[-self._settings.most_remembered :] if self._embedder else []

    def whom(self, new: Sequence[Track], tracks: Sequence[Track], now: Now) -> dict[int, Track]:
        """Tracks without an id to those of people who were there before and are absent, by the key of the new."""
        absent = [*self.gone, *(track for track in tracks if track.id and track.seen_s < now.s)]
        absent = [track for track in absent if track.likeness]
        new = [track for track in new if track.likeness]
        if not absent or not new:
            return {}
        unlike = 1 - likenesses_alike(
            [t.likeness for t in new if t.likeness], [t.likeness for t in absent if t.likeness]
        )
        pairs = assign(unlike, 1 - self._settings.same_person)
        found = {new[row].key: absent[column] for row, column in pairs}
        returned = {track.key for track in found.values()}
        self.gone = [track for track in self.gone if track.key not in returned]
        return found

    def _looks(self, image: np.ndarray, tracks: Sequence[Track]) -> dict[int, Float[np.ndarray, "l"]]:
        if not tracks:
            return {}
        assert self._embedder is not None
        embedded = self._embedder.embed(image, [track.prediction.landmarks_px for track in tracks])
        clothes = [clothes_of(image, track.prediction.box) for track in tracks]
        looks = [look_of(who, worn) for who, worn in zip(embedded, clothes, strict=True)]
        return {track.key: look for track, look in zip(tracks, looks, strict=True)}

    def _take_in(
        self,
        named: dict[int, Track],
        key: int,
        doubted: Track | None,
        look: Float[np.ndarray, "l"],
        now: Now,
        least: float,
    ) -> None:
        """Add a look to what is known of somebody; in doubt, one less alike than `least` begins somebody new."""
        track = named[key]
        if doubted and track.likeness and alike(track.likeness, look) < least:
            named[key] = doubted
            track = born_track(next(self._keys), track.prediction, track.appearance, now)
        if track.likeness is None or is_clear(track):
            track = replace(track, likeness=with_look(track.likeness, look, now.s, clear=is_clear(track)))
        named[track.key] = track

    def _put_right(self, named: dict[int, Track], pair: Pair, looks: dict[int, Float[np.ndarray, "l"]]) -> None:
        """Let two who have parted change names if each looks more like the other."""
        first, second = (named[key] for key in pair)
        if not (first.likeness and second.likeness and first.id and second.id):
            return
        gain = 0.0
        for own, other in ((first, second), (second, first)):
            if own.key in looks and own.likeness and other.likeness:
                gain += alike(other.likeness, looks[own.key]) - alike(own.likeness, looks[own.key])
        if gain > self._settings.swap_margin:
            named[first.key], named[second.key] = renamed(first, second), renamed(second, first)


def _with_likeness(tracks: Sequence[Track]) -> list[tuple[Track, Likeness]]:
    return [(track, track.likeness) for track in tracks if track.likeness]


def renamed(here: Track, person: Track) -> Track:
    """What is seen here, as somebody known: their name and all that lasts, with this place and motion."""
    return replace(
        person,
        key=here.key,
        detections=here.detections,
        seen_s=here.seen_s,
        prediction=here.prediction,
        motion=here.motion,
        appearance=here.appearance,
        filter=here.filter,
    )


def meetings(seen: Sequence[Track]) -> set[Pair]:
    """List who overlaps whom."""
    if len(seen) < 2:
        return set()
    corners = corners_of(track.prediction.box for track in seen)
    overlapping = np.argwhere(np.triu(pairwise_iou(corners, corners) > MEETING_IOU, 1))
    keys = [track.key for track in seen]
    return {(min(keys[a], keys[b]), max(keys[a], keys[b])) for a, b in overlapping}


def _is_parted(pair: Sequence[Track], now: Now) -> bool:
    """Say whether two who overlapped can be told apart now: all who are seen clearly so, and nobody only just lost."""
    seen = [track for track in pair if track.seen_s == now.s]
    if not seen or not all(is_clear(track) for track in seen):
        return False
    if len(seen) == 2:
        return not meetings(seen)
    return all(now.s - track.seen_s > HIDDEN_S for track in pair if track.seen_s < now.s)


def _wants_look(track: Track, now: Now) -> bool:
    if track.likeness is None:
        return True
    return is_clear(track) and (not track.likeness.clear or is_due(track, now.s))
