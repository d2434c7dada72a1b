"""Shots of one person to their shape, blendshapes and colours, by drawing them again until they look the same. Torch.

Reference: Chaudhuri et al. 2020, Eq. 1 to 4 and 6 to 8, optimised for one person instead of predicted by a network.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from commedia.losses.picture import coefficient_energy, image_gradient_error, light_penalty, photometric_error
from commedia.personal.rig import PersonalRig
from commedia.render.face_picture import FacePictures, render_face
from commedia.render.project import pinhole, rotate

FOCAL_SIDES = 1015 / 224
"""Focal length in sides of a shot, as in paper 3: a shot of .24 m is taken from 1.1 m."""
BATCH = 5
LEAST_PIXELS = 50


class Weights(NamedTuple):
    """Of the terms; lengths are in sides of a shot or metres, colours 0 to 1."""

    photometric: float = 1.0
    gradient: float = 1.0
    landmarks: float = 2.0
    smooth: float = 0.02
    """Eq. 6, in square millimetres."""
    blendshape_gradient: float = 0.5
    """Eq. 7."""
    as_read: float = 0.05
    """Of the distance of expressions from what the tracker read."""
    sparse: float = 0.002
    identity: float = 2e-4
    light: float = 0.002
    light_strength: float = 0.1
    colour: float = 0.1
    """Of the distance of skin from what the pictures showed at first."""


USUAL = Weights()


class Shots(NamedTuple):
    """Frames of one person, cut out alike, with what a tracker read in them."""

    pixels: Float[Tensor, "n s s 3"]
    """sRGB, 0 to 1."""
    inside: Float[Tensor, "n s s"]
    """0 where a cut leaves its frame."""
    points: Float[Tensor, "n 68 2"]
    """In sides of the shot, y down."""
    wxyz: Float[Tensor, "n 4"]
    translation: Float[Tensor, "n 3"]
    """From the camera to the head's origin, metres, camera axes."""
    expression: Float[Tensor, "n 52"]

    def at(self, rows: Tensor) -> "Shots":
        return Shots(*(part[rows] for part in self))


class Moments(nn.Module):
    """What is fitted of each shot: pose, expression, light."""

    def __init__(self, shots: Shots):
        super().__init__()
        self.wxyz = nn.Parameter(shots.wxyz.clone())
        self.translation = nn.Parameter(shots.translation.clone())
        self.expression = nn.Parameter(shots.expression.clone())
        self.light = nn.Parameter(torch.zeros(len(shots.wxyz), 3, 9))

    def groups(self) -> list[dict]:
        """Steps of each part, in radians, metres, weights and light."""
        rates = ((self.wxyz, 2e-3), (self.translation, 1e-3), (self.expression, 1e-2), (self.light, 2e-2))
        return [{"params": [part], "lr": rate} for part, rate in rates]

    @torch.no_grad()
    def project(self) -> None:
        """Keep weights where weights are, and rotations of length 1."""
        self.expression.clamp_(0, 1)
        self.wxyz.div_(self.wxyz.norm(dim=1, keepdim=True))


def draw(rig: PersonalRig, moments: Moments, rows: Int64[Tensor, "b"], size: int) -> tuple[FacePictures, Tensor]:
    """Draw some shots again; also returns the 68 points, in sides of the shot."""
    expression = moments.expression[rows]
    wxyz = nn.functional.normalize(moments.wxyz[rows], dim=1)
    vertices = rig.vertices(expression)
    camera = rotate(vertices, wxyz) + moments.translation[rows, None]
    focal = camera.new_full((len(rows),), FOCAL_SIDES)
    points = pinhole(rig.landmarks(camera), focal, camera.new_full((len(rows), 2), 0.5))
    colours = rig.colours().expand(len(rows), -1, -1)
    drawn = render_face(camera, rig.triangles, colours, moments.light[rows], focal_sides=FOCAL_SIDES, size=size)
    return drawn, points[..., :2]


def fit(
    rig: PersonalRig,
    shots: Shots,
    moments: Moments,
    steps: int,
    *,
    trained: list[dict],
    weights: Weights = USUAL,
    seed: int = 0,
    tell: Callable[[], object] = lambda: None,
) -> None:
    """Move `moments`, and the parameters of the rig that are in `trained`, until the shots are drawn as they look."""
    optimiser = torch.optim.Adam(moments.groups() + trained, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: 1 - 0.9 * max(0, step / max(steps, 1) - 0.5) * 2
    )
    chance = torch.Generator().manual_seed(seed)
    order = torch.zeros(0, dtype=torch.long)
    for _ in range(steps):
        if len(order) < min(BATCH, len(shots.wxyz)):
            order = torch.randperm(len(shots.wxyz), generator=chance)
        rows, order = order[:BATCH], order[BATCH:]
        optimiser.zero_grad()
        loss(rig, shots, moments, rows, weights, bool(trained)).backward()
        optimiser.step()
        schedule.step()
        moments.project()
        tell()


def loss(
    rig: PersonalRig, shots: Shots, moments: Moments, rows: Int64[Tensor, "b"], weights: Weights, regular: bool
) -> Float[Tensor, ""]:
    """Sum the terms over some shots, and with `regular` those of the rig."""
    some = shots.at(rows)
    drawn, points = draw(rig, moments, rows, some.pixels.shape[1])
    expression, light = moments.expression[rows], moments.light[rows]
    terms = {
        "photometric": photometric_error(some.pixels, drawn.image, drawn.mask, some.inside).mean(),
        "gradient": image_gradient_error(some.pixels, drawn.image, drawn.mask, some.inside).mean(),
        "landmarks": (points - some.points).square().sum(-1).add(1e-8).sqrt().mean(),
        "as_read": (expression - some.expression).square().sum(1).mean(),
        "sparse": expression.sum(1).mean(),
        "light": light_penalty(light, weights.light_strength).mean(),
    }
    if regular:
        terms |= {
            "identity": coefficient_energy(rig.identity[None]).mean(),
            "smooth": rig.roughness(),
            "blendshape_gradient": rig.blendshape_gradient(),
            "colour": rig.recolouring(),
        }
    return sum((getattr(weights, name) * value for name, value in terms.items()), start=points.new_zeros(()))


@torch.no_grad()
def errors(rig: PersonalRig, shots: Shots, moments: Moments) -> Float[Tensor, "n"]:
    """Photometric error of each shot, 0 to 1; NaN where no face is drawn in it."""
    found = []
    for rows in torch.arange(len(shots.wxyz)).split(BATCH):
        some = shots.at(rows)
        drawn, _ = draw(rig, moments, rows, some.pixels.shape[1])
        error = photometric_error(some.pixels, drawn.image, drawn.mask, some.inside)
        seen = (drawn.mask * some.inside).sum((1, 2)) >= LEAST_PIXELS
        found.append(torch.where(seen, error, torch.nan))
    return torch.cat(found)


def error_of(rig: PersonalRig, shots: Shots, moments: Moments) -> float:
    """The mean of `errors` over the shots that show a face."""
    return float(errors(rig, shots, moments).nanmean())
