"""How one person's motion differs from the head model's in shape: smooth fields that scale and tilt each blendshape.

The truth keeps its weights; what moves at weight 1 is a little stronger here, weaker there, and aimed elsewhere.
"""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES, sideless_name
from commedia.face_model.model import HeadModel

WAVES = 8
_SCALE, _TILT_RAD = 0.20, 0.20
_ASYMMETRY = 0.35
_SHORTEST_M, _LONGEST_M = 0.09, 0.20
"""Wavelengths: what lies together (both lips, a lip and its teeth, a lid and its eye) is scaled and tilted together."""
_MIDLINE_M = 0.006


def sample_deviations(rng: np.random.Generator) -> Float[np.ndarray, "52 4 8"]:
    """Draw amplitudes of the waves per blendshape: scale, then rotation about x, y, z in radians (subject's left side).

    Both sides are nearly alike. A blink closes everybody's eyes and the gaze is an angle: these stay. `mouthClose`
    undoes what `jawOpen` does.
    """
    spread = np.array([_SCALE] + [_TILT_RAD] * 3)[:, None] * np.sqrt(2 / WAVES) / np.hypot(1, _ASYMMETRY)
    groups = {name: rng.normal(size=(4, WAVES)) for name in dict.fromkeys(map(sideless_name, EXPRESSION_NAMES))}
    own = rng.normal(0, _ASYMMETRY, (EXPRESSION_COUNT, 4, WAVES))
    drawn = spread * (np.stack([groups[sideless_name(name)] for name in EXPRESSION_NAMES]) + own)
    drawn[[name.startswith(("eyeBlink", "eyeLook")) for name in EXPRESSION_NAMES]] = 0
    drawn[EXPRESSION_INDEX["mouthClose"]] = drawn[EXPRESSION_INDEX["jawOpen"]]
    return drawn.astype(np.float32)


@lru_cache(maxsize=4)
def _waves(head: HeadModel, device: str) -> tuple[Tensor, Tensor]:
    """Each wave at each vertex (waves, v, 1), the same on both sides; and the side, -1 to 1 (v)."""
    rng = np.random.default_rng(52)
    direction = rng.normal(size=(WAVES, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    number = 2 * np.pi / rng.uniform(_SHORTEST_M, _LONGEST_M, (WAVES, 1))
    x, y, z = head.model.mean.T.astype(np.float64)
    place = np.stack([np.hypot(x, _MIDLINE_M), y, z])
    waves = np.cos((direction * number) @ place + rng.uniform(0, 2 * np.pi, (WAVES, 1)))
    side = x / np.hypot(x, _MIDLINE_M)
    return tuple(torch.from_numpy(a.astype(np.float32)).to(device) for a in (waves[..., None], side))


def deviation_of(
    head: HeadModel, weights: Float[Tensor, "52"], deviations: Float[Tensor, "52 4 8"]
) -> Float[Tensor, "v 3"]:
    """Add up, in metres, what a person's deviations change of the head model's displacements at these weights."""
    waves, side = _waves(head, str(weights.device))
    active = weights.nonzero()[:, 0]
    amplitudes = (weights[active, None, None] * deviations[active]).reshape(len(active), 4 * WAVES)
    moved = (amplitudes.T @ _expressions(head, str(weights.device))[active]).view(4, WAVES, -1, 3)
    scaled, about_x, about_y, about_z = (moved * waves).sum(1).unbind(0)
    # A mirror leaves a rotation about x as it is, and turns those about y and z round.
    about_y, about_z = about_y * side[:, None], about_z * side[:, None]
    return scaled + torch.stack(
        [about_y[:, 2] - about_z[:, 1], about_z[:, 0] - about_x[:, 2], about_x[:, 1] - about_y[:, 0]], -1
    )


@lru_cache(maxsize=4)
def _expressions(head: HeadModel, device: str) -> Tensor:
    return torch.from_numpy(head.model.expression_basis.reshape(EXPRESSION_COUNT, -1).copy()).to(device)
