"""Shots of one person to their shape, blendshapes and colours, by drawing them again until they look the same. Torch.

Reference: Chaudhuri et al. 2020, Eq. 1 to 8, optimised for one person instead of predicted by a network.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from commedia.losses.parsing import parsing_error
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
    sure: float = 0.0
    """Of points as the points network finds them, by how sure it is; of shots that come with them."""
    parsing: float = 0.0
    """Eq. 5, of shots that come with parse maps."""
    smooth: float = 0.02
    """Eq. 6, in square millimetres."""
    blendshape_gradient: float = 0.5
    """Eq. 7."""
    as_read: float = 0.05
    """Of the distance of expressions from what the tracker read."""
    sparse: float = 0.002
    identity: float = 2e-4
    """Of the distance from the mean face, ..."""
    identity_read: float = 0.0
    """... and from who was read, in standard deviations of people or, where a rig knows, of what was read."""
    light: float = 0.002
    light_strength: float = 0.1
    colour: float = 0.1
    """Of the distance of skin from what the pictures showed at first."""


USUAL = Weights()
OF_THE_MODEL = USUAL._replace(smooth=0.0, blendshape_gradient=0.0, colour=0.0)
"""Where only what the head model knows is fitted: nothing is to be kept smooth."""


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
    parse: Float[Tensor, "n s s k"] | None = None
    """How likely each pixel shows each of `PARSE_CLASSES`."""
    found: Float[Tensor, "n 68 2"] | None = None
    """The points as another network finds them, in sides of the shot, y down, ..."""
    sure: Float[Tensor, "n 68 2 2"] | None = None
    """... and what errors of theirs are multiplied with: they then have a length of about 1, whatever direction."""
    together: Float[Tensor, "n k k"] | None = None
    """What errors of all points of a shot, one after the other, are multiplied with where it is known how they go
    together: they are then independent, and of about 1 each."""

    def at(self, rows: Tensor) -> "Shots":
        return self._replace(**{name: part[rows] for name, part in self._asdict().items() if part is not None})


class Moments(nn.Module):
    """What is fitted of each shot: pose, expression, light."""

    def __init__(self, shots: Shots, reach: tuple[float, float] = (0.0, 1.0)):
        """`reach` is from where to where weights go."""
        super().__init__()
        self.reach = reach
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
        """Keep weights within their reach, and rotations of length 1."""
        self.expression.clamp_(*self.reach)
        self.wxyz.div_(self.wxyz.norm(dim=1, keepdim=True))


def place(rig: PersonalRig, moments: Moments, rows: Int64[Tensor, "b"]) -> tuple[Tensor, Tensor]:
    """Put the skin before the camera of some shots; also returns the 68 points, in sides of the shot."""
    wxyz = nn.functional.normalize(moments.wxyz[rows], dim=1)
    camera = rotate(rig.vertices(moments.expression[rows]), wxyz) + moments.translation[rows, None]
    focal = camera.new_full((len(rows),), FOCAL_SIDES)
    points = pinhole(rig.landmarks(camera), focal, camera.new_full((len(rows), 2), 0.5))
    return camera, points[..., :2]


def draw(
    rig: PersonalRig, camera: Float[Tensor, "b v 3"], light: Float[Tensor, "b 3 9"], size: int, parts: bool = False
) -> FacePictures:
    """Draw skin that stands before the camera, with `parts` also what each pixel shows of it."""
    colours, shares = rig.colours().expand(len(camera), -1, -1), rig.parts if parts else None
    return render_face(camera, rig.triangles, colours, light, focal_sides=FOCAL_SIDES, size=size, parts=shares)


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
    camera, points = place(rig, moments, rows)
    expression, light = moments.expression[rows], moments.light[rows]
    terms: dict[str, Callable[[], Tensor]] = {
        "landmarks": lambda: (points - some.points).square().sum(-1).add(1e-8).sqrt().mean(),
        "sure": lambda: distance_from_found(points, some),
        "as_read": lambda: (expression - some.expression).square().sum(1).mean(),
        "sparse": lambda: expression.abs().sum(1).mean(),
        "light": lambda: light_penalty(light, weights.light_strength).mean(),
    }
    if regular:
        terms |= {
            "identity": lambda: coefficient_energy(rig.identity[None]).mean(),
            "identity_read": rig.distance_from_read,
            "smooth": rig.roughness,
            "blendshape_gradient": rig.blendshape_gradient,
            "colour": rig.recolouring,
        }
    found = {name: term() for name, term in terms.items() if getattr(weights, name)}
    if weights.photometric or weights.gradient or weights.parsing:
        found |= _compared(rig, some, camera, light, weights.parsing > 0)
    return sum((getattr(weights, name) * value for name, value in found.items()), start=points.new_zeros(()))


def distance_from_found(points: Float[Tensor, "b 68 2"], some: Shots) -> Float[Tensor, ""]:
    """How far points are from where they were found, by how sure that is: a mean length; 0 where nobody looked.

    Neighbours are wrong in one direction: where that is known (`together`), what they agree about says little, and how
    they lie to each other much.
    """
    if some.found is None or some.sure is None:
        return points.new_zeros(())
    if some.together is not None:
        alone = torch.einsum("bk,bkl->bl", (points - some.found).flatten(1), some.together)
        return alone.square().mean(1).add(1e-3).sqrt().mean()
    weighed = torch.einsum("bpij,bpj->bpi", some.sure, points - some.found)
    return weighed.square().sum(-1).add(1e-4).sqrt().mean()


def _compared(
    rig: PersonalRig, some: Shots, camera: Float[Tensor, "b v 3"], light: Float[Tensor, "b 3 9"], parts: bool
) -> dict[str, Tensor]:
    """The terms that compare pictures; what covers a face, and so all that is no face, says nothing of its parts."""
    drawn = draw(rig, camera, light, some.pixels.shape[1], parts)
    found = {
        "photometric": photometric_error(some.pixels, drawn.image, drawn.mask, some.inside).mean(),
        "gradient": image_gradient_error(some.pixels, drawn.image, drawn.mask, some.inside).mean(),
    }
    if drawn.shares is not None and some.parse is not None:
        found["parsing"] = parsing_error(some.parse, drawn.shares, drawn.mask, 1 - some.parse[..., 0]).mean()
    return found


@torch.no_grad()
def errors(rig: PersonalRig, shots: Shots, moments: Moments) -> Float[Tensor, "n"]:
    """Photometric error of each shot, 0 to 1; NaN where no face is drawn in it."""
    found = []
    for rows in torch.arange(len(shots.wxyz)).split(BATCH):
        some = shots.at(rows)
        drawn = draw(rig, place(rig, moments, rows)[0], moments.light[rows], some.pixels.shape[1])
        error = photometric_error(some.pixels, drawn.image, drawn.mask, some.inside)
        seen = (drawn.mask * some.inside).sum((1, 2)) >= LEAST_PIXELS
        found.append(torch.where(seen, error, torch.nan))
    return torch.cat(found)


def error_of(rig: PersonalRig, shots: Shots, moments: Moments) -> float:
    """The mean of `errors` over the shots that show a face."""
    return float(errors(rig, shots, moments).nanmean())
