"""How people are shown: smoothed while seen, then held, then on their way to neutral, until their track ends."""

from collections.abc import Sequence
from dataclasses import replace

from commedia.face_model.fading import faded_params
from commedia.faces.protocol import Landmarker
from commedia.structures import FaceParams, TrackedFace
from commedia.tracking.settings import TrackerSettings, TrackLifecycle
from commedia.tracking.smooth import filtered_params
from commedia.tracking.track import Track, moved_box


def is_kept(track: Track, now_s: float, lifecycle: TrackLifecycle) -> bool:
    """Say whether somebody unseen still has a track."""
    return track.id > 0 and now_s - track.seen_s <= lifecycle.keep_s


def shown_params(track: Track, now_s: float, lifecycle: TrackLifecycle) -> FaceParams:
    """A track and a time to what is shown of it then."""
    share = (now_s - track.seen_s - lifecycle.hold_s) / lifecycle.fade_s
    params = filtered_params(track.filter, track.identity.value)
    return faded_params(params, min(share, 1.0)) if share > 0 else params


def shown_faces(
    tracks: Sequence[Track], now_s: float, settings: TrackerSettings, landmarker: Landmarker
) -> list[TrackedFace]:
    """Tracks to faces, in their order; the id of who is not confirmed is 0."""
    lifecycle = settings.lifecycle
    params = [_as_set(track, shown_params(track, now_s, lifecycle), settings) for track in tracks]
    faces = []
    for track, shown, points in zip(tracks, params, landmarker(params), strict=True):
        unseen_s = now_s - track.seen_s
        status = "tracked" if unseen_s == 0 else "held" if unseen_s <= lifecycle.hold_s else "fading"
        box = moved_box(track.prediction.box, track.prediction.params, shown)
        confidence = track.prediction.confidence if status == "tracked" else 0.0
        faces.append(TrackedFace(track.id, status, box, shown, points, confidence))
    return faces


def _as_set(track: Track, params: FaceParams, settings: TrackerSettings) -> FaceParams:
    if settings.smoothing is None:
        read = track.prediction.params
        params = replace(params, identity=read.identity, presence=read.presence)
    if settings.learn_neutral:
        params = replace(params, expression=track.neutral.neutral.applied(params.expression))
    return params
