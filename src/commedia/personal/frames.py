"""Tracked frames of one person to the few that show most of what a face does, some kept aside, and what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from commedia.conventions import EXPRESSION_INDEX
from commedia.geometry.rotations import matrix_from_wxyz
from commedia.structures import TrackedFace

BLOCK_S = 0.5
"""Neighbouring frames look alike: what is kept unseen are whole blocks of time, one of every three."""
UNSEEN_OF = 3
FULL_TURN_RAD = 0.5
"""Turning by so much counts as one blendshape from rest to full."""
LEAST_PX_PER_M = 200.0
"""Faces under about 30 pixels wide say too little."""
SIDE_RAD = 0.26
"""Yaw, about 15 degrees, from which on a face shows its side."""
MISSING: dict[str, tuple[tuple[str, ...], float]] = {
    "no open mouth": (("jawOpen",), 0.35),
    "no shut eyes": (("eyeBlinkLeft", "eyeBlinkRight"), 0.5),
    "no smile": (("mouthSmileLeft", "mouthSmileRight"), 0.35),
    "no raised brows": (("browInnerUp", "browOuterUpLeft", "browOuterUpRight"), 0.3),
    "no frown": (("browDownLeft", "browDownRight"), 0.3),
    "no pout": (("mouthPucker",), 0.3),
}
"""What was not seen, where none of these blendshapes, as the mean of both sides, ever came so far."""


@dataclass(frozen=True, eq=False)
class Sighting:
    """One frame of somebody, without its picture."""

    take: int
    """Which of the inputs."""
    frame: int
    """Of that input."""
    time_s: float
    face: TrackedFace

    @property
    def yaw_pitch(self) -> Float[np.ndarray, "2"]:
        """Where the face looks, radians."""
        forward = matrix_from_wxyz(self.face.params.pose.wxyz)[:, 2]
        return np.array([np.arctan2(forward[0], forward[2]), np.arcsin(np.clip(forward[1], -1, 1))])


def kept_unseen(sightings: Sequence[Sighting]) -> Bool[np.ndarray, "n"]:
    """Say which frames the rig is judged by, and never made of: of videos blocks of time, of pictures every third."""
    chosen = np.zeros(len(sightings), dtype=bool)
    takes = np.array([one.take for one in sightings])
    pictures = 0
    for take in np.unique(takes):
        rows = np.flatnonzero(takes == take)
        times = np.array([sightings[row].time_s for row in rows.tolist()])
        if len(rows) == 1 or not np.ptp(times) > 0:
            chosen[rows] = (pictures + np.arange(len(rows))) % UNSEEN_OF == UNSEEN_OF - 1
            pictures += len(rows)
            continue
        block_s = min(BLOCK_S, np.ptp(times) / (2 * UNSEEN_OF))
        chosen[rows] = ((times - times.min()) / block_s).astype(int) % UNSEEN_OF == UNSEEN_OF - 1
    return chosen


def cover(features: Float[np.ndarray, "n f"], worth: Float[np.ndarray, "n"], count: int) -> Int[np.ndarray, "k"]:
    """Choose rows that are unlike each other and worth something: the worthiest, then always the one that is farthest
    from those chosen, by distance times worth. Rows alike to those chosen are left."""
    if not len(features):
        return np.zeros(0, dtype=int)
    chosen = [int(np.argmax(worth))]
    apart = np.linalg.norm(features - features[chosen[0]], axis=1)
    while len(chosen) < min(count, len(features)):
        gain = apart * worth
        gain[chosen] = -1.0
        best = int(np.argmax(gain))
        chosen.append(best)
        apart = np.minimum(apart, np.linalg.norm(features - features[best], axis=1))
    return np.array(chosen)


def features_of(sightings: Sequence[Sighting]) -> Float[np.ndarray, "n f"]:
    """What a face does and where it looks, as numbers that can be compared."""
    turned = np.stack([one.yaw_pitch for one in sightings]) / FULL_TURN_RAD
    expression = np.stack([one.face.params.expression for one in sightings]).astype(np.float64)
    # The eyes' direction moves nothing that is fitted.
    gaze = [EXPRESSION_INDEX[name] for name in EXPRESSION_INDEX if name.startswith("eyeLook")]
    expression[:, gaze] = 0
    return np.concatenate([expression, turned], axis=1)


def worth_of(sightings: Sequence[Sighting]) -> Float[np.ndarray, "n"]:
    """How much each says by its size and how surely it is a face, 0 to 1; 0 for what is too small."""
    px_per_m = np.array([one.face.params.pose.px_per_m for one in sightings])
    sure = np.array([one.face.confidence for one in sightings])
    size = np.minimum(px_per_m / max(float(px_per_m.max()), 1e-9), 1.0) ** 0.5
    return np.clip(sure, 0, 1) * size * (px_per_m >= LEAST_PX_PER_M)


def missing(sightings: Sequence[Sighting]) -> list[str]:
    """Say what of a face was never seen: the rig has the head model's there."""
    expression = np.stack([one.face.params.expression for one in sightings])
    found = []
    for words, (names, least) in MISSING.items():
        if expression[:, [EXPRESSION_INDEX[name] for name in names]].mean(axis=1).max() < least:
            found.append(words)
    yaw = np.array([one.yaw_pitch[0] for one in sightings])
    if np.abs(yaw).max() < SIDE_RAD:
        found.append("never from the side")
    elif yaw.max() < SIDE_RAD or -yaw.min() < SIDE_RAD:
        found.append("from one side only")
    return found
