"""From pictures to people: detects, follows, refines, smooths, and says who is who.

One tracker follows one take, picture after picture; it keeps the last picture's tracks and nothing else: flat memory.
When to detect is up to `schedule.py`, how people are shown to `presentation.py`; measuring is left to the files beside.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import count
from numbers import Real
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from commedia.errors import BadPicture
from commedia.face_model.model import HeadModel
from commedia.structures import Face, Frame, TrackedFrame
from commedia.tracking.appearance import Appearance, Appearances
from commedia.tracking.associate import Expected, match
from commedia.tracking.candidates import (
    Candidate,
    duplicates,
    is_doubtful,
    is_mislaid,
    is_refused,
    is_sure,
    refined_prediction,
    refinement_crop,
    refinement_order,
    strangers,
)
from commedia.tracking.follow import TrackedStep, filled_in
from commedia.tracking.models import Models, open_models
from commedia.tracking.presentation import is_kept, shown_faces
from commedia.tracking.recognition import Recognition, renamed
from commedia.tracking.schedule import Plan, Schedule
from commedia.tracking.second_looks import read_twice
from commedia.tracking.settings import PHOTO_SETTINGS, TAKE_SETTINGS, VIDEO_SETTINGS, TrackerSettings
from commedia.tracking.track import (
    Now,
    Prediction,
    Track,
    carried_on,
    expected_box,
    is_lost,
    moved_on,
    prediction_from_face,
)
from commedia.tracking.turned import found_turned
from commedia.tracking.update import born_track, next_track, with_stepped_filters

APPEARANCES_PER_FRAME = 2
"""Tracks whose appearance is renewed in one frame, so that the cost does not grow with the number of faces."""


@runtime_checkable
class Followed(Protocol):
    """What `Tracker.follow` takes: any source of `commedia.sources`."""

    info: Any
    """Says `pictures`, `is_still` and `is_live`."""

    def __iter__(self) -> Iterator[Frame] | Iterator[TrackedFrame]: ...


class Tracker:
    """Follows everyone through one take: `step` picture by picture, as they come; `follow` through a whole source."""

    def __init__(
        self, models: Models | None = None, settings: TrackerSettings | None = None, *, head: HeadModel | None = None
    ):
        """Without models the shipped networks are opened by the first picture; without settings `step` takes those of
        a video, and `follow` those that fit its source. `head` is whose landmarks are followed, such as a `Person`'s;
        None leaves that to the models."""
        self._models = models if models is None or head is None else models.of_head(head)
        self._given_settings, self._head, self._careful = settings, head, False
        self.settings = settings or VIDEO_SETTINGS
        self.reset()

    @property
    def models(self) -> Models:
        """What this tracker sees with."""
        if self._models is None:
            self._models = open_models(head=self._head)
        return self._models.careful() if self._careful else self._models

    def reset(self) -> None:
        """Begin another take: nobody is known, ids start at 1."""
        self._tracks: list[Track] = []
        self._keys, self._confirmed = count(1), 0
        self._now = Now()
        self._schedule = Schedule(self.settings)
        self._recognition: Recognition | None = None

    @property
    def recognition(self) -> Recognition:
        """What this take knows of people's looks."""
        if self._recognition is None:
            self._recognition = Recognition(self.models.embedder, self.settings.recognising, self._keys)
        return self._recognition

    def follow(self, source: Followed, *, raw: bool = False) -> Iterator[tuple[Frame | None, TrackedFrame]]:
        """A source to its frames and everyone in each, from their first detection on; begins a new take.

        Stills are takes of their own: ids start at 1 in each. Recorded motion passes as it is, without pictures and
        without networks. Comes `confirm_frames` - 1 frames late, and holds that many; a live source's come at once.
        With `raw` everyone is shown as read, for a `WholeTake`: neither smoothed nor at rest, each frame with an
        identity of its own. Then, and in stills, every face is read mirrored too: nobody waits for a frame.
        """
        if not source.info.pictures:
            yield from ((None, tracked) for tracked in source if isinstance(tracked, TrackedFrame))
            return
        is_still = source.info.is_still
        self._careful = is_still or raw
        usual = PHOTO_SETTINGS if is_still else TAKE_SETTINGS if raw else VIDEO_SETTINGS
        self.settings = self._given_settings or usual
        if raw:
            self.settings = replace(self.settings, smoothing=None, learn_neutral=False)
        for take in ([frame] for frame in source) if is_still else [source]:
            self.reset()
            delay = 0 if source.info.is_live else self.settings.lifecycle.confirm_frames - 1
            yield from filled_in(self._steps(take), delay)

    def _steps(self, frames: Iterable[Frame | TrackedFrame]) -> Iterator[tuple[Frame, TrackedStep]]:
        return ((frame, self.step(frame.image, frame.time_s)) for frame in frames if isinstance(frame, Frame))

    def step(self, image: UInt8[np.ndarray, "h w 3"], time_s: float | int | Fraction) -> TrackedStep:
        """The next RGB picture of the take and its time in seconds to everyone in it; `BadPicture` for anything else.

        Times that do not advance count as the next frame of 30 per second.
        """
        _require_picture(image, time_s)
        self._now = moved_on(self._now, float(time_s))
        plan = self._schedule.plan(image, self._tracks, self._now)
        candidates, appearances = self._candidates(image, plan)
        predictions = self._read(image, candidates)
        if not plan.detect and self._schedule.suspicious:
            # Somebody is not where they were expected: found in this very frame, they are read where they are. Nobody
            # new begins so, or the more somebody moves the more would be taken for people.
            plan = self._schedule.with_look(plan, image, self._tracks, self._now)
            candidates, appearances = self._candidates(image, plan)
            candidates = [candidate for candidate in candidates if candidate.track is not None]
            predictions = self._read(image, candidates)
        if self.settings.turned_pictures and not any(predictions):
            candidates, appearances = self._turned_candidates(image)
            predictions = self._read(image, candidates)
        before = self._tracks
        self._update(candidates, predictions, appearances)
        self._part_duplicates()
        self._tracks = self.recognition.looked(image, before, self._tracks, self._now, plan)
        confirmed = self._confirm()
        self._schedule.remember(image, self._tracks, self._now)
        return self._shown(confirmed)

    def _candidates(self, image: UInt8[np.ndarray, "h w 3"], plan: Plan) -> tuple[list[Candidate], Appearances]:
        """Who may be in the picture, and how they look: everyone known, and who is found if the detector looks."""
        if not plan.detect:
            return [Candidate(track, None) for track in self._tracks], Appearances(image, ())
        faces = self._detected(image, tiled=plan.tiled)
        appearances = Appearances(image, faces)
        candidates = self._recognised(faces, appearances, cut=plan.cut)
        found = {candidate.track.key for candidate in candidates if candidate.track}
        unfound = [track for track in self._tracks if track.key not in found]
        overlooked = self._schedule.overlooked(plan, image, unfound, self._now) if self.models.tiled else []
        return candidates + [Candidate(track, None) for track in overlooked], appearances

    def _turned_candidates(self, image: UInt8[np.ndarray, "h w 3"]) -> tuple[list[Candidate], Appearances]:
        detector, least = self.models.tiled or self.models.detector, self.settings.lifecycle.birth_confidence
        faces = found_turned(image, detector, least)
        appearances = Appearances(image, faces)
        return self._recognised(faces, appearances, cut=False), appearances

    def _detected(self, image: UInt8[np.ndarray, "h w 3"], *, tiled: bool) -> list[Face]:
        models, least = self.models, self.settings.lifecycle.follow_confidence
        detector = models.tiled if tiled and models.tiled is not None else models.detector
        return [face for face in detector.detect(image) if face.confidence >= least]

    def _recognised(self, faces: list[Face], appearances: Appearances, *, cut: bool) -> list[Candidate]:
        """Pair the tracks with what was found; who is found and not known is new, from left to right."""
        expected = []
        for track in self._tracks:
            age_s = self._now.s - track.seen_s
            lost = cut or is_lost(track, self._now)
            expected.append(Expected(expected_box(track, age_s), age_s, lost, track.appearance))
        pairs = match(expected, [face.box for face in faces], appearances.at, self.settings.matching)
        known = [Candidate(self._tracks[row], faces[column], column) for row, column in pairs]
        strange = strangers(faces, {column for _, column in pairs})
        sure = (index for index in strange if faces[index].confidence >= self.settings.lifecycle.doubtful_confidence)
        new = sorted(sure, key=lambda index: faces[index].box.left_px)
        return known + [Candidate(None, faces[index], index) for index in new]

    def _read(self, image: UInt8[np.ndarray, "h w 3"], candidates: list[Candidate]) -> list[Prediction | None]:
        """Read the chosen faces from their crops and take the detector's word for the others, unless it is in doubt."""
        lifecycle = self.settings.lifecycle
        predictions = [
            prediction_from_face(candidate.face) if candidate.face and not is_doubtful(candidate, lifecycle) else None
            for candidate in candidates
        ]
        chosen = refinement_order(candidates, self.settings.refine_budget, lifecycle)
        ages = [self._now.s - who.track.seen_s if who.track else 0.0 for who in candidates]
        for index in set(range(len(candidates))) - set(chosen):
            if (who := candidates[index]).track and who.face is None:
                predictions[index] = carried_on(who.track, ages[index])
        crops = [refinement_crop(candidates[index], ages[index]) for index in chosen]
        crops, params = read_twice(image, [candidates[index] for index in chosen], crops, self.models, self.settings)
        for index, crop, read, points in zip(chosen, crops, params, self.models.landmarker(params), strict=True):
            refined = refined_prediction(candidates[index], crop, read, points) or predictions[index]
            predictions[index] = None if is_refused(candidates[index], read, lifecycle) else refined
            # Somebody known who is not surely seen is looked for at once, and in every frame.
            self._schedule.suspicious |= is_mislaid(candidates[index], read, lifecycle)
        return predictions

    def _update(
        self, candidates: list[Candidate], predictions: list[Prediction | None], appearances: Appearances
    ) -> None:
        """Replace the tracks by the next ones: read, new, or kept although unseen."""
        lifecycle, sure = self.settings.lifecycle, self.settings.settled_identity
        tracks, seen = [], set()
        for position, (candidate, prediction) in enumerate(zip(candidates, predictions, strict=True)):
            if prediction is None:
                continue
            if candidate.track is None:
                described = appearances.at(candidate.number)
                tracks.append(born_track(next(self._keys), prediction, described, self._now))
            else:
                seen.add(candidate.track.key)
                renewed = self._renewed_appearance(candidate, (position, len(candidates)), appearances)
                detected = candidate.face is not None
                tracks.append(
                    next_track(
                        *(candidate.track, prediction, self._now, lifecycle),
                        detected=detected,
                        appearance=renewed,
                        sure=sure,
                    )
                )
        unseen = [track for track in self._tracks if track.key not in seen]
        kept = [track for track in unseen if is_kept(track, self._now.s, lifecycle)]
        self.recognition.remember([track for track in unseen if not is_kept(track, self._now.s, lifecycle)], self._now)
        self._tracks = with_stepped_filters(tracks, self._now, self.settings) + kept

    def _renewed_appearance(
        self, candidate: Candidate, place: tuple[int, int], appearances: Appearances
    ) -> Appearance | None:
        """Describe again who was described for matching anyway, and a few others in turn."""
        position, count = place
        turn = (position - self._now.frames * APPEARANCES_PER_FRAME) % count
        due = candidate.number in appearances or turn < APPEARANCES_PER_FRAME
        return appearances.at(candidate.number) if candidate.face is not None and due else None

    def _part_duplicates(self) -> None:
        """Let only the older of two tracks keep a face; the other counts as lost, and the detector is asked next."""
        read = [track for track in self._tracks if track.seen_s == self._now.s]
        losers = {read[index].key for index in duplicates(read)}
        self._schedule.suspicious |= bool(losers)
        parted = (replace(t, seen_s=self._now.before_s) if t.key in losers else t for t in self._tracks)
        self._tracks = [track for track in parted if track.key not in losers or track.id]

    def _confirm(self) -> dict[int, int]:
        """Give ids to who has been seen often or surely enough, old ones to who is back; returns them by track key."""
        new = [track for track in self._tracks if not track.id and is_sure(track, self.settings.lifecycle)]
        known = self.recognition.whom(new, self._tracks, self._now) if new else {}
        named = {track.key: track for track in self._tracks}
        for track in new:
            if (person := known.get(track.key)) is not None:
                named.pop(person.key, None)
                named[track.key] = renamed(track, person)
            else:
                self._confirmed += 1
                named[track.key] = replace(track, id=self._confirmed)
        self._tracks = list(named.values())
        return {track.key: named[track.key].id for track in new}

    def _shown(self, confirmed: dict[int, int]) -> TrackedStep:
        faces = shown_faces(self._tracks, self._now.s, self.settings, self.models.landmarker)
        unconfirmed = {t.key: face for t, face in zip(self._tracks, faces, strict=True) if not face.id}
        people = sorted((face for face in faces if face.id), key=lambda face: face.id)
        return TrackedStep(tuple(people), unconfirmed, confirmed)


def _require_picture(image: object, time_s: object) -> None:
    if not isinstance(image, np.ndarray):
        raise BadPicture(f"a {type(image).__name__}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise BadPicture(f"an array of {image.dtype} with shape {image.shape}")
    if isinstance(time_s, bool) or not isinstance(time_s, Real) or not np.isfinite(float(time_s)):
        raise BadPicture(f"the time {time_s!r}")
