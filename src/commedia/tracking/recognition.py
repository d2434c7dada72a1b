"""Who of those seen before a face is: after a cut, on coming back, after two have crossed.

Places say who is who from frame to frame; where they cannot, looks decide (`likeness.py`). A look costs a network's
run: it is taken at first sight, of each person a few times more, and where there is doubt.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from commedia.faces.protocol import EmbedderProtocol
from commedia.geometry.boxes import corners_of, pairwise_iou
from commedia.tracking.appearance import clothes_of
from commedia.tracking.associate import assign
from commedia.tracking.likeness import alike, is_clear, is_due, likenesses_alike, look_of, shows_who, with_look
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
SETTLED_S = 0.2
"""Who comes into view again is half covered at first: two looks so far apart must say that it is somebody else."""
DOUBT_S = 1.0
"""A doubt that no clear look settled is forgotten."""
RECALL_S = 2.0
"""Who was named no longer ago may yet turn out to be somebody absent: the first look may have seen half a face."""


class Doubt(NamedTuple):
    """A face that has somebody's place, and may be somebody else's."""

    person: Track
    """Whose place it is, as they were before."""
    since_s: float
    at_once: bool
    """The picture changed as in a cut: the first look decides."""
    unlike_s: float | None = None
    """Time of the first look that showed somebody else."""


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
        self.recalled: dict[int, int] = {}
        """Ids of people who turned out to be somebody absent, to the ids that these have."""
        self._named_s: dict[int, float] = {}
        self._met: set[Pair] = set()
        self._doubts: dict[int, Doubt] = {}
        self._cut_off: set[int] = set()
        """Keys of those of `gone` whom a cut took out of the picture."""

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
        self._doubt(past, seen, now, plan)
        asked = {key for key in self._doubts if plan.cut or (key in named and shows_who(named[key]))}
        asked |= {key for pair in parted for key in pair}
        looks = self._looks(image, _looked_at(seen, asked, now))
        for pair in parted:
            self._put_right(named, pair, looks)
        self._met -= set(parted)
        busy = {key for pair in self._met for key in pair}
        for key in looks.keys() - busy:
            self._take_in(named, key, looks[key], now, cut=plan.cut)
        self._recall(named, looks, now)
        self.likenesses |= {track.id: track.likeness for track in named.values() if track.id and track.likeness}
        if plan.cut:
            self._doubts.clear()
            self._cut_off |= {track.key for track in named.values() if track.seen_s < now.s}
            # Nobody lingers in a picture of another place.
            self.remember([track for track in named.values() if track.seen_s < now.s], now)
        return [track for track in named.values() if not plan.cut or track.seen_s == now.s]

    def remember(self, ended: Sequence[Track], now: Now) -> None:
        """Keep in mind whose tracks have ended, and forget who has been away for too long."""
        known = [track for track in (*self.gone, *ended) if track.id and track.likeness]
        recent = [track for track in known if now.s - track.seen_s <= self._settings.remember_s]
        self.gone = recent[-self._settings.most_remembered :] if self._embedder else []
        self._cut_off &= {track.key for track in (*self.gone, *ended)}

    def whom(self, new: Sequence[Track], tracks: Sequence[Track], now: Now) -> dict[int, Track]:
        """Tracks without an id to those of people who were there before and are absent, by the key of the new."""
        absent = [*self.gone, *(track for track in tracks if track.id and track.seen_s < now.s)]
        return self._whom(*([track for track in part if track.likeness] for part in (new, absent)))

    def _whom(self, new: Sequence[Track], absent: Sequence[Track]) -> dict[int, Track]:
        """New tracks to absent people, who then are not absent any more: the best assignment; all have a likeness."""
        if not absent or not new:
            return {}
        unlike = 1 - likenesses_alike(
            [t.likeness for t in new if t.likeness], [t.likeness for t in absent if t.likeness]
        )
        # Who were there at once are two.
        named_s, seen_s = [self._named_s.get(t.id, np.inf) for t in new], [t.seen_s for t in absent]
        unlike[np.less.outer(named_s, seen_s)] = np.inf
        settings, cut_off = self._settings, [track.key in self._cut_off for track in absent]
        unlike[unlike > 1 - np.where(cut_off, settings.same_person, settings.returning)] = np.inf
        pairs = assign(unlike, 1.0)
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

    def _doubt(self, past: dict[int, Track], seen: Sequence[Track], now: Now, plan: Plan) -> None:
        """Doubt everybody after a change of the picture, and who comes into view again."""
        self._doubts = {key: doubt for key, doubt in self._doubts.items() if now.s - doubt.since_s <= DOUBT_S}
        is_changed = plan.cut or plan.small_cut
        for track in seen:
            before = past.get(track.key)
            if before and (is_changed or before.seen_s < now.before_s):
                self._doubts[track.key] = Doubt(before, now.s, is_changed)

    def _take_in(self, named: dict[int, Track], key: int, look: Float[np.ndarray, "l"], now: Now, *, cut: bool) -> None:
        """Add a look to what is known of somebody, unless it shows somebody else; that one is then somebody new."""
        track, doubt = named[key], self._doubts.pop(key, None)
        # What was seen of somebody's side only says nothing against them.
        if doubt and track.likeness and (cut or track.likeness.clear):
            least = self._settings.same_person if cut else self._settings.stranger
            if alike(track.likeness, look) < least:
                unlike_s = now.s if doubt.unlike_s is None else doubt.unlike_s
                if not doubt.at_once and now.s - unlike_s < SETTLED_S:
                    self._doubts[key] = doubt._replace(unlike_s=unlike_s)
                    return
                # Nobody lingers where somebody else is.
                del named[key]
                self.remember([doubt.person], now)
                self._cut_off |= {key} if cut else set()
                track = born_track(next(self._keys), track.prediction, track.appearance, now)
        if track.likeness is None or is_clear(track):
            track = replace(track, likeness=with_look(track.likeness, look, now.s, clear=is_clear(track)))
        named[track.key] = track

    def _recall(self, named: dict[int, Track], looked_at: Collection[int], now: Now) -> None:
        """Give who was named a moment ago, and by several looks is somebody absent, the name of that person."""
        self._named_s = {track.id: now.s for track in named.values() if track.id} | self._named_s
        absent = [*self.gone, *(track for track in named.values() if track.id and track.seen_s < now.s)]
        absent = [track for track in absent if track.likeness]
        young = [t for t in named.values() if t.key in looked_at and t.id and t.likeness and t.likeness.looks > 1]
        young = [track for track in young if now.s - self._named_s[track.id] <= RECALL_S]
        for key, person in self._whom(young, absent).items():
            here = named[key]
            named.pop(person.key, None)
            named[key] = renamed(here, person)
            self.recalled[here.id] = person.id
            self.likenesses.pop(here.id, None)

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


def _looked_at(seen: Sequence[Track], asked: Collection[int], now: Now) -> list[Track]:
    """Of those seen, who is looked at in this frame: who is new or asked about, and of the others who waited longest.

    One at a time, so that no frame pays for looks at all who came in together.
    """
    looked_s = {
        track.key: track.likeness.looked_s
        for track in seen
        if track.likeness and is_clear(track) and (not track.likeness.clear or is_due(track, now.s))
    }
    longest = min(looked_s, key=looked_s.__getitem__, default=None)
    return [track for track in seen if track.key in asked or not track.likeness or track.key == longest]
