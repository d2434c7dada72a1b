"""From frames to people: detects, follows, refines, smooths, and says who is who.

Decides when to detect, which faces to refine and which track a face belongs to; measuring is left to the files beside
it. One tracker follows one take, frame after frame; it keeps the last frame's tracks and nothing else: flat memory.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from numbers import Real
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from commedia.errors import BadPicture
from commedia.faces.protocol import DetectorProtocol
from commedia.structures import Face, FaceParams, Frame, Status, TrackedFace, TrackedFrame
from commedia.tracking.appearance import Appearance, Looks, blended, grey_pattern, picture_signature
from commedia.tracking.associate import Expected, match
from commedia.tracking.follow import TrackedStep, filled_in
from commedia.tracking.identity import reading_weight, updated_mean
from commedia.tracking.models import Models, open_models
from commedia.tracking.settings import PHOTO_SETTINGS, VIDEO_SETTINGS, TrackerSettings
from commedia.tracking.smooth import faded_params, filtered_params, restart_pose, start_filter, step_filters
from commedia.tracking.track import (
    AT_REST,
    Reading,
    Sighting,
    Track,
    duplicates,
    expected_box,
    is_doubtful,
    is_refused,
    moved_box,
    reading_from_face,
    refined_reading,
    refinement_crop,
    refinement_order,
    strangers,
    updated_motion,
)

USUAL_STEP_S = 1 / 30
"""Taken between frames whose times do not advance, as in a file that starts over."""

CUT_DIFFERENCE = 0.12
"""Mean change of the picture, 0 to 1, that means another shot: places then say nothing, looks must match."""

APPEARANCE_SHARE = 0.1
APPEARANCES_PER_FRAME = 2
"""Tracks whose appearance is renewed in one frame, so that the cost does not grow with the number of faces."""


@runtime_checkable
class Watched(Protocol):
    """What `Tracker.follow` takes: any source of `commedia.sources`."""

    info: Any

    def __iter__(self) -> Iterator[Frame] | Iterator[TrackedFrame]: ...


class Tracker:
    """Follows everyone through one take."""

    def __init__(
        self,
        models: Models | None = None,
        settings: TrackerSettings | None = None,
    ):
        """Without models the shipped networks are opened by the first picture; without settings `step` takes those of
        a video, and `follow` those that fit its source."""
        self._models, self._given = models, settings
        self.settings = settings or VIDEO_SETTINGS
        self.reset()

    @property
    def models(self) -> Models:
        """What this tracker sees with; opens the shipped networks when none were given."""
        if self._models is None:
            self._models = open_models()
        return self._models

    def follow(self, source: Watched) -> Iterator[tuple[Frame | None, TrackedFrame]]:
        """Everyone in a source, frame by frame, from their first detection on; begins a new take.

        Stills are takes of their own: ids start at 1 in each. Recorded motion passes as it is, without pictures and
        without networks.
        """
        if not source.info.pictures:
            yield from ((None, tracked) for tracked in source if isinstance(tracked, TrackedFrame))
            return
        self.settings = self._given or (PHOTO_SETTINGS if source.info.is_still else VIDEO_SETTINGS)
        takes = ([frame] for frame in source) if source.info.is_still else [source]
        for take in takes:
            yield from filled_in(self._stepped(take), self.settings.keeping.confirm_frames - 1)

    def _stepped(self, frames: Iterable[Frame | TrackedFrame]) -> Iterator[tuple[Frame, TrackedStep]]:
        self.reset()
        return ((frame, self.step(frame.image, frame.time_s)) for frame in frames if isinstance(frame, Frame))

    def reset(self) -> None:
        """Begin another take: nobody is known, ids start at 1."""
        self._tracks: list[Track] = []
        self._ids: dict[int, int] = {}
        self._born = self._named = self._steps = self._steps_since_detection = 0
        self._closer_due = 0
        self._now_s = self._before_s = 0.0
        self._last_time_s: float | None = None
        self._signature: np.ndarray | None = None
        self._suspicious = False
        self._patterns: dict[int, np.ndarray] = {}

    def step(self, image: UInt8[np.ndarray, "h w 3"], time_s: float | Fraction) -> TrackedStep:
        """The next RGB picture of the take, and its time in seconds, to everyone in it.

        Raises:
            BadPicture: It is no array of RGB bytes, or its time is no finite number.
        """
        require_picture(image, time_s)
        self._advance(float(time_s))
        cut = self._is_cut(image)
        if self._detection_due(cut) or self._looks_changed(image):
            faces = self._detector_for(image).detect(image)
            looks = Looks(image, faces)
            sightings = self._recognise(faces, looks, cut)
        else:
            looks = Looks(image, ())
            sightings = [Sighting(track, None) for track in self._tracks]
            self._steps_since_detection += 1
        readings = self._read(image, sightings)
        self._update(sightings, readings, looks)
        self._part_duplicates()
        confirmed = self._confirm()
        self._patterns = self._seen_patterns(image)
        return self._show(confirmed)

    def _advance(self, time_s: float) -> None:
        step_s = USUAL_STEP_S if self._last_time_s is None else time_s - self._last_time_s
        self._before_s, self._last_time_s = self._now_s, time_s
        self._now_s += step_s if step_s > 0 else USUAL_STEP_S
        self._steps += 1

    def _is_cut(self, image: UInt8[np.ndarray, "h w 3"]) -> bool:
        before, self._signature = self._signature, picture_signature(image)
        return before is not None and float(abs(self._signature - before).mean()) > CUT_DIFFERENCE

    def _detection_due(self, cut: bool) -> bool:
        in_doubt = any(self._is_lost(track) or track.key not in self._ids for track in self._tracks)
        return (
            cut
            or in_doubt
            or self._suspicious
            or not 0 < len(self._tracks) <= self.settings.refine_budget
            or self._steps_since_detection + 1 >= self.settings.detect_every
        )

    def _looks_changed(self, image: UInt8[np.ndarray, "h w 3"]) -> bool:
        """Say whether somebody is no longer where they should be, or no longer looks the same: the regressor cannot."""
        for track in self._tracks:
            found = grey_pattern(image, expected_box(track, self._now_s - track.seen_s))
            if 1 - float(found @ self._patterns[track.key]) > self.settings.pattern_change:
                return True
        return False

    def _seen_patterns(self, image: UInt8[np.ndarray, "h w 3"]) -> dict[int, np.ndarray]:
        """Take down what the next frame's faces are compared with, where the detector may rest in it."""
        if self._detection_due(cut=False):
            return {}
        return {track.key: grey_pattern(image, track.reading.box) for track in self._tracks}

    def _detector_for(self, image: UInt8[np.ndarray, "h w 3"]) -> DetectorProtocol:
        """Choose between a look at the whole picture and a closer one: now and then, and while somebody is small."""
        models = self.models
        if models.closer is None:
            return models.detector
        limit = self.settings.small_face * max(image.shape[:2])
        # Who is new or was just overlooked may need a closer look at twice that size.
        sizes = (
            max(track.reading.box.width_px, track.reading.box.height_px)
            / (2 if self._is_lost(track) or track.key not in self._ids else 1)
            for track in self._tracks
        )
        if any(size < limit for size in sizes) or self._steps >= self._closer_due:
            self._closer_due = self._steps + self.settings.closer_every
            return models.closer
        return models.detector

    def _is_lost(self, track: Track) -> bool:
        """Before `_update`: not read in the last frame."""
        return track.seen_s < self._before_s

    def _recognise(self, faces: list[Face], looks: Looks, cut: bool) -> list[Sighting]:
        """Pair the tracks with what was found; who is found and not known is new, from left to right."""
        self._steps_since_detection, self._suspicious = 0, False
        expected = []
        for track in self._tracks:
            age_s = self._now_s - track.seen_s
            lost = cut or self._is_lost(track)
            expected.append(Expected(expected_box(track, age_s), age_s, lost, track.appearance))
        pairs = match(expected, [face.box for face in faces], looks.at, self.settings.matching)
        known = [Sighting(self._tracks[row], faces[column], column) for row, column in pairs]
        strange = strangers(faces, {column for _, column in pairs})
        sure = (index for index in strange if faces[index].confidence >= self.settings.keeping.doubtful_confidence)
        new = sorted(sure, key=lambda index: faces[index].box.left_px)
        return known + [Sighting(None, faces[index], index) for index in new]

    def _read(self, image: UInt8[np.ndarray, "h w 3"], sightings: list[Sighting]) -> list[Reading | None]:
        """Read the chosen faces from their crops and take the detector's word for the others, unless it is in doubt."""
        keeping = self.settings.keeping
        readings = [
            reading_from_face(sighting.face) if sighting.face and not is_doubtful(sighting, keeping) else None
            for sighting in sightings
        ]
        chosen = refinement_order(sightings, self.settings.refine_budget, keeping)
        ages = [self._now_s - s.track.seen_s if s.track else 0.0 for s in sightings]
        crops = [refinement_crop(sightings[index], ages[index]) for index in chosen]
        params = self.models.regressor.regress(image, crops)
        for index, crop, read, points in zip(chosen, crops, params, self.models.landmarker(params), strict=True):
            refined = refined_reading(sightings[index], crop, read, points) or readings[index]
            readings[index] = None if is_refused(sightings[index], read, keeping) else refined
            # Somebody known whom only the detector still sees is looked for in every frame.
            known = sightings[index].track is not None
            self._suspicious |= known and read.presence is not None and read.presence < keeping.keep_presence
        return readings

    def _update(self, sightings: list[Sighting], readings: list[Reading | None], looks: Looks) -> None:
        """Replace the tracks by the next ones: read, new, or kept although unseen."""
        tracks, seen = [], set()
        for position, (sighting, reading) in enumerate(zip(sightings, readings, strict=True)):
            if reading is None:
                continue
            if sighting.track is None:
                tracks.append(self._born_track(reading, looks.at(sighting.number)))
            else:
                seen.add(sighting.track.key)
                look = looks.at(sighting.number) if self._look_due(position, sighting, len(sightings), looks) else None
                tracks.append(self._next_track(sighting.track, reading, sighting.face, look))
        kept = [track for track in self._tracks if track.key not in seen and self._is_kept(track)]
        self._tracks = self._filtered(tracks) + kept
        present = {track.key for track in self._tracks}
        self._ids = {key: name for key, name in self._ids.items() if key in present}

    def _filtered(self, tracks: list[Track]) -> list[Track]:
        """Bring the filters of all tracks read in this frame up to their readings."""
        params, smoothing = [track.reading.params for track in tracks], self.settings.smoothing
        if smoothing is None:
            states = [start_filter(face) for face in params]
        else:
            step_s = self._now_s - self._before_s
            states = step_filters([track.filter for track in tracks], params, [step_s] * len(tracks), smoothing)
        return [replace(track, filter=state) for track, state in zip(tracks, states, strict=True)]

    def _is_kept(self, track: Track) -> bool:
        return track.key in self._ids and self._now_s - track.seen_s <= self.settings.keeping.keep_s

    def _look_due(self, position: int, sighting: Sighting, count: int, looks: Looks) -> bool:
        """Look again at whom a look was already taken, and at a few others in turn."""
        if sighting.face is None:
            return False
        turn = (position - self._steps * APPEARANCES_PER_FRAME) % count
        return sighting.number in looks or turn < APPEARANCES_PER_FRAME

    def _born_track(self, reading: Reading, look: Appearance) -> Track:
        self._born += 1
        weight = reading_weight(reading.confidence, reading.params.pose.wxyz, refined=reading.refined)
        identity = updated_mean(None, reading.params.identity, weight)
        filter_state = start_filter(reading.params)
        return Track(self._born, 1, self._now_s, reading, AT_REST, look, identity, filter_state)

    def _next_track(self, track: Track, reading: Reading, face: Face | None, look: Appearance | None) -> Track:
        """Take in a reading; the filter only takes its starting point here."""
        params = reading.params
        if self._is_lost(track):
            motion, state = AT_REST, restart_pose(start_filter(self._shown_params(track, self._before_s)), params)
        else:
            step_s = self._now_s - track.seen_s
            motion, state = updated_motion(track.motion, track.reading.params, params, step_s), track.filter
        weight = reading_weight(reading.confidence, params.pose.wxyz, refined=reading.refined)
        return Track(
            key=track.key,
            sightings=track.sightings + (face is not None),
            seen_s=self._now_s,
            reading=reading,
            motion=motion,
            appearance=blended(track.appearance, look, APPEARANCE_SHARE) if look else track.appearance,
            identity=updated_mean(track.identity, params.identity, weight),
            filter=state,
        )

    def _part_duplicates(self) -> None:
        """Let only the older of two tracks keep a face; the other counts as lost, and the detector is asked next."""
        read = [track for track in self._tracks if track.seen_s == self._now_s]
        losers = {read[index].key for index in duplicates(read)}
        self._suspicious |= bool(losers)
        parted = (replace(t, seen_s=self._before_s) if t.key in losers else t for t in self._tracks)
        self._tracks = [track for track in parted if track.key not in losers or track.key in self._ids]

    def _confirm(self) -> dict[int, int]:
        keeping, confirmed = self.settings.keeping, {}
        for track in self._tracks:
            sure = track.sightings >= keeping.confirm_frames or track.reading.confidence >= keeping.confirm_confidence
            if track.key not in self._ids and sure:
                self._named += 1
                self._ids[track.key] = confirmed[track.key] = self._named
        return confirmed

    def _shown_params(self, track: Track, now_s: float) -> FaceParams:
        """Smoothed while seen; after that held, then on its way to neutral."""
        keeping = self.settings.keeping
        share = (now_s - track.seen_s - keeping.hold_s) / keeping.fade_s
        params = filtered_params(track.filter, track.identity.value)
        return faded_params(params, min(share, 1.0)) if share > 0 else params

    def _status(self, track: Track) -> Status:
        unseen_s = self._now_s - track.seen_s
        return "tracked" if unseen_s == 0 else "held" if unseen_s <= self.settings.keeping.hold_s else "fading"

    def _show(self, confirmed: dict[int, int]) -> TrackedStep:
        """Present the confirmed by id, and set the others aside."""
        params = [self._shown_params(track, self._now_s) for track in self._tracks]
        faces = [
            TrackedFace(
                id=self._ids.get(track.key, 0),
                status=(status := self._status(track)),
                box=moved_box(track.reading.box, track.reading.params, shown),
                params=shown,
                landmarks_px=points,
                confidence=track.reading.confidence if status == "tracked" else 0.0,
            )
            for track, shown, points in zip(self._tracks, params, self.models.landmarker(params), strict=True)
        ]
        unconfirmed = {t.key: face for t, face in zip(self._tracks, faces, strict=True) if not face.id}
        shown = sorted((face for face in faces if face.id), key=lambda face: face.id)
        return TrackedStep(tuple(shown), unconfirmed, confirmed)


def require_picture(image: object, time_s: object) -> None:
    """Refuse what is no RGB picture of bytes, or no time."""
    if not isinstance(image, np.ndarray):
        raise BadPicture(f"a {type(image).__name__}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise BadPicture(f"an array of {image.dtype} with shape {image.shape}")
    if isinstance(time_s, bool) or not isinstance(time_s, Real) or not np.isfinite(float(time_s)):
        raise BadPicture(f"the time {time_s!r}")
