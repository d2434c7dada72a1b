"""Fit our head to points of photographs: batched, bounded, damped Gauss-Newton in numpy.

What is minimised stands in `problem.py`; a step costs little more than one 109 x 109 solve per face. Every face is
measured in its own size: the root of the area of the tight box of its dense points.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from commedia.geometry.rotations import canonical_wxyz, multiply_wxyz, wxyz_from_axis_angle
from commedia.labelling.problem import POSE_COUNT, REAL, HeadSums, Problem, State


@dataclass(frozen=True)
class DenseTargets:
    """What is known of a batch of faces; pixels of each face's own picture."""

    points_px: Float[np.ndarray, "b l 3"]
    """Teacher's points: y down, z away from the viewer."""
    scores: Float[np.ndarray, "b 52"]
    gold_px: Float[np.ndarray, "b 68 2"]
    """NaN for a face without gold landmarks."""
    identity: Float[np.ndarray, "b i"] | None = None
    """Who it is, where that is known; NaN or None: to be found."""

    def rows(self, chosen: slice) -> "DenseTargets":
        """Some of the faces."""
        return DenseTargets(*(None if part is None else part[chosen] for part in vars(self).values()))


@dataclass(frozen=True)
class FittedFaces:
    """Parameters of our head for a batch of faces."""

    identity: Float[np.ndarray, "b i"]
    expression: Float[np.ndarray, "b e"]
    wxyz: Float[np.ndarray, "b 4"]
    origin_px: Float[np.ndarray, "b 2"]
    px_per_m: Float[np.ndarray, "b"]
    error: Float[np.ndarray, "b"]
    """Mean distance of the dense points to the model's, in the image, over the face size."""
    information: Float[np.ndarray, "b i i"]
    """How sharply each face's points determine its identity when pose and expression may follow: the Hessian of the
    cost over identity alone, without the ridge; zero where it was known."""


class DenseFitter(HeadSums):
    """Fits one head, with one set of weights, to any number of faces."""

    def fit(self, targets: DenseTargets) -> FittedFaces:
        """Fit every face of the batch; cost is about 4 ms a face on one core."""
        plane = targets.points_px[..., :2]
        low, high = plane.min(axis=1), plane.max(axis=1)
        size_px = np.sqrt(np.prod(high - low, axis=-1)).astype(REAL)
        centre_px = ((low + high) / 2).astype(REAL)
        goal = _face_units(targets.points_px, centre_px, size_px)
        gold = _face_units(targets.gold_px, centre_px, size_px)
        ids = self.identity_count
        known = targets.identity if targets.identity is not None else np.full((len(goal), ids), np.nan)
        problem = Problem(self, goal, gold, targets.scores, known)
        state = solve(problem)
        flip = np.array([1.0, -1.0], dtype=REAL)
        error = np.linalg.norm(goal[..., :2] - problem.points(state)[..., :2], axis=-1).mean(axis=1)
        return FittedFaces(
            identity=state.weights[:, :ids],
            expression=state.weights[:, ids:],
            wxyz=canonical_wxyz(state.wxyz),
            origin_px=centre_px + size_px[:, None] * state.translation[:, :2] * flip,
            px_per_m=size_px * state.scale,
            error=error,
            information=_information(problem, state) if targets.identity is None else np.zeros((len(goal), ids, ids)),
        )


def replace_rows(faces: FittedFaces, rows: Int[np.ndarray, "n"], others: FittedFaces) -> FittedFaces:
    """The same faces with some of them fitted anew."""
    parts = {name: part.copy() for name, part in vars(faces).items()}
    for name, part in vars(others).items():
        parts[name][rows] = part
    return FittedFaces(**parts)


def solve(problem: Problem) -> State:
    """Step until the steps are spent; a step that does not lower a face's cost is undone and damped more."""
    state = problem.start
    damping = np.full(len(problem.goal), 1e-2)
    cost = problem.cost(state)
    for _ in range(problem.head.settings.steps):
        hessian, gradient = problem.normal_equations(state)
        trial = _stepped(problem, state, hessian, gradient, damping)
        trial_cost = problem.cost(trial)
        better = trial_cost < cost
        state = _either(better, trial, state)
        cost = np.where(better, trial_cost, cost)
        damping = np.clip(np.where(better, damping * 0.2, damping * 8), 1e-7, 1e6)
    return state


def _stepped(problem: Problem, state: State, hessian: np.ndarray, gradient: np.ndarray, damping: np.ndarray) -> State:
    """A projected Newton step: a weight at a limit that wants to leave it is held for this step."""
    free = _free(problem, state, gradient)
    diagonal = np.arange(hessian.shape[1])
    damped = (hessian * free[:, :, None] * free[:, None, :]).astype(np.float64)
    damped[:, diagonal, diagonal] *= 1 + damping[:, None]
    damped[:, diagonal, diagonal] += np.where(free > 0, 1e-9, 1.0)
    step = -np.linalg.solve(damped, (gradient * free)[..., None])[..., 0].astype(REAL)
    turn = multiply_wxyz(wxyz_from_axis_angle(step[:, :3]), state.wxyz)
    factor = np.exp(np.clip(step[:, 6], -0.5, 0.5))
    return State(
        canonical_wxyz(turn),
        state.translation + step[:, 3:6],
        state.scale * factor,
        np.clip(state.weights + step[:, POSE_COUNT:], problem.lower, problem.upper),
    )


def _free(problem: Problem, state: State, gradient: np.ndarray) -> Float[np.ndarray, "b n"]:
    """1 for every unknown that may move, 0 for a weight at a limit that wants to leave it."""
    slope = gradient[:, POSE_COUNT:]
    held = ((state.weights <= problem.lower) & (slope >= 0)) | ((state.weights >= problem.upper) & (slope <= 0))
    return np.concatenate([np.ones((len(held), POSE_COUNT)), ~held], axis=1)


def _information(problem: Problem, state: State) -> Float[np.ndarray, "b i i"]:
    """Fold the Hessian at a solution onto identity: what pose and expression can explain as well is no evidence."""
    hessian, gradient = problem.normal_equations(state)
    ids = np.arange(POSE_COUNT, POSE_COUNT + problem.head.identity_count)
    others = np.setdiff1d(np.arange(hessian.shape[1]), ids)
    free = _free(problem, state, gradient)[:, others]
    rest = (hessian[:, others[:, None], others] * free[:, :, None] * free[:, None, :]).astype(np.float64)
    rest[:, np.arange(len(others)), np.arange(len(others))] += np.where(free > 0, 1e-3, 1.0)
    mixed = hessian[:, others[:, None], ids] * free[:, :, None]
    folded = hessian[:, ids[:, None], ids] - mixed.transpose(0, 2, 1) @ np.linalg.solve(rest, mixed)
    return (folded - np.diag(problem.head.ridge[: len(ids)])).astype(REAL)


def _face_units(
    points_px: Float[np.ndarray, "b l d"], centre_px: Float[np.ndarray, "b 2"], size_px: Float[np.ndarray, "b"]
) -> Float[np.ndarray, "b l d"]:
    """Centre, divide by the face size and turn y up (and z towards the viewer)."""
    centred = points_px.astype(REAL)
    centred[..., :2] -= centre_px[:, None]
    centred[..., 1:] *= -1
    return centred / size_px[:, None, None]


def _either(first_where: Bool[np.ndarray, "b"], first: State, second: State) -> State:
    def pick(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.where(first_where.reshape(-1, *[1] * (a.ndim - 1)), a, b)

    return State(*(pick(getattr(first, name), getattr(second, name)) for name in vars(first)))
