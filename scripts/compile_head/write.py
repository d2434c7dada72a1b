"""The arrays of `head.npz`: rounded, exactly mirrored, and read back as a head model."""

from dataclasses import dataclass

import numpy as np
from components import FLIP, Components
from lids import Closing
from topology import Topology

from commedia.conventions import EXPRESSION_MIRROR, EXPRESSION_NAMES, IDENTITY_COUNT

STILL_M = 2e-6
NECK_M = (0.0, -0.06, -0.075)


NO_CLOSING = Closing(np.zeros(0, dtype=np.int64), np.zeros((IDENTITY_COUNT, 2, 0, 3)))


@dataclass(frozen=True)
class Compiled:
    """All that was found; metres, head frame."""

    topology: Topology
    mean: np.ndarray
    components: Components
    units: np.ndarray
    region: np.ndarray
    uv: tuple[np.ndarray, np.ndarray]
    eyes: dict[str, np.ndarray]
    closing: Closing = NO_CLOSING


def arrays_of(head: Compiled) -> dict[str, np.ndarray]:
    """Return what the file holds; the right side is the left one's mirror image, bit for bit."""
    mirror, sided = head.topology.mirror, _side(head.topology, head.mean)
    pivots = np.stack([np.array(NECK_M), *(head.mean[head.eyes[side]].mean(axis=0) for side in ("Left", "Right"))])
    identity, signs = head.components.basis.astype(np.float16), head.components.sign
    expression = np.where(np.abs(head.units) < STILL_M, 0, head.units).astype(np.float16)
    return {
        "mean": _copied_over(head.mean[None].astype(np.float32), mirror, sided, [0], np.ones(1))[0],
        "identity_basis": _copied_over(identity, mirror, sided, list(range(len(identity))), signs),
        "expression_basis": _copied_over(
            expression, mirror, sided, list(EXPRESSION_MIRROR), np.ones(len(EXPRESSION_NAMES))
        ),
        "triangles": head.topology.triangles.astype(np.uint16),
        "uv": head.uv[0].astype(np.float32),
        "uv_triangles": head.uv[1].astype(np.uint16),
        "triangle_part": head.topology.triangle_part.astype(np.uint8),
        "vertex_region": head.region,
        "mirror_vertex": mirror.astype(np.uint16),
        "identity_mirror": signs.astype(np.float32),
        "pivots": pivots.astype(np.float32),
        "blink_vertices": head.closing.vertices.astype(np.uint16),
        "blink_interaction": head.closing.change.astype(np.float16),
    }


def _copied_over(
    fields: np.ndarray, mirror: np.ndarray, sided: np.ndarray, partner: list[int], sign: np.ndarray
) -> np.ndarray:
    """Write the right side from the left, bit for bit, after rounding; the midline gets exact zeros."""
    source = fields.copy()
    flip = FLIP.astype(fields.dtype)
    right, middle = sided == -1, sided == 0
    for index, (other, s) in enumerate(zip(partner, sign.astype(fields.dtype), strict=True)):
        fields[index, right] = source[other][mirror[right]] * flip * s
        if other == index:
            fields[index][np.ix_(middle, [0] if s > 0 else [1, 2])] = 0
        else:
            low = min(index, other)
            fields[index, middle] = source[low, middle] * (flip if index > other else 1)
    return fields


def _side(topology: Topology, mean: np.ndarray) -> np.ndarray:
    """+1 on the subject's left, 0 on the midline, -1 on the right."""
    side = np.where(mean[:, 0] > mean[topology.mirror, 0], 1, -1)
    side[topology.mirror == np.arange(len(mean))] = 0
    return side
