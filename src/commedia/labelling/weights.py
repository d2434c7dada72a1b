"""How much each of the teacher's 478 points weighs in a fit: lines that move and that anatomy defines say most.

With equal weights the many points of cheeks and forehead, whose place on a head is a convention, win against the lips:
the mean smile came out 0.2 too strong and mouth corners 4 % of face size too far out.
"""

import numpy as np
from jaxtyping import Float

LIDS = (
    *(33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    *(263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
LIPS = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409),
    *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415),
)
IRISES = tuple(range(468, 478))
BROWS = (*(70, 63, 105, 66, 107, 55, 65, 52, 53, 46), *(300, 293, 334, 296, 336, 285, 295, 282, 283, 276))
NOSE = (1, 2, 4, 5, 6, 19, 94, 168, 195, 197, 48, 64, 97, 98, 102, 129, 278, 294, 326, 327, 331, 358)
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)

ANCHORS = (*LIDS, *LIPS, *IRISES)
"""Points on lines that anatomy defines; the table puts them on edge rings of the mesh, whatever photographs say."""

_SKIN_WEIGHT = 0.1


def point_weights() -> Float[np.ndarray, "478"]:
    """One weight per point; only their ratios matter."""
    weights = np.full(478, _SKIN_WEIGHT)
    for group, weight in ((OVAL, 0.3), (NOSE, 0.5), (BROWS, 0.7), (ANCHORS, 1.0)):
        weights[list(group)] = weight
    return weights
