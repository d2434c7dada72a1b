"""Anchor boxes of training faces: k-means under 1 - IoU of centred boxes (Redmon and Farhadi 2017, section 2)."""

import numpy as np
from jaxtyping import Float


def anchors_from_sizes(
    sizes: Float[np.ndarray, "n 2"], *, count: int = 5, rounds: int = 100
) -> Float[np.ndarray, "{count} 2"]:
    """Cluster box sizes (any unit, kept) into `count` anchors, smallest first; needs at least `count` sizes."""
    if len(sizes) < count:
        raise ValueError(f"{count} anchors need at least {count} boxes, found {len(sizes)}")
    # Quantiles of the area are spread well from the start, and k-means here has no bad luck to repair.
    by_area = sizes[np.argsort(sizes.prod(1), kind="stable")]
    anchors = by_area[((np.arange(count) + 0.5) / count * len(sizes)).astype(int)].astype(float)
    for _ in range(rounds):
        nearest = np.argmax(overlaps(sizes, anchors), axis=1)
        moved = np.stack([sizes[nearest == k].mean(0) if (nearest == k).any() else anchors[k] for k in range(count)])
        if np.allclose(moved, anchors, rtol=1e-6):
            break
        anchors = moved
    return anchors[np.argsort(anchors.prod(1), kind="stable")]


def overlaps(sizes: Float[np.ndarray, "n 2"], anchors: Float[np.ndarray, "a 2"]) -> Float[np.ndarray, "n a"]:
    """IoU of every size with every anchor, on a common centre."""
    shared = np.minimum(sizes[:, None], anchors).prod(-1)
    return shared / (sizes.prod(1)[:, None] + anchors.prod(1) - shared)
