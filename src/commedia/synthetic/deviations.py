"""How one person's motion differs from the head model's in shape: smooth fields that scale and tilt each blendshape.

The truth keeps its weights; what moves at weight 1 is a little stronger here, weaker there, and aimed elsewhere.
"""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES, sideless_name
from commedia.face_model.model import HeadModel
from commedia.synthetic.painting import loop

WAVES = 8
_SCALE, _TILT_RAD = 0.20, 0.20
_ASYMMETRY = 0.35
_SHORTEST_M, _LONGEST_M = 0.09, 0.20
"""Wavelengths: what lies together (both lips, a lip and its teeth, a lid and its eye) is scaled and tilted together."""
_MIDLINE_M = 0.006
BOTH_SIDES = list(dict.fromkeys(map(sideless_name, EXPRESSION_NAMES)))
"""Blendshapes without their sides, and ..."""
GROUP = np.array([BOTH_SIDES.index(sideless_name(name)) for name in EXPRESSION_NAMES])
"""... which of them each blendshape is."""
ALIKE = np.array([name.startswith(("eyeBlink", "eyeLook")) for name in EXPRESSION_NAMES])
"""What everybody does alike."""


def sample_deviations(rng: np.random.Generator) -> Float[np.ndarray, "52 4 8"]:
    """Draw amplitudes of the waves per blendshape: scale, then rotation about x, y, z in radians (subject's left side).

    Both sides are nearly alike. A blink closes everybody's eyes and the gaze is an angle: these stay. `mouthClose`
    undoes what `jawOpen` does.
    """
    spread = np.array([_SCALE] + [_TILT_RAD] * 3)[:, None] * np.sqrt(2 / WAVES) / np.hypot(1, _ASYMMETRY)
    groups = rng.normal(size=(len(BOTH_SIDES), 4, WAVES))
    own = rng.normal(0, _ASYMMETRY, (EXPRESSION_COUNT, 4, WAVES))
    drawn = spread * (groups[GROUP] + own)
    drawn[ALIKE] = 0
    drawn[EXPRESSION_INDEX["mouthClose"]] = drawn[EXPRESSION_INDEX["jawOpen"]]
    return drawn.astype(np.float32)


@lru_cache(maxsize=4)
def _waves(head: HeadModel) -> tuple[Float32[np.ndarray, "v 8"], Float32[np.ndarray, "v"]]:
    """Each wave at each vertex, the same on both sides; and the side, -1 to 1."""
    rng = np.random.default_rng(52)
    direction = rng.normal(size=(WAVES, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    number = 2 * np.pi / rng.uniform(_SHORTEST_M, _LONGEST_M, (WAVES, 1))
    x, y, z = head.model.mean.T.astype(np.float64)
    place = np.stack([np.hypot(x, _MIDLINE_M), y, z])
    waves = np.cos((direction * number) @ place + rng.uniform(0, 2 * np.pi, (WAVES, 1)))
    return np.ascontiguousarray(waves.T, np.float32), (x / np.hypot(x, _MIDLINE_M)).astype(np.float32)


def deviation_of(
    head: HeadModel, weights: Float[Tensor, "52"], deviations: Float[Tensor, "52 4 8"]
) -> Float[Tensor, "v 3"]:
    """Add up, in metres, what a person's deviations change of the head model's displacements at these weights."""
    moved = np.zeros_like(head.model.mean)
    amplitudes = (weights[:, None, None] * deviations).cpu().numpy()
    loop("deviate")(amplitudes, *_expressions(head), *_waves(head), moved)
    return torch.from_numpy(moved).to(weights.device)


@lru_cache(maxsize=4)
def _expressions(
    head: HeadModel,
) -> tuple[Int64[np.ndarray, "53"], Int64[np.ndarray, "m"], Float32[np.ndarray, "m 3"]]:
    """Where the rows of each blendshape begin and end; of each row, a vertex and how far it moves."""
    basis = head.model.expression_basis
    row, vertex = np.nonzero((basis != 0).any(-1))
    starts = np.searchsorted(row, np.arange(EXPRESSION_COUNT + 1))
    return starts.astype(np.int64), vertex.astype(np.int64), basis[row, vertex].astype(np.float32)
