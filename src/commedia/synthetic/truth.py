"""What is exactly true of a drawn face, to be stored and made again: its own rig, its vertices, its albedo. Torch."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from commedia.conventions import EXPRESSION_NAMES
from commedia.data.truth import DrawnTruth
from commedia.face_model.model import HeadModel, head_or_default
from commedia.face_model.person import Person
from commedia.render.project import perspective, rotate, weak_perspective
from commedia.synthetic.appearance import Appearance
from commedia.synthetic.deviations import deviation_of
from commedia.synthetic.heads import DrawnHead
from commedia.synthetic.motion import head_layer, moved_with
from commedia.synthetic.performers import Performer
from commedia.synthetic.skin import WRINKLES, skin_albedo


def with_own_wrinkles(performer: Performer) -> Performer:
    """The same person, whose expressions deepen some folds a lot, others hardly, and rarely both sides alike.

    Drawn from the person's own seed, so that everything else of them stays as it was.
    """
    rng = np.random.default_rng([17, performer.seed])
    own = {}
    for name in WRINKLES:
        depth = rng.uniform(0.0, 2.2)
        own |= {f"{name}{side}": depth * float(np.exp(rng.normal(0, 0.2))) for side in ("Left", "Right")}
    appearance = replace(performer.appearance, strengths=performer.appearance.strengths | own)
    return replace(performer, appearance=appearance)


def truth_of(performer: Performer, drawn: DrawnHead) -> DrawnTruth:
    """What to store of a head that `draw_heads` drew."""
    assert drawn.camera is not None
    look, said = performer.appearance, performer.truth
    paint = {
        "colours": {name: np.asarray(colour, float).tolist() for name, colour in look.colours.items()},
        "strengths": {name: float(strength) for name, strength in look.strengths.items()},
        "noise_at": np.asarray(look.noise_at, float).tolist(),
    }
    parts = said.identity, performer.sizes, performer.deviations, said.expression, said.wxyz, drawn.camera
    return DrawnTruth(*(np.asarray(part, np.float32) for part in parts), paint=paint)


def true_vertices(truth: DrawnTruth, head: HeadModel | None = None) -> Float[np.ndarray, "v 3"]:
    """The face of this frame in metres of the head frame, before pose, as it was drawn (but for rounding)."""
    parts = (torch.from_numpy(part[None]) for part in (truth.identity, truth.expression, truth.sizes, truth.deviations))
    return moved_with(*parts, head=head_or_default(head), device="cpu")[0].numpy()


def true_points(truth: DrawnTruth, head: HeadModel | None = None) -> Float[np.ndarray, "v 2"]:
    """The pixels of the vertices in the stored picture."""
    rotated = rotate(torch.from_numpy(true_vertices(truth, head))[None], torch.from_numpy(truth.wxyz)[None])
    origin, scale, distance = torch.from_numpy(truth.camera)[None].split([2, 1, 1], 1)
    if torch.isinf(distance).any():
        return weak_perspective(rotated, origin, scale[0])[0, :, :2].numpy()
    return perspective(rotated, origin, scale[0], distance[0])[0, :, :2].numpy()


def true_person(truth: DrawnTruth, name: str, head: HeadModel | None = None) -> Person:
    """Their own rig: the mesh at rest, and each blendshape as far and in the shape that they make it.

    Frames are that rig at the weights of the frame, but for lids: where a lifted lower lid would pass the upper one,
    `true_vertices` lets the blink give way.
    """
    model = head_or_default(head)
    layer, identity = head_layer(model, "cpu"), torch.from_numpy(truth.identity)
    neutral = layer(identity[None], torch.zeros(1, len(EXPRESSION_NAMES)))[0]
    own = {}
    for row, blendshape in enumerate(EXPRESSION_NAMES):
        weights = torch.zeros(len(EXPRESSION_NAMES))
        weights[row] = float(truth.sizes[row])
        own[blendshape] = (
            layer(identity[None], weights[None])[0] - neutral + _deviation(model, truth, weights)
        ).numpy()
    return Person(name, truth.identity, neutral.numpy(), own, template=head)


def true_albedo(
    truth: DrawnTruth, uv: Float[np.ndarray, "n 2"], expression: Float[np.ndarray, "52"], head: HeadModel | None = None
) -> Float[np.ndarray, "n 3"]:
    """Linear RGB of the person's skin at texture coordinates, at any expression: zeros are the albedo at rest."""
    colours, strengths, noise_at = (truth.paint[name] for name in ("colours", "strengths", "noise_at"))
    look = Appearance(
        {name: np.array(colour, np.float32) for name, colour in colours.items()},
        strengths,
        np.array(noise_at, np.float32),
    )
    return skin_albedo(head_or_default(head), np.ascontiguousarray(uv, np.float32), look, expression)


def _deviation(head: HeadModel, truth: DrawnTruth, weights: Tensor) -> Tensor:
    return deviation_of(head, weights, torch.from_numpy(truth.deviations))
