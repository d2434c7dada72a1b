"""What a person looks like, from a few clear moments, and how sure one moment is.

A look is the face's embedding (`faces.embedding`) and, as nobody changes within a take, the clothes: a vector of unit
length. The cosine of two says whether they show one person.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from commedia.tracking.track import Likeness, Prediction, Track

CLEAR_FRONTAL = 0.7
"""Cosine between the face's axis and the line of sight: up to 45 degrees a face is seen well enough to tell who."""
CLEAR_PRESENCE = 0.9
CLEAR_PX = 24.0
"""Least height of the face's box."""
CLEAR_SPEED = 2.0
"""Most face heights per second: what moves faster is blurred."""
CLOTHES_SHARE = 0.4
"""Of a look. With it 2 % of the pairs of two people of 18 clips were as alike as the least alike of one person, without
it 10 %."""
MOST_LOOKS = 12
"""Looks at one person; then enough is known."""
FIRST_WAIT_S = 0.2
"""Time to the second look; each wait is half as long again as the one before, so twelve looks span half a minute."""
WAIT_GROWTH = 1.5


def is_clear(track: Track) -> bool:
    """Say whether the last reading shows well who it is, and is not blurred by motion."""
    speed = float(np.linalg.norm(track.motion.origin))
    return shows_who(track) and speed <= CLEAR_SPEED * track.prediction.box.height_px


def shows_who(track: Track) -> bool:
    """Say whether the last reading shows a face well enough: read from a crop, from the front, and large."""
    prediction, presence = track.prediction, track.prediction.params.presence
    return (
        prediction.refined
        and (presence is None or presence >= CLEAR_PRESENCE)
        and frontal(prediction) >= CLEAR_FRONTAL
        and prediction.box.height_px >= CLEAR_PX
    )


def frontal(prediction: Prediction) -> float:
    """Cosine between the face's axis and the line of sight: the last element of the rotation matrix."""
    wxyz = prediction.params.pose.wxyz
    return 1 - 2 * float(wxyz[1] ** 2 + wxyz[2] ** 2)


def is_due(track: Track, now_s: float) -> bool:
    """Say whether it is time for another look at somebody."""
    known = track.likeness
    if known is None:
        return True
    return known.looks < MOST_LOOKS and now_s - known.looked_s >= FIRST_WAIT_S * WAIT_GROWTH ** (known.looks - 1)


def look_of(embedding: Float[np.ndarray, "e"], clothes: Float[np.ndarray, "q"]) -> Float[np.ndarray, "l"]:
    """Put a face and what is worn below it together; clothes that are not in the picture do not count."""
    shares = np.array([1 - CLOTHES_SHARE, CLOTHES_SHARE if clothes.any() else 0.0])
    face, worn = np.sqrt(shares / shares.sum())
    return np.concatenate([face * embedding, worn * clothes]).astype(np.float32)


def with_look(known: Likeness | None, look: Float[np.ndarray, "l"], now_s: float, *, clear: bool) -> Likeness:
    """Take in one more look; the first clear one replaces what was seen unclearly before."""
    if known is None or (clear and not known.clear):
        return Likeness(look, 1, now_s, clear)
    return Likeness(known.total + look, known.looks + 1, now_s, known.clear)


def joined(first: Likeness, second: Likeness) -> Likeness:
    """What is known of one person under two names."""
    looked_s = max(first.looked_s, second.looked_s)
    return Likeness(first.total + second.total, first.looks + second.looks, looked_s, first.clear or second.clear)


def alike(known: Likeness, look: Float[np.ndarray, "l"]) -> float:
    """Cosine between who is known and one look."""
    return float(known.total @ look / np.linalg.norm(known.total))


def likenesses_alike(first: Sequence[Likeness], second: Sequence[Likeness]) -> Float[np.ndarray, "n m"]:
    """Cosines between all of one list and all of another."""
    rows, columns = (
        np.stack([known.total / np.linalg.norm(known.total) for known in part]) for part in (first, second)
    )
    return rows @ columns.T
