"""Performers to moved heads: identity, expression as far and in the shape that each person makes it, lids that meet."""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from commedia.conventions import EXPRESSION_INDEX
from commedia.face_model.landmarks import load_scheme
from commedia.face_model.layer import MorphableLayer
from commedia.face_model.model import HeadModel
from commedia.synthetic.deviations import deviation_of
from commedia.synthetic.performers import Performer

# Landmarks of each eye's upper and lower lid.
_LIDS = {"eyeBlinkLeft": ((43, 44), (47, 46)), "eyeBlinkRight": ((37, 38), (41, 40))}


@lru_cache(maxsize=4)
def head_layer(head: HeadModel, device: str) -> MorphableLayer:
    return MorphableLayer(head.model).to(device)


@lru_cache(maxsize=4)
def _landmark_layer(head: HeadModel, device: str) -> MorphableLayer:
    return head_layer(head, device).reduced(load_scheme("ibug68"))


def moved_heads(performers: list[Performer], head: HeadModel, device: str) -> Float[Tensor, "b v 3"]:
    """Move the head as each performer does: metres of the head frame, before pose."""
    parts = ((p.truth.identity, p.truth.expression, p.sizes, p.deviations) for p in performers)
    identity, expression, sizes, deviations = (
        torch.from_numpy(np.stack(arrays)).to(device) for arrays in zip(*parts, strict=True)
    )
    return moved_with(identity, expression, sizes, deviations, head=head, device=device)


def moved_with(
    identity: Float[Tensor, "b 50"],
    expression: Float[Tensor, "b 52"],
    sizes: Float[Tensor, "b 52"],
    deviations: Float[Tensor, "b 52 4 8"],
    *,
    head: HeadModel,
    device: str,
) -> Float[Tensor, "b v 3"]:
    """As `moved_heads`, of who and what performers are made of."""
    weights = expression * sizes
    layer = head_layer(head, device)
    own = torch.stack([deviation_of(head, *one) for one in zip(weights, deviations, strict=True)])
    vertices = layer(identity, weights) + own
    meeting = _meeting(head, identity, weights, vertices)
    changed = (meeting != weights).any(1)
    if changed.any():
        # Blinks, which alone have changed, deviate on nobody.
        vertices[changed] = layer(identity[changed], meeting[changed]) + own[changed]
    return vertices


def _meeting(head: HeadModel, identity: Tensor, weights: Tensor, vertices: Tensor) -> Tensor:
    """Lower the blinks with which an upper lid would pass a lower one that a squint has lifted."""
    scheme, layer = load_scheme("ibug68"), _landmark_layer(head, str(weights.device))
    corner, share = (torch.from_numpy(np.array(a)).to(weights.device) for a in (scheme.vertices, scheme.barycentric))
    now = (vertices[:, corner.long()] * share[..., None]).sum(2)
    meeting = weights.clone()
    for name, lids in _LIDS.items():
        shut = torch.zeros_like(weights)
        shut[:, EXPRESSION_INDEX[name]] = 1
        contact, opened = _gap(layer(identity, shut), lids), _gap(layer(identity, 0 * shut), lids)
        beyond = (contact - _gap(now, lids)).clamp_min(0) / (opened - contact).clamp_min(1e-4)
        meeting[:, EXPRESSION_INDEX[name]] -= torch.minimum(beyond, weights[:, EXPRESSION_INDEX[name]])
    return meeting


def _gap(marks: Tensor, lids: tuple[tuple[int, int], tuple[int, int]]) -> Tensor:
    upper, lower = lids
    return (marks[:, list(upper), 1] - marks[:, list(lower), 1]).mean(1)
