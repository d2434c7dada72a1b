"""Close what must be closed: lips of every head, lids of the blinking one."""

import numpy as np
from rings import LIP_MIDDLES

LIP_OVERLAP_MM, LID_OVERLAP_MM = 0.25, 2.3
# How much of the correction each ring of `LIP_MIDDLES` takes: all at the rim, fading towards the skin and the mouth.
LIP_SHARE = (0.15, 0.5, 0.85, 1.0, 1.0, 1.0, 0.5)
LID_SCALE_RANGE = (0.7, 1.15)


def seal_lips(heads: np.ndarray, columns: np.ndarray, *, overlap: float) -> None:
    """Move the lips of each head towards each other until their rims overlap a little, in place.

    Heads that are sealed stay sealed in their mean and in every component, since sealing is linear. `overlap` is in the
    heads' unit.
    """
    count = columns.shape[1]
    upper = np.concatenate([np.arange(0, count // 4 + 1), np.arange(count - count // 4, count)])
    lower = (count // 2 - upper) % count
    rim = columns[LIP_MIDDLES.index(520)]
    gap = heads[:, rim[upper], 1] - heads[:, rim[lower], 1] + overlap
    for ring, share in zip(columns, LIP_SHARE, strict=True):
        heads[:, ring[upper], 1] -= gap * share / 2
        heads[:, ring[lower], 1] += gap * share / 2


def close_lids(units: dict[str, np.ndarray], mean: np.ndarray, loop: np.ndarray, mirror: np.ndarray) -> None:
    """Scale the blinks along the eye, in place, so that the upper lid's edge ends a little below the lower one's.

    The overlap is about two standard deviations of how far identities open their eyes, so that nearly all of them
    close; more would draw the lid over the cheek, as MakeHuman's unit does on the mean head. `loop` is the edge of the
    left lids.
    """
    blink = units["eyeBlinkLeft"]
    inner, outer = mean[loop, 0].min(), mean[loop, 0].max()
    across = np.linspace(inner + 0.0015, outer - 0.0020, 25)
    corners = np.interp(mean[loop, 0], *_corner_line(mean[loop]))
    upper, lower = loop[mean[loop, 1] >= corners], loop[mean[loop, 1] <= corners]

    def height(path: np.ndarray, shape: np.ndarray) -> np.ndarray:
        path = path[np.argsort(shape[path, 0])]
        return np.interp(across, shape[path, 0], shape[path, 1])

    target = height(lower, mean + blink) - LID_OVERLAP_MM / 1000
    travel = height(upper, mean) - height(upper, mean + blink)
    scale = ((height(upper, mean) - target) / np.maximum(travel, 1e-4)).clip(*LID_SCALE_RANGE)
    smooth = np.convolve(np.pad(scale, 3, mode="edge"), np.ones(7) / 7, mode="valid")
    units["eyeBlinkLeft"] = blink * np.interp(mean[:, 0], across, smooth)[:, None]
    units["eyeBlinkRight"] = units["eyeBlinkLeft"][mirror] * [-1, 1, 1]


def _corner_line(edge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of the inner and the outer corner."""
    ends = edge[[np.argmin(edge[:, 0]), np.argmax(edge[:, 0])]]
    return ends[:, 0], ends[:, 1]
