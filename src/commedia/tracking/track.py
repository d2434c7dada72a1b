"""One person over time as plain data, and how readings are made and judged. The tracker decides; this measures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from commedia.faces.crop import CROP_SCALE, Crop, crop_from_landmarks
from commedia.geometry.boxes import corners_of, intersection_over_union, pairwise_iou
from commedia.structures import Box, Face, FaceParams
from commedia.tracking.appearance import Appearance
from commedia.tracking.identity import IdentityMean
from commedia.tracking.settings import Keeping
from commedia.tracking.smooth import FaceFilter

VELOCITY_TIME_S = 0.08
"""Time constant of the velocity estimate: two to three frames."""

LONGEST_EXTRAPOLATION_S = 1.0
"""A lost face is expected where it was heading for so long, then where that led."""

PLAUSIBLE_SHIFT, PLAUSIBLE_GROWTH = 0.35, 1.6
"""How far, in landmark boxes, and by what factor a refined face may differ from the crop it was read in."""

AGREEMENT_IOU = 0.4
"""Least overlap of a refined face's crop with the crop of the detection it refines."""


CROP_DRIFT_IOU = 0.5
"""A tracked crop that overlaps the detection's less is put back on the detection."""

DUPLICATE_IOU = 0.6
"""Two tracks whose boxes overlap more follow the same face."""

SAME_FACE_IOU = 0.5
"""A detection that overlaps a face already taken by more is a second detection of that face."""

STILL_REFINED = 1.2


@dataclass(frozen=True)
class Reading:
    """What one frame says about one face."""

    params: FaceParams
    landmarks_px: Float[np.ndarray, "68 2"]
    box: Box
    confidence: float
    refined: bool
    """Read by the regressor from a full-resolution crop rather than by the detector from the whole picture."""


class Motion(NamedTuple):
    """Velocity of the head's origin in pixels, and of the logarithm of its size, per second."""

    origin: Float[np.ndarray, "2"]
    log_size: float


AT_REST = Motion(np.zeros(2, dtype=np.float32), 0.0)


@dataclass(frozen=True)
class Track:
    """A person so far."""

    key: int
    """Internal number, given at first sight; the public id is given at confirmation."""
    sightings: int
    """Frames in which the detector saw it."""
    seen_s: float
    """Time of the last reading."""
    reading: Reading
    """The last one."""
    motion: Motion
    appearance: Appearance
    identity: IdentityMean
    filter: FaceFilter


@dataclass(frozen=True)
class Sighting:
    """Somebody in this frame: a known track, a detected face, or both."""

    track: Track | None
    face: Face | None
    number: int = -1
    """Position of the face in the detector's list."""


def reading_from_face(face: Face) -> Reading:
    """Take the detector's word."""
    return Reading(face.params, face.landmarks_px, face.box, face.confidence, refined=False)


def updated_motion(motion: Motion, old: FaceParams, new: FaceParams, step_s: float) -> Motion:
    """Move the velocity estimate towards what the last step showed."""
    share = 1 - float(np.exp(-step_s / VELOCITY_TIME_S))
    velocity = (new.pose.origin_px - old.pose.origin_px) / step_s
    growth = float(np.log(new.pose.px_per_m / old.pose.px_per_m)) / step_s
    origin = motion.origin + share * (velocity - motion.origin)
    return Motion(origin.astype(np.float32), motion.log_size + share * (growth - motion.log_size))


def expected_box(track: Track, ahead_s: float) -> Box:
    """Place the track's box `ahead_s` after its last reading, at constant velocity."""
    ahead = min(ahead_s, LONGEST_EXTRAPOLATION_S)
    x, y = track.motion.origin * ahead
    box = track.reading.box
    return Box(*(float(side) for side in (box.left_px + x, box.top_px + y, box.right_px + x, box.bottom_px + y)))


def expected_crop(track: Track, ahead_s: float) -> Crop:
    """Place the crop by the last landmarks, moved on at constant velocity."""
    crop = crop_from_landmarks(track.reading.landmarks_px)
    growth = float(np.exp(np.clip(track.motion.log_size * ahead_s, -0.2, 0.2)))
    return Crop((crop.center_px + track.motion.origin * ahead_s).astype(np.float32), crop.side_px * growth, crop.roll)


def moved_box(box: Box, old: FaceParams, new: FaceParams) -> Box:
    """Carry a box along with the head it belongs to."""
    growth = new.pose.px_per_m / old.pose.px_per_m
    corners = np.array([[box.left_px, box.top_px], [box.right_px, box.bottom_px]])
    (left, top), (right, bottom) = new.pose.origin_px + growth * (corners - old.pose.origin_px)
    return Box(float(left), float(top), float(right), float(bottom))


def is_doubtful(sighting: Sighting, keeping: Keeping) -> bool:
    """Say whether a detection is too unsure to begin somebody new by itself."""
    return sighting.track is None and sighting.face is not None and sighting.face.confidence < keeping.birth_confidence


def refinement_order(sightings: Sequence[Sighting], budget: int, keeping: Keeping) -> list[int]:
    """Choose the largest; who was refined in the last frame counts as larger, so that equals do not take turns.

    The doubtful come last.
    """

    def size(sighting: Sighting) -> float:
        box = sighting.face.box if sighting.face else sighting.track.reading.box if sighting.track else None
        refined = sighting.track is not None and sighting.track.reading.refined
        return box.height_px * (STILL_REFINED if refined else 1.0) if box else 0.0

    def rank(index: int) -> tuple[bool, float]:
        return is_doubtful(sightings[index], keeping), -size(sightings[index])

    return sorted(range(len(sightings)), key=rank)[:budget]


def is_refused(sighting: Sighting, params: FaceParams, keeping: Keeping) -> bool:
    """Say whether the regressor, asked about a crop, denies that anybody is there."""
    if params.presence is None:
        return is_doubtful(sighting, keeping)
    if sighting.track is None or sighting.track.sightings < keeping.confirm_frames:
        return params.presence < keeping.birth_presence
    seen = sighting.face is not None and sighting.face.confidence >= keeping.birth_confidence
    return not seen and params.presence < keeping.keep_presence


def refinement_crop(sighting: Sighting, ahead_s: float) -> Crop:
    """Place the crop by the track, unless it is new or has drifted off the detected face."""
    track, face = sighting.track, sighting.face
    if face is None:
        assert track is not None
        return expected_crop(track, ahead_s)
    detected = crop_from_landmarks(face.landmarks_px)
    if track is None:
        return detected
    expected = expected_crop(track, ahead_s)
    return expected if crop_overlap(expected, detected) >= CROP_DRIFT_IOU else detected


def refined_reading(
    sighting: Sighting, crop: Crop, params: FaceParams, landmarks_px: Float[np.ndarray, "68 2"]
) -> Reading | None:
    """Judge what the regressor read in a crop; None when it is not the face that was looked for."""
    track, face = sighting.track, sighting.face
    if not is_plausible(landmarks_px, crop) or (face is not None and not agrees(landmarks_px, face)):
        return None
    if face is not None:
        return Reading(params, landmarks_px, face.box, face.confidence, refined=True)
    assert track is not None
    box = moved_box(track.reading.box, track.reading.params, params)
    return Reading(params, landmarks_px, box, track.reading.confidence, refined=True)


def strangers(faces: Sequence[Face], taken: set[int]) -> list[int]:
    """List the faces that are nobody's, without second detections of a face that is taken."""
    return [
        index
        for index, face in enumerate(faces)
        if index not in taken
        and all(intersection_over_union(face.box, faces[other].box) <= SAME_FACE_IOU for other in taken)
    ]


def duplicates(tracks: Sequence[Track]) -> list[int]:
    """List the positions of tracks whose box lies on that of an older track."""
    if len(tracks) < 2:
        return []
    corners = corners_of(track.reading.box for track in tracks)
    keys = np.array([track.key for track in tracks])
    older = keys[None, :] < keys[:, None]
    return np.flatnonzero(((pairwise_iou(corners, corners) > DUPLICATE_IOU) & older).any(axis=1)).tolist()


def crop_overlap(first: Crop, second: Crop) -> float:
    """Overlap of two crops, 0 to 1."""
    return intersection_over_union(Box(*_corners(first)), Box(*_corners(second)))


def is_plausible(landmarks_px: Float[np.ndarray, "68 2"], crop: Crop) -> bool:
    """Say whether what was read in a crop is a face about where the crop expects one."""
    if not np.isfinite(landmarks_px).all():
        return False
    found, expected = crop_from_landmarks(landmarks_px), crop.side_px / CROP_SCALE
    shift = float(np.linalg.norm(found.center_px - crop.center_px)) / expected
    growth = found.side_px / crop.side_px
    return shift <= PLAUSIBLE_SHIFT and 1 / PLAUSIBLE_GROWTH <= growth <= PLAUSIBLE_GROWTH


def agrees(landmarks_px: Float[np.ndarray, "68 2"], face: Face) -> bool:
    """Say whether refined landmarks still lie on the detected face."""
    return crop_overlap(crop_from_landmarks(landmarks_px), crop_from_landmarks(face.landmarks_px)) >= AGREEMENT_IOU


def _corners(crop: Crop) -> tuple[float, float, float, float]:
    (x, y), half = crop.center_px, crop.side_px / 2
    return float(x - half), float(y - half), float(x + half), float(y + half)
