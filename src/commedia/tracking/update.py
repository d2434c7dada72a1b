"""A track and what was read of it become the next track. Pure: who is whom has been decided before."""

from collections.abc import Sequence
from dataclasses import replace

from commedia.tracking.appearance import Appearance, blended
from commedia.tracking.identity import prediction_weight, updated_mean
from commedia.tracking.presentation import shown_params
from commedia.tracking.settings import TrackerSettings, TrackLifecycle
from commedia.tracking.smooth import EXPRESSION, restart_pose, start_filter, step_filters
from commedia.tracking.track import AT_REST, NOT_LOOKED_AT, Now, Prediction, Track, is_lost, updated_motion

APPEARANCE_SHARE = 0.1


def born_track(key: int, prediction: Prediction, appearance: Appearance, now: Now) -> Track:
    """A first prediction to a track without an id."""
    identity = updated_mean(None, prediction.params.identity, _weight(prediction))
    state, presence = start_filter(prediction.params), NOT_LOOKED_AT.after(prediction)
    return Track(key, 0, 1, now.s, prediction, AT_REST, appearance, identity, state, presence=presence)


def next_track(
    track: Track,
    prediction: Prediction,
    now: Now,
    lifecycle: TrackLifecycle,
    *,
    detected: bool,
    appearance: Appearance | None,
    sure: float | None = None,
) -> Track:
    """A track and its next reading to the track after it; of its filter, only the starting point.

    An identity that weighs `sure` changes no more; None lets it go on.
    """
    params = prediction.params
    if is_lost(track, now):
        motion = AT_REST
        state = restart_pose(start_filter(shown_params(track, now.before_s, lifecycle)), params)
    else:
        motion = updated_motion(track.motion, track.prediction.params, params, now.s - track.seen_s)
        state = track.filter
    return replace(
        track,
        detections=track.detections + detected,
        seen_s=now.s,
        prediction=prediction,
        motion=motion,
        appearance=blended(track.appearance, appearance, APPEARANCE_SHARE) if appearance else track.appearance,
        identity=updated_mean(track.identity, params.identity, _weight(prediction), sure=sure),
        filter=state,
        presence=track.presence.after(prediction),
    )


def with_stepped_filters(tracks: Sequence[Track], now: Now, settings: TrackerSettings) -> list[Track]:
    """Bring the filters of all tracks read in this frame, and what is learnt by them, up to their predictions."""
    params = [track.prediction.params for track in tracks]
    step_s = now.s - now.before_s
    if settings.smoothing is None:
        states = [start_filter(face) for face in params]
    else:
        steps_s = [step_s] * len(tracks)
        states = step_filters([track.filter for track in tracks], params, steps_s, settings.smoothing)
    stepped = [replace(track, filter=state) for track, state in zip(tracks, states, strict=True)]
    if not settings.learn_neutral:
        return stepped
    return [replace(one, neutral=one.neutral.after(one.filter.value[EXPRESSION], step_s)) for one in stepped]


def _weight(prediction: Prediction) -> float:
    return prediction_weight(prediction.confidence, prediction.params.pose.wxyz, refined=prediction.refined)
