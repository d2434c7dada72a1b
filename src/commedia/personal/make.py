"""Cuts of one person to what is theirs: fitted, judged by frames that were kept aside, and given colours."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, UInt8

from commedia.characters.hair import with_hair
from commedia.characters.skin import Look, paint_head
from commedia.conventions import EXPRESSION_NAMES
from commedia.face_model.model import HeadModel
from commedia.face_model.person import Person
from commedia.face_model.wrinkles import WrinkleMap
from commedia.faces.points import PointsPredictor
from commedia.looks.look import look_of
from commedia.looks.portraits import Portrait
from commedia.personal.fit import OF_THE_MODEL, USUAL, Moments, Shots, Weights, error_of, fit
from commedia.personal.rig import OwnMesh, PersonalRig
from commedia.personal.shots import as_fitted, shots_of
from commedia.personal.skin_colours import recoloured, vertex_colours
from commedia.personal.skin_mesh import skin_mesh_of
from commedia.personal.watch import Tell
from commedia.personal.wrinkles import (
    Doublings,
    found_wrinkles,
    kept_wrinkles,
    resting_skin,
    skin_error,
    skin_sights,
)

OWN = USUAL._replace(landmarks=0.3)
"""The tracker's points are the head model's, which an own shape should leave."""
MODEL_SURE, OWN_SURE, JUDGE_SURE = 0.02, 0.003, 0.005
"""What points that a network has found weigh in place of the tracker's: where only the head model is fitted, where an
own shape may leave them, and in frames that are kept aside."""
SEEN = 0.35
"""A blendshape that came so far in some frame may become somebody's own."""


@dataclass(frozen=True)
class Effort:
    """How much work a rig is worth; the defaults take about half a minute of one core."""

    size_px: int = 96
    """Side of the shots that are drawn."""
    prior_steps: int = 70
    own_steps: int = 90
    judge_steps: int = 40
    """On the frames that are kept aside, where the rig stands still."""

    @property
    def steps(self) -> int:
        return self.prior_steps + self.own_steps + 2 * self.judge_steps


@dataclass(frozen=True, eq=False)
class Cuts:
    """What is known of somebody before their rig is made."""

    made_of: Sequence[Portrait]
    unseen: Sequence[Portrait]
    """Only to judge by."""
    skin: Sequence[Portrait]
    """Those that show skin best: the first of `made_of`."""
    identity: Float[np.ndarray, "i"]


@dataclass(frozen=True)
class Judgement:
    """Photometric errors on frames that were kept aside, 0 to 1; NaN where there were none."""

    prior: float
    """Of the head model's identities and blendshapes, with the skin that pictures show."""
    own: float
    skin: float = math.nan
    """How far the skin at rest, as the rig's frames show it, is from that of unseen frames, in doublings of linear
    colour; NaN where it was not compared."""
    wrinkled: float = math.nan
    """The same with the wrinkle maps that were kept by it."""

    @property
    def is_kept(self) -> bool:
        """A rig that is not better than the head model is not worth having."""
        return self.own < self.prior


@dataclass(frozen=True, eq=False)
class Made:
    """A rig and how good it is."""

    person: Person
    judgement: Judgement
    cosines: dict[str, float]
    """Of own blendshapes with the head model's; none where the rig was not kept."""
    has_look: bool
    """Whether the pictures show skin well enough for its colours to be theirs."""
    rig: PersonalRig
    """As it was fitted."""
    rest: Doublings | None = None
    """The skin that wrinkle maps change, as the frames show it; None where nobody looked for maps."""


def make_person(
    name: str,
    cuts: Cuts,
    head: HeadModel,
    effort: Effort,
    tell: Tell,
    *,
    weights: Weights = OWN,
    finder: PointsPredictor | None = None,
) -> Made:
    """Make somebody's rig; what is not better than the head model on unseen frames is not kept.

    `weights` are those of the step that makes a rig personal; the paper's Eq. 7 is `blendshape_gradient`. A `finder`
    finds the points of frames in place of the tracker.
    """
    look = look_of(cuts.skin, cuts.identity, head)
    rig, shots = _begun(cuts, look, head, effort, finder)
    of_the_model, own, judge = _by_points(weights, finder)
    moments, advance = Moments(shots), _counted(tell, effort.steps)
    unseen = shots_of(cuts.unseen, head, effort.size_px, finder) if cuts.unseen else None
    fit(rig, shots, moments, effort.prior_steps, trained=rig.prior_parts(), weights=of_the_model, tell=advance)
    prior, judgement, seen = rig.own_mesh(), Judgement(math.nan, math.nan), None
    if unseen is not None:
        judgement, seen = _fit_own(rig, shots, moments, unseen, effort, (own, judge), advance)
    if seen is None or not judgement.is_kept:
        return _made(name, rig, prior, look, paint_head(look, head=head), judgement)
    fitted, unseen_fitted = as_fitted(cuts.made_of, moments), as_fitted(cuts.unseen, seen)
    return _personal(name, rig, look, fitted, fitted[: len(cuts.skin)], unseen_fitted, judgement)


def _counted(tell: Tell, steps: int) -> Callable[[], object]:
    """What to call at each step of all fits, so that `tell` hears how many are done."""
    done = iter(range(1, steps + 1))
    return lambda: tell("fitting", next(done, steps), steps)


def _fit_own(
    rig: PersonalRig,
    shots: Shots,
    moments: Moments,
    unseen: Shots,
    effort: Effort,
    weights: tuple[Weights, Weights],
    advance: Callable[[], object],
) -> tuple[Judgement, Moments]:
    """Make a rig, fitted as the head model, somebody's own; judge both by unseen frames, also returned as fitted.

    Weights are those of the rig and of the judgement.
    """
    own, judge = weights
    prior_error = error_of(rig, unseen, settled(rig, unseen, effort, advance, judge))
    rig.set_shown(moments.expression, moments.wxyz)
    fit(rig, shots, moments, effort.own_steps, trained=rig.own_parts(), weights=own, seed=1, tell=advance)
    seen = settled(rig, unseen, effort, advance, judge)
    return Judgement(prior_error, error_of(rig, unseen, seen)), seen


def _by_points(own: Weights, finder: PointsPredictor | None) -> tuple[Weights, Weights, Weights]:
    """Weights of the three fits; by a finder's points, where there is one."""
    usual = ((OF_THE_MODEL, MODEL_SURE), (own, OWN_SURE), (USUAL, JUDGE_SURE))
    first, second, third = (one._replace(landmarks=0.0, sure=sure) if finder else one for one, sure in usual)
    return first, second, third


def _personal(
    name: str,
    rig: PersonalRig,
    look: Look | None,
    made_of: Sequence[Portrait],
    skin: Sequence[Portrait],
    unseen: Sequence[Portrait],
    judgement: Judgement,
) -> Made:
    """The rig as it was fitted, in the colours of cuts that are fitted, and how these change."""
    mesh, head = rig.own_mesh(), rig.head
    own_head = Person(name, mesh.identity, mesh.neutral, mesh.blendshapes, template=head).head
    look = look_of(skin, mesh.identity, own_head) or look
    colours = rig.colours().detach().numpy()
    texture = recoloured(paint_head(look, head=head), head, rig.mesh.vertices, colours)
    judge = skin_sights(unseen, mesh.identity, own_head)
    seen = skin_sights(made_of, mesh.identity, own_head)
    found, rest = found_wrinkles(seen, resting_skin(texture, own_head), head)
    wrinkles = kept_wrinkles(found, judge, rest, head)
    errors = (skin_error(maps, judge, rest, head) for maps in ((), wrinkles))
    judgement = replace(judgement, skin=next(errors), wrinkled=next(errors))
    return replace(_made(name, rig, mesh, look, texture, judgement, wrinkles), rest=rest)


def _begun(
    cuts: Cuts, look: Look | None, head: HeadModel, effort: Effort, finder: PointsPredictor | None = None
) -> tuple[PersonalRig, Shots]:
    """The rig as it begins: the identity that was read, and the skin that pictures show, or else paint."""
    shots = shots_of(cuts.made_of, head, effort.size_px, finder)
    return begun_rig(cuts.identity, shots, look, head), shots


def begun_rig(identity: Float[np.ndarray, "i"], shots: Shots, look: Look | None, head: HeadModel) -> PersonalRig:
    """A rig before it is fitted: blendshapes that the shots show may become its own, and its skin is painted."""
    most = shots.expression.amax(0)
    seen = [name for name, weight in zip(EXPRESSION_NAMES, most.tolist(), strict=True) if weight > SEEN]
    skin = vertex_colours(paint_head(look, head=head), head, skin_mesh_of(head).vertices)
    return PersonalRig(head, torch.from_numpy(identity.astype(np.float32)), torch.from_numpy(skin), seen)


def settled(
    rig: PersonalRig,
    unseen: Shots,
    effort: Effort,
    advance: Callable[[], object] = lambda: None,
    weights: Weights = USUAL,
) -> Moments:
    """Fit pose, expression and light of frames to the rig as it is."""
    moments = Moments(unseen)
    rig.requires_grad_(False)
    fit(rig, unseen, moments, effort.judge_steps, trained=[], weights=weights, tell=advance)
    rig.requires_grad_(True)
    return moments


def _made(
    name: str,
    rig: PersonalRig,
    mesh: OwnMesh,
    look: Look | None,
    texture: UInt8[np.ndarray, "s s 3"],
    judgement: Judgement,
    wrinkles: tuple[WrinkleMap, ...] = (),
) -> Made:
    neutral = with_hair(rig.head, mesh.neutral, 0.0 if look is None else look.hair_m).astype(np.float32)
    kept = judgement.is_kept
    person = Person(name, mesh.identity, neutral, mesh.blendshapes if kept else None, texture, wrinkles=wrinkles)
    return Made(person, judgement, mesh.cosines if kept else {}, look is not None, rig)
