"""A track and what was read of it become the next track. Pure: who is whom has been decided before."""

from collections.abc import Sequence
from dataclasses import replace

from commedia.tracking.appearance import Appearance, blended
from commedia.tracking.identity import reading_weight, updated_mean
from commedia.tracking.presentation import shown_params
from commedia.tracking.settings import Keeping
from commedia.tracking.smooth import Smoothing, restart_pose, start_filter, step_filters
from commedia.tracking.track import AT_REST, Now, Reading, Track, is_lost, updated_motion

APPEARANCE_SHARE = 0.1


def born_track(key: int, reading: Reading, appearance: Appearance, now: Now) -> Track:
    """A first reading to a track without an id."""
    identity = updated_mean(None, reading.params.identity, _weight(reading))
    return Track(key, 0, 1, now.s, reading, AT_REST, appearance, identity, start_filter(reading.params))


def next_track(
    track: Track, reading: Reading, now: Now, keeping: Keeping, *, detected: bool, appearance: Appearance | None
) -> Track:
    """A track and its next reading to the track after it; of its filter, only the starting point."""
    params = reading.params
    if is_lost(track, now):
        motion = AT_REST
        state = restart_pose(start_filter(shown_params(track, now.before_s, keeping)), params)
    else:
        motion = updated_motion(track.motion, track.reading.params, params, now.s - track.seen_s)
        state = track.filter
    return replace(
        track,
        detections=track.detections + detected,
        seen_s=now.s,
        reading=reading,
        motion=motion,
        appearance=blended(track.appearance, appearance, APPEARANCE_SHARE) if appearance else track.appearance,
        identity=updated_mean(track.identity, params.identity, _weight(reading)),
        filter=state,
    )


def with_stepped_filters(tracks: Sequence[Track], now: Now, smoothing: Smoothing | None) -> list[Track]:
    """Bring the filters of all tracks read in this frame up to their readings."""
    params = [track.reading.params for track in tracks]
    if smoothing is None:
        states = [start_filter(face) for face in params]
    else:
        steps_s = [now.s - now.before_s] * len(tracks)
        states = step_filters([track.filter for track in tracks], params, steps_s, smoothing)
    return [replace(track, filter=state) for track, state in zip(tracks, states, strict=True)]


def _weight(reading: Reading) -> float:
    return reading_weight(reading.confidence, reading.params.pose.wxyz, refined=reading.refined)
