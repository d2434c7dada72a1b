"""Fit our head to points of photographs: batched, bounded, damped Gauss-Newton in numpy.

    minimise over pose, identity, expression in [0, 1]
        1/2 sum_p w_p |target_p - (s R X_p(identity, expression) + t)|^2      dense points, in face sizes
      + 1/2 sum_l (gold_l - ...)^T W_l (gold_l - ...)                         68 points marked by people, where known
      + 1/2 ridge |identity|^2 + pull . expression + 1/2 hint . (expression - scores)^2
      + clash * sum of products of units one face cannot make at once

The dense points carry equal weights on every face, so the part of the Hessian that is quadratic in the bases is summed
over the points once and for all, and a step costs little more than one 109 x 109 solve per face.
Every face is measured in its own size: the root of the area of the tight box of its dense points.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from commedia.conventions import CONTRADICTORY_PAIRS, EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.geometry.rotations import (
    canonical_wxyz,
    matrix_from_wxyz,
    multiply_wxyz,
    wxyz_from_axis_angle,
    wxyz_from_matrix,
)
from commedia.labelling.gold import gold_weights
from commedia.labelling.units import UnitTable
from commedia.morphable.model import MorphableModel

_REAL = np.float32
"""Enough for every sum here; only the solve of the normal equations needs more."""

_POSE_COUNT = 7  # rotation 3, translation 3, log of scale 1
_IDENTITY_LIMIT = 4.0
_PAIRS = tuple((EXPRESSION_INDEX[first], EXPRESSION_INDEX[second]) for first, second in CONTRADICTORY_PAIRS)


@dataclass(frozen=True)
class FitSettings:
    """How much each kind of evidence weighs; the defaults were chosen on LFW and HELEN (`docs/label.md`)."""

    point_sigma: float = 0.008
    """Expected error of a dense point, in face sizes."""
    point_count: float = 80.0
    """How many independent points the dense set is worth: its errors are strongly correlated."""
    depth_weight: float = 0.05
    """Weight of the teacher's depth against its x and y."""
    gold_sigma: float = 0.012
    """Expected error of a gold landmark, in face sizes."""
    identity_ridge: float = 1.0
    clash: float = 4.0
    steps: int = 14


@dataclass(frozen=True)
class DenseTargets:
    """What is known of a batch of faces; pixels of each face's own picture."""

    points_px: Float[np.ndarray, "b l 3"]
    """Teacher's points: y down, z away from the viewer."""
    scores: Float[np.ndarray, "b 52"]
    gold_px: Float[np.ndarray, "b 68 2"]
    """NaN for a face without gold landmarks."""


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


@dataclass(frozen=True)
class _State:
    wxyz: Float[np.ndarray, "b 4"]
    translation: Float[np.ndarray, "b 3"]
    """Face sizes, y up."""
    scale: Float[np.ndarray, "b"]
    """Face sizes per metre."""
    weights: Float[np.ndarray, "b c"]
    """Identity, then expression."""


class DenseFitter:
    """The head's dense points and 68 landmarks with all that can be summed before any face is seen."""

    def __init__(
        self,
        dense: MorphableModel,
        landmarks: MorphableModel,
        units: UnitTable,
        point_weights: Float[np.ndarray, "l"],
        settings: FitSettings,
    ):
        self.settings, self.units = settings, units
        self.identity_count = len(dense.identity_basis)
        self.mean, self.landmark_mean = dense.mean.astype(_REAL), landmarks.mean.astype(_REAL)
        self.basis = np.concatenate([dense.identity_basis, dense.expression_basis]).astype(_REAL)
        self.landmark_basis = np.concatenate([landmarks.identity_basis, landmarks.expression_basis]).astype(_REAL)
        share = point_weights / point_weights.sum()
        self.point_weights = (share * settings.point_count / settings.point_sigma**2).astype(_REAL)
        # moments[i, j, a, b] = sum_p w_p basis_a,p,i basis_b,p,j
        weighted = self.basis * self.point_weights[None, :, None]
        self.moments = np.einsum("api,bpj->ijab", weighted, self.basis, optimize=True)
        self.lower, self.upper = self._both(-_IDENTITY_LIMIT, 0.0), self._both(_IDENTITY_LIMIT, 1.0)
        self.ridge = self._both(settings.identity_ridge, units.hint)
        self.pairs = np.zeros((EXPRESSION_COUNT, EXPRESSION_COUNT), dtype=_REAL)
        for first, second in _PAIRS:
            self.pairs[first, second] = self.pairs[second, first] = settings.clash

    def _both(self, identity: float, expression: float | np.ndarray) -> np.ndarray:
        """One number per identity component, then one per unit."""
        both = np.full(len(self.basis), identity, dtype=_REAL)
        both[self.identity_count :] = expression
        return both

    def fit(self, targets: DenseTargets) -> FittedFaces:
        """Fit every face of the batch; cost is about 4 ms a face on one core."""
        plane = targets.points_px[..., :2]
        low, high = plane.min(axis=1), plane.max(axis=1)
        size_px = np.sqrt(np.prod(high - low, axis=-1)).astype(_REAL)
        centre_px = ((low + high) / 2).astype(_REAL)
        goal = _face_units(targets.points_px, centre_px, size_px)
        gold = _face_units(targets.gold_px, centre_px, size_px)
        problem = _Problem(self, goal, gold, targets.scores.astype(_REAL))
        state = problem.solve()
        flip = np.array([1.0, -1.0], dtype=_REAL)
        error = np.linalg.norm(goal[..., :2] - problem.points(state)[..., :2], axis=-1).mean(axis=1)
        return FittedFaces(
            identity=state.weights[:, : self.identity_count],
            expression=state.weights[:, self.identity_count :],
            wxyz=canonical_wxyz(state.wxyz),
            origin_px=centre_px + size_px[:, None] * state.translation[:, :2] * flip,
            px_per_m=size_px * state.scale,
            error=error,
        )


class _Problem:
    """One batch: its cost, its normal equations, its damped steps."""

    def __init__(
        self,
        fitter: DenseFitter,
        goal: Float[np.ndarray, "b l 3"],
        gold: Float[np.ndarray, "b 68 2"],
        scores: Float[np.ndarray, "b 52"],
    ):
        self.fitter, self.goal, self.scores = fitter, goal, scores
        self.depth = np.array([1.0, 1.0, fitter.settings.depth_weight], dtype=_REAL)
        self.has_gold = np.asarray(np.isfinite(gold).all(axis=(1, 2)))
        self.gold = np.where(self.has_gold[:, None, None], gold, _REAL(0))
        self.start = self._aligned()
        self.gold_weights = gold_weights(self.gold, self.start.wxyz, fitter.settings.gold_sigma).astype(_REAL)
        self.gold_weights[~self.has_gold] = 0.0

    def _aligned(self) -> _State:
        """Lay the mean head over the teacher's points in 3D by the closed form of Umeyama 1991."""
        mean = self.fitter.mean
        source = mean - mean.mean(axis=0)
        middle = self.goal.mean(axis=1, keepdims=True)
        covariance = np.einsum("bpi,pj->bij", self.goal - middle, source)
        left, singular, right = np.linalg.svd(covariance)
        sign = np.ones_like(singular)
        sign[:, 2] = np.sign(np.linalg.det(left @ right))
        rotation = (left * sign[:, None, :]) @ right
        scale = (singular * sign).sum(axis=1) / np.square(source).sum()
        translation = middle[:, 0] - scale[:, None] * np.einsum("bij,j->bi", rotation, mean.mean(axis=0))
        weights = np.zeros((len(self.goal), len(self.fitter.basis)))
        weights[:, self.fitter.identity_count :] = np.where(self.fitter.units.hint > 0, self.scores, 0.02)
        return _State(*(part.astype(_REAL) for part in (wxyz_from_matrix(rotation), translation, scale, weights)))

    def points(self, state: _State) -> Float[np.ndarray, "b l 3"]:
        """The model's dense points in face units."""
        return self._placed(state, self.fitter.mean, self.fitter.basis)[0]

    @staticmethod
    def _placed(state: _State, mean: np.ndarray, basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points with and without the translation."""
        shape = mean + (state.weights @ basis.reshape(len(basis), -1)).reshape(len(state.weights), -1, 3)
        turned = state.scale[:, None, None] * (shape @ matrix_from_wxyz(state.wxyz).transpose(0, 2, 1))
        return turned + state.translation[:, None], turned

    def cost(self, state: _State) -> Float[np.ndarray, "b"]:
        """The sum in the module's docstring, per face."""
        f, ids = self.fitter, self.fitter.identity_count
        miss = (self.goal - self.points(state)) ** 2 @ self.depth
        gold_miss = self.gold - self._placed(state, f.landmark_mean, f.landmark_basis)[0][..., :2]
        identity, expression = state.weights[:, :ids], state.weights[:, ids:]
        return (
            miss @ f.point_weights / 2
            + np.einsum("bli,blij,blj->b", gold_miss, self.gold_weights, gold_miss) / 2
            + f.settings.identity_ridge * np.square(identity).sum(axis=1) / 2
            + expression @ f.units.pull
            + np.square(expression - self.scores) @ f.units.hint / 2
            + np.einsum("be,ef,bf->b", expression, f.pairs, expression) / 2
        )

    def normal_equations(self, state: _State) -> tuple[np.ndarray, np.ndarray]:
        """Gauss-Newton Hessian (b, n, n) and gradient (b, n), pose first.

        d point / d rotation = rotated point crossed with the axis; / d log scale = the rotated point itself;
        / d weight_a = s R basis_a.
        """
        f = self.fitter
        batch, count, ids = len(self.goal), len(f.basis), f.identity_count
        rotation = state.scale[:, None, None] * matrix_from_wxyz(state.wxyz)
        placed, turned = self._placed(state, f.mean, f.basis)
        pose = _pose_jacobian(turned)
        weighted_pose = pose * (self.depth[:, None] * f.point_weights[:, None, None])
        miss = self.goal - placed
        hessian = np.zeros((batch, _POSE_COUNT + count, _POSE_COUNT + count), dtype=_REAL)
        gradient = np.zeros((batch, _POSE_COUNT + count), dtype=_REAL)
        stacked = weighted_pose.reshape(batch, -1, _POSE_COUNT).transpose(0, 2, 1)
        hessian[:, :_POSE_COUNT, :_POSE_COUNT] = stacked @ pose.reshape(batch, -1, _POSE_COUNT)
        gradient[:, :_POSE_COUNT] = -(stacked @ miss.reshape(batch, -1, 1))[..., 0]
        flat = f.basis.reshape(count, -1)
        # One product for all faces: a stack of thin ones is three times slower.
        pulled = (stacked.reshape(batch, -1, 3) @ rotation).reshape(batch * _POSE_COUNT, -1)
        cross = (pulled @ flat.T).reshape(batch, _POSE_COUNT, count)
        hessian[:, :_POSE_COUNT, _POSE_COUNT:] = cross
        hessian[:, _POSE_COUNT:, :_POSE_COUNT] = cross.transpose(0, 2, 1)
        metric = np.einsum("bij,i,bik->bjk", rotation, self.depth, rotation)
        hessian[:, _POSE_COUNT:, _POSE_COUNT:] = (metric.reshape(batch, 9) @ f.moments.reshape(9, -1)).reshape(
            batch, count, count
        )
        weighted_miss = (miss * self.depth * f.point_weights[:, None]) @ rotation
        gradient[:, _POSE_COUNT:] = -(weighted_miss.reshape(batch, -1) @ flat.T)
        if self.has_gold.any():
            self._add_gold(state, rotation, hessian, gradient)
        diagonal = np.arange(_POSE_COUNT, _POSE_COUNT + count)
        hessian[:, diagonal, diagonal] += f.ridge
        expression = state.weights[:, ids:]
        gradient[:, _POSE_COUNT : _POSE_COUNT + ids] += f.settings.identity_ridge * state.weights[:, :ids]
        gradient[:, _POSE_COUNT + ids :] += f.units.pull + f.units.hint * (expression - self.scores)
        gradient[:, _POSE_COUNT + ids :] += expression @ f.pairs
        return hessian, gradient

    def _add_gold(self, state: _State, rotation: np.ndarray, hessian: np.ndarray, gradient: np.ndarray) -> None:
        f, rows = self.fitter, np.flatnonzero(self.has_gold)
        chosen = _rows(state, rows)
        placed, turned = self._placed(chosen, f.landmark_mean, f.landmark_basis)
        shape = np.einsum("bij,alj->blia", rotation[rows][:, :2], f.landmark_basis, optimize=True)
        jacobian = np.concatenate([_pose_jacobian(turned)[:, :, :2], shape], axis=-1)
        weighted = np.einsum("blij,blja->blia", self.gold_weights[rows], jacobian, optimize=True)
        count = jacobian.shape[-1]
        stacked, weighted = jacobian.reshape(len(rows), -1, count), weighted.reshape(len(rows), -1, count)
        miss = (self.gold[rows] - placed[..., :2]).reshape(len(rows), -1)
        hessian[rows] += weighted.transpose(0, 2, 1) @ stacked
        gradient[rows] -= np.einsum("bra,br->ba", weighted, miss)

    def solve(self) -> _State:
        """Step until the steps are spent; a step that does not lower a face's cost is undone and damped more."""
        state = self.start
        damping = np.full(len(self.goal), 1e-2)
        cost = self.cost(state)
        for _ in range(self.fitter.settings.steps):
            hessian, gradient = self.normal_equations(state)
            trial = self._stepped(state, hessian, gradient, damping)
            trial_cost = self.cost(trial)
            better = trial_cost < cost
            state = _either(better, trial, state)
            cost = np.where(better, trial_cost, cost)
            damping = np.clip(np.where(better, damping * 0.2, damping * 8), 1e-7, 1e6)
        return state

    def _stepped(self, state: _State, hessian: np.ndarray, gradient: np.ndarray, damping: np.ndarray) -> _State:
        """A projected Newton step: a weight at a limit that wants to leave it is held for this step."""
        f = self.fitter
        slope = gradient[:, _POSE_COUNT:]
        held = ((state.weights <= f.lower) & (slope > 0)) | ((state.weights >= f.upper) & (slope < 0))
        free = np.concatenate([np.ones((len(held), _POSE_COUNT)), ~held], axis=1)
        diagonal = np.arange(hessian.shape[1])
        damped = (hessian * free[:, :, None] * free[:, None, :]).astype(np.float64)
        damped[:, diagonal, diagonal] *= 1 + damping[:, None]
        damped[:, diagonal, diagonal] += np.where(free > 0, 1e-9, 1.0)
        step = -np.linalg.solve(damped, (gradient * free)[..., None])[..., 0].astype(_REAL)
        turn = multiply_wxyz(wxyz_from_axis_angle(step[:, :3]), state.wxyz)
        factor = np.exp(np.clip(step[:, 6], -0.5, 0.5))
        return _State(
            canonical_wxyz(turn),
            state.translation + step[:, 3:6],
            state.scale * factor,
            np.clip(state.weights + step[:, _POSE_COUNT:], f.lower, f.upper),
        )


def _pose_jacobian(turned: Float[np.ndarray, "b l 3"]) -> Float[np.ndarray, "b l 3 7"]:
    jacobian = np.zeros((*turned.shape, _POSE_COUNT), dtype=_REAL)
    x, y, z = np.moveaxis(turned, -1, 0)
    # Columns 0..2: d(axis x point) for unit axes x, y, z.
    jacobian[..., 1, 0], jacobian[..., 2, 0] = -z, y
    jacobian[..., 0, 1], jacobian[..., 2, 1] = z, -x
    jacobian[..., 0, 2], jacobian[..., 1, 2] = -y, x
    jacobian[..., :, 3:6] = np.eye(3, dtype=_REAL)
    jacobian[..., 6] = turned
    return jacobian


def _face_units(
    points_px: Float[np.ndarray, "b l d"], centre_px: Float[np.ndarray, "b 2"], size_px: Float[np.ndarray, "b"]
) -> Float[np.ndarray, "b l d"]:
    """Centre, divide by the face size and turn y up (and z towards the viewer)."""
    units = points_px.astype(_REAL)
    units[..., :2] -= centre_px[:, None]
    units[..., 1:] *= -1
    return units / size_px[:, None, None]


def _rows(state: _State, rows: np.ndarray) -> _State:
    return _State(*(part[rows] for part in vars(state).values()))


def _either(first_where: Bool[np.ndarray, "b"], first: _State, second: _State) -> _State:
    def pick(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.where(first_where.reshape(-1, *[1] * (a.ndim - 1)), a, b)

    return _State(*(pick(getattr(first, name), getattr(second, name)) for name in vars(first)))
