"""Who may be in a frame - known, found, or both - and whether what was read of them is to be believed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from commedia.faces.crop import CROP_SCALE, Crop, crop_from_landmarks, crop_of_face, crop_of_face_box
from commedia.geometry.boxes import corners_of, intersection_over_union, pairwise_iou
from commedia.structures import Box, Face, FaceParams
from commedia.tracking.settings import TrackLifecycle
from commedia.tracking.track import Prediction, Track, expected_crop, moved_box

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
class Candidate:
    """Somebody in this frame: a known track, a detected face, or both."""

    track: Track | None
    face: Face | None
    number: int = -1
    """Position of the face in the detector's list."""

    @cached_property
    def detected_crop(self) -> Crop:
        """The crop in which the detector shows the face; needs one."""
        assert self.face is not None
        return crop_of_face(self.face)


def is_doubtful(candidate: Candidate, lifecycle: TrackLifecycle) -> bool:
    """Say whether a detection is too unsure to begin somebody new by itself."""
    face = candidate.face
    return candidate.track is None and face is not None and face.confidence < lifecycle.birth_confidence


def is_sure(track: Track, lifecycle: TrackLifecycle) -> bool:
    """Say whether somebody has been seen often or surely enough to get an id, and looks from near agree."""
    doubtful = track.prediction.confidence < lifecycle.birth_confidence
    often = track.detections >= (lifecycle.confirm_doubtful_frames if doubtful else lifecycle.confirm_frames)
    agreed = track.presence.sure >= lifecycle.confirm_looks * track.presence.looks
    return agreed and (often or track.prediction.confidence >= lifecycle.confirm_confidence)


def refinement_order(candidates: Sequence[Candidate], budget: int, lifecycle: TrackLifecycle) -> list[int]:
    """Choose the largest; who was refined in the last frame counts as larger, so that equals do not take turns.

    The doubtful come last. Whom the detector has not read is read beyond the budget: nobody else could.
    """

    def size(candidate: Candidate) -> float:
        box = candidate.face.box if candidate.face else candidate.track.prediction.box if candidate.track else None
        refined = candidate.track is not None and candidate.track.prediction.refined
        return box.height_px * (STILL_REFINED if refined else 1.0) if box else 0.0

    def rank(index: int) -> tuple[bool, float]:
        return is_doubtful(candidates[index], lifecycle), -size(candidates[index])

    def is_unread(index: int) -> bool:
        face = candidates[index].face
        return face is not None and face.params is None and not is_doubtful(candidates[index], lifecycle)

    order = sorted(range(len(candidates)), key=rank)
    return order[:budget] + [index for index in order[budget:] if is_unread(index)]


def is_refused(candidate: Candidate, params: FaceParams, lifecycle: TrackLifecycle) -> bool:
    """Say whether the regressor, asked about a crop, denies that anybody is there."""
    if params.presence is None:
        return is_doubtful(candidate, lifecycle)
    if candidate.track is None or candidate.track.detections < lifecycle.confirm_frames:
        return params.presence < lifecycle.birth_presence
    seen = candidate.face is not None and candidate.face.confidence >= lifecycle.birth_confidence
    return not seen and params.presence < lifecycle.keep_presence


def is_mislaid(candidate: Candidate, params: FaceParams, lifecycle: TrackLifecycle) -> bool:
    """Say whether somebody known is not surely seen in the crop they were read in: they may have moved out of it."""
    doubted = params.presence is not None and params.presence < lifecycle.follow_presence
    return candidate.track is not None and doubted


def refinement_crop(candidate: Candidate, ahead_s: float) -> Crop:
    """Place the crop by the track, unless it is new or has drifted off the detected face."""
    track, face = candidate.track, candidate.face
    if face is None:
        assert track is not None
        return expected_crop(track, ahead_s)
    if track is None:
        return candidate.detected_crop
    expected = expected_crop(track, ahead_s)
    return expected if crop_overlap(expected, candidate.detected_crop) >= CROP_DRIFT_IOU else candidate.detected_crop


def refined_prediction(
    candidate: Candidate, crop: Crop, params: FaceParams, landmarks_px: Float[np.ndarray, "68 2"]
) -> Prediction | None:
    """Judge what the regressor read in a crop; None when it is not the face that was looked for."""
    track, face = candidate.track, candidate.face
    if not np.isfinite(landmarks_px).all():
        return None
    if face is not None:
        found = Prediction(params, landmarks_px, face.box, face.confidence, refined=True)
        return found if _is_near(found.crop, crop) and _agrees(found.crop, candidate) else None
    assert track is not None
    box = moved_box(track.prediction.box, track.prediction.params, params)
    found = Prediction(params, landmarks_px, box, track.prediction.confidence, refined=True)
    return found if _is_near(found.crop, crop) else None


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
    corners = corners_of(track.prediction.box for track in tracks)
    keys = np.array([track.key for track in tracks])
    older = keys[None, :] < keys[:, None]
    return np.flatnonzero(((pairwise_iou(corners, corners) > DUPLICATE_IOU) & older).any(axis=1)).tolist()


def crop_overlap(first: Crop, second: Crop) -> float:
    """Overlap of two crops, 0 to 1."""
    return intersection_over_union(Box(*_corners(first)), Box(*_corners(second)))


def is_plausible(landmarks_px: Float[np.ndarray, "68 2"], crop: Crop) -> bool:
    """Say whether what was read in a crop is a face about where the crop expects one."""
    return bool(np.isfinite(landmarks_px).all()) and _is_near(crop_from_landmarks(landmarks_px), crop)


def _is_near(found: Crop, crop: Crop) -> bool:
    shift = math.dist(found.center_px.tolist(), crop.center_px.tolist()) / (crop.side_px / CROP_SCALE)
    growth = found.side_px / crop.side_px
    return shift <= PLAUSIBLE_SHIFT and 1 / PLAUSIBLE_GROWTH <= growth <= PLAUSIBLE_GROWTH


def _agrees(found: Crop, candidate: Candidate) -> bool:
    """Say whether what was read still lies on the detected face: on its landmarks, or in its box."""
    assert candidate.face is not None
    expected = candidate.detected_crop, crop_of_face_box(candidate.face.box)
    return max(crop_overlap(found, crop) for crop in expected) >= AGREEMENT_IOU


def _corners(crop: Crop) -> tuple[float, float, float, float]:
    (x, y), half = crop.center_px.tolist(), crop.side_px / 2
    return x - half, y - half, x + half, y + half
