"""What meets in the mouth: lips over an open jaw or a moving one, and the two rows of teeth."""

import numpy as np
from rings import LIP_MIDDLES
from smooth import along, extension, mixing, near

UPPER_SHARE = 0.8
"""How much of the way the upper lip makes when lips close over an open jaw."""
REACH_EDGES = 8
OVERBITE_M = 0.0008
"""How far the upper teeth reach below the edge of the lower ones, at the front."""
FRONT_M = 0.008
SEALED = (
    *("jawForward", "jawLeft", "jawRight", "mouthLeft", "mouthRight", "mouthRollLower", "mouthRollUpper"),
    *("mouthShrugLower", "cheekPuff", "mouthPucker"),
    *(
        f"{name}{side}"
        for name in ("mouthPress", "mouthDimple", "mouthFrown", "mouthSmile")
        for side in ("Left", "Right")
    ),
)
"""Blendshapes that leave a shut mouth shut."""


class Lips:
    """The lips, from the midline to both corners: the rims that meet, and the skin that follows."""

    def __init__(self, columns: np.ndarray, mean: np.ndarray, triangles: np.ndarray):
        count = columns.shape[1]
        upper = np.arange(count // 4 + 1)
        halves = [upper, count // 2 - upper, (-upper)[1:] % count, (count // 2 + upper)[1:] % count]
        self.rim = [columns[LIP_MIDDLES.index(520), half] for half in halves]
        high, low = (along(mean[half, 0]) for half in self.rim[:2])
        self.low_at_high, self.high_at_low = mixing(high, low), mixing(low, high)
        # A lip moves as a whole: all its rings follow the rim.
        fixed = columns[:, np.concatenate(halves)]
        reach = near(fixed.ravel(), triangles, REACH_EDGES, len(mean))
        followers = extension(triangles, fixed.ravel(), ~reach)
        self.followers = followers.reshape(len(mean), len(columns), -1).sum(axis=1)

    def gaps(self, moved: np.ndarray) -> list[np.ndarray]:
        """Return how far the rims are taken apart, at the vertices of each half in turn."""
        upper, lower, *others = (moved[half] for half in self.rim)
        right = [np.concatenate([middle[:1], other]) for middle, other in zip((upper, lower), others, strict=True)]
        return [
            upper - self.low_at_high @ lower,
            self.high_at_low @ upper - lower,
            (right[0] - self.low_at_high @ right[1])[1:],
            (self.high_at_low @ right[0] - right[1])[1:],
        ]

    def closed(self, moved: np.ndarray, gaps: list[np.ndarray], upper_share: float) -> np.ndarray:
        """Return a displacement that closes the gaps as well."""
        shares = (-upper_share, 1 - upper_share) * 2
        return moved + self.followers @ np.concatenate([s * gap for s, gap in zip(shares, gaps, strict=True)])

    def sealed(self, moved: np.ndarray) -> np.ndarray:
        """Return a displacement without what opens the mouth."""
        return self.closed(moved, [(gap * [0, 1, 0]).clip(min=0) for gap in self.gaps(moved)], 0.5)


def meet_teeth(heads: np.ndarray, upper: np.ndarray, lower: np.ndarray, *, metres: float) -> None:
    """Lift the lower teeth of each head, in place, until their edge is hidden behind the upper ones' at the front.

    `metres` is the heads' unit.
    """
    middle = np.abs(heads[:, :, 0].mean(axis=0)) * metres < FRONT_M
    above, below = upper[middle[upper]], lower[middle[lower]]
    gap = heads[:, above, 1].min(axis=1) - heads[:, below, 1].max(axis=1)
    heads[:, lower, 1] += (gap + OVERBITE_M / metres)[:, None].astype(heads.dtype)
