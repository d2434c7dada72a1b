"""What fitting our head to points of photographs means: the cost, its gradient and its Gauss-Newton Hessian.

    minimise over pose, identity, expression between limits that differ from face to face
        1/2 sum_p w_p |target_p - (s R X_p(identity, expression) + t)|^2      dense points, in face sizes
      + 1/2 sum_l (gold_l - ...)^T W_l (gold_l - ...)                         68 points marked by people, where known
      + 1/2 ridge |identity|^2 + pull . expression
      + clash * sum of products of blendshapes one face cannot make at once

The limits carry what is known beforehand: a person's identity, and what the teacher's scores say of an expression.

The dense points carry equal weights on every face, so the part of the Hessian that is quadratic in the bases is summed
over the points once and for all. Minimising is left to `fit.py`.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from commedia.conventions import CONTRADICTORY_PAIRS, EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.face_model.model import Interaction, MorphableModel
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_matrix
from commedia.geometry.similarity import fit_similarities
from commedia.labelling.blendshapes import BlendshapeTable
from commedia.labelling.gold import gold_weights

REAL = np.float32
"""Enough for every sum here; only the solve of the normal equations needs more."""

POSE_COUNT = 7
"""Rotation 3, translation 3, logarithm of the scale 1: the first rows of the normal equations."""
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
    steps: int = 10


@dataclass(frozen=True)
class State:
    """The unknowns of a batch of faces."""

    wxyz: Float[np.ndarray, "b 4"]
    translation: Float[np.ndarray, "b 3"]
    """Face sizes, y up."""
    scale: Float[np.ndarray, "b"]
    """Face sizes per metre."""
    weights: Float[np.ndarray, "b c"]
    """Identity, then expression."""


class HeadSums:
    """The head's dense points and 68 landmarks with all that can be summed before any face is seen."""

    def __init__(
        self,
        dense: MorphableModel,
        landmarks: MorphableModel,
        blendshapes: BlendshapeTable,
        point_weights: Float[np.ndarray, "l"],
        settings: FitSettings,
    ):
        self.settings, self.blendshapes = settings, blendshapes
        self.identity_count = len(dense.identity_basis)
        self.mean, self.landmark_mean = dense.mean.astype(REAL), landmarks.mean.astype(REAL)
        self.crossed, self.landmark_crossed = dense.interaction, landmarks.interaction
        self.basis = np.concatenate([dense.identity_basis, dense.expression_basis]).astype(REAL)
        self.landmark_basis = np.concatenate([landmarks.identity_basis, landmarks.expression_basis]).astype(REAL)
        share = point_weights / point_weights.sum()
        self.point_weights = (share * settings.point_count / settings.point_sigma**2).astype(REAL)
        # moments[i, j, a, b] = sum_p w_p basis_a,p,i basis_b,p,j
        weighted = self.basis * self.point_weights[None, :, None]
        self.moments = np.einsum("api,bpj->ijab", weighted, self.basis, optimize=True)
        self.ridge = np.zeros(len(self.basis), dtype=REAL)
        self.ridge[: self.identity_count] = settings.identity_ridge
        self.pairs = np.zeros((EXPRESSION_COUNT, EXPRESSION_COUNT), dtype=REAL)
        for first, second in _PAIRS:
            self.pairs[first, second] = self.pairs[second, first] = settings.clash

    def limits(
        self, scores: Float[np.ndarray, "b 52"], wxyz: Float[np.ndarray, "b 4"], identity: Float[np.ndarray, "b i"]
    ) -> tuple[Float[np.ndarray, "b c"], Float[np.ndarray, "b c"]]:
        """Lowest and highest weights of each face; an identity that is known (not NaN) leaves no room."""
        least, most = self.blendshapes.limits(scores, wxyz)
        lowest = np.where(np.isnan(identity), -_IDENTITY_LIMIT, identity)
        highest = np.where(np.isnan(identity), _IDENTITY_LIMIT, identity)
        return np.hstack([lowest, least]).astype(REAL), np.hstack([highest, most]).astype(REAL)


class Problem:
    """One batch: where to start, its cost and its normal equations."""

    def __init__(
        self,
        head: HeadSums,
        goal: Float[np.ndarray, "b l 3"],
        gold: Float[np.ndarray, "b 68 2"],
        scores: Float[np.ndarray, "b 52"],
        identity: Float[np.ndarray, "b i"],
    ):
        self.head, self.goal = head, goal
        self.depth = np.array([1.0, 1.0, head.settings.depth_weight], dtype=REAL)
        self.has_gold = np.asarray(np.isfinite(gold).all(axis=(1, 2)))
        self.gold = np.where(self.has_gold[:, None, None], gold, REAL(0))
        placed = fit_similarities(head.mean, goal)
        wxyz = wxyz_from_matrix(placed.rotation)
        self.lower, self.upper = head.limits(scores, wxyz, identity)
        weights = np.zeros((len(goal), len(head.basis)))
        weights[:, head.identity_count :] = 0.02
        parts = wxyz, placed.translation, placed.scale, np.clip(weights, self.lower, self.upper)
        # The mean head, laid over the teacher's points in 3D.
        self.start = State(*(part.astype(REAL) for part in parts))
        self.gold_weights = gold_weights(self.gold, self.start.wxyz, head.settings.gold_sigma).astype(REAL)
        self.gold_weights[~self.has_gold] = 0.0

    def points(self, state: State) -> Float[np.ndarray, "b l 3"]:
        """The model's dense points in face blendshapes."""
        return self._placed(state, self.head.mean, self.head.basis, self.head.crossed)[0]

    @staticmethod
    def _placed(
        state: State, mean: np.ndarray, basis: np.ndarray, crossed: Interaction | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Points with and without the translation."""
        shape = mean + (state.weights @ basis.reshape(len(basis), -1)).reshape(len(state.weights), -1, 3)
        if crossed is not None:
            # Derivatives leave this out: it is small, and the steps are checked by their cost.
            identity, expression = np.split(state.weights, [len(crossed.basis)], axis=1)
            pairs = identity[:, :, None] * expression[:, None, crossed.expressions]
            shape[:, crossed.vertices] += np.tensordot(pairs, crossed.basis, axes=2).astype(REAL)
        turned = state.scale[:, None, None] * (shape @ matrix_from_wxyz(state.wxyz).transpose(0, 2, 1))
        return turned + state.translation[:, None], turned

    def cost(self, state: State) -> Float[np.ndarray, "b"]:
        """The sum in the module's docstring, per face."""
        head, ids = self.head, self.head.identity_count
        miss = (self.goal - self.points(state)) ** 2 @ self.depth
        gold_miss = (
            self.gold - self._placed(state, head.landmark_mean, head.landmark_basis, head.landmark_crossed)[0][..., :2]
        )
        identity, expression = state.weights[:, :ids], state.weights[:, ids:]
        return (
            miss @ head.point_weights / 2
            + np.einsum("bli,blij,blj->b", gold_miss, self.gold_weights, gold_miss) / 2
            + head.settings.identity_ridge * np.square(identity).sum(axis=1) / 2
            + expression @ head.blendshapes.pull
            + np.einsum("be,ef,bf->b", expression, head.pairs, expression) / 2
        )

    def normal_equations(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """Gauss-Newton Hessian (b, n, n) and gradient (b, n), pose first.

        d point / d rotation = rotated point crossed with the axis; / d log scale = the rotated point itself;
        / d weight_a = s R basis_a.
        """
        head = self.head
        batch, count = len(self.goal), len(head.basis)
        rotation = state.scale[:, None, None] * matrix_from_wxyz(state.wxyz)
        placed, turned = self._placed(state, head.mean, head.basis, head.crossed)
        pose = _pose_jacobian(turned)
        weighted_pose = pose * (self.depth[:, None] * head.point_weights[:, None, None])
        miss = self.goal - placed
        hessian = np.zeros((batch, POSE_COUNT + count, POSE_COUNT + count), dtype=REAL)
        gradient = np.zeros((batch, POSE_COUNT + count), dtype=REAL)
        stacked = weighted_pose.reshape(batch, -1, POSE_COUNT).transpose(0, 2, 1)
        hessian[:, :POSE_COUNT, :POSE_COUNT] = stacked @ pose.reshape(batch, -1, POSE_COUNT)
        gradient[:, :POSE_COUNT] = -(stacked @ miss.reshape(batch, -1, 1))[..., 0]
        flat = head.basis.reshape(count, -1)
        # One product for all faces: a stack of thin ones is three times slower.
        pulled = (stacked.reshape(batch, -1, 3) @ rotation).reshape(batch * POSE_COUNT, -1)
        cross = (pulled @ flat.T).reshape(batch, POSE_COUNT, count)
        hessian[:, :POSE_COUNT, POSE_COUNT:] = cross
        hessian[:, POSE_COUNT:, :POSE_COUNT] = cross.transpose(0, 2, 1)
        metric = np.einsum("bij,i,bik->bjk", rotation, self.depth, rotation)
        hessian[:, POSE_COUNT:, POSE_COUNT:] = (metric.reshape(batch, 9) @ head.moments.reshape(9, -1)).reshape(
            batch, count, count
        )
        weighted_miss = (miss * self.depth * head.point_weights[:, None]) @ rotation
        gradient[:, POSE_COUNT:] = -(weighted_miss.reshape(batch, -1) @ flat.T)
        if self.has_gold.any():
            self._add_gold(state, rotation, hessian, gradient)
        self._add_priors(state, hessian, gradient)
        return hessian, gradient

    def _add_priors(self, state: State, hessian: np.ndarray, gradient: np.ndarray) -> None:
        head, ids = self.head, self.head.identity_count
        diagonal = np.arange(POSE_COUNT, hessian.shape[1])
        hessian[:, diagonal, diagonal] += head.ridge
        expression = state.weights[:, ids:]
        gradient[:, POSE_COUNT : POSE_COUNT + ids] += head.settings.identity_ridge * state.weights[:, :ids]
        gradient[:, POSE_COUNT + ids :] += head.blendshapes.pull + expression @ head.pairs

    def _add_gold(self, state: State, rotation: np.ndarray, hessian: np.ndarray, gradient: np.ndarray) -> None:
        head, rows = self.head, np.flatnonzero(self.has_gold)
        marks = head.landmark_mean, head.landmark_basis, head.landmark_crossed
        placed, turned = self._placed(_rows(state, rows), *marks)
        shape = np.einsum("bij,alj->blia", rotation[rows][:, :2], head.landmark_basis, optimize=True)
        jacobian = np.concatenate([_pose_jacobian(turned)[:, :, :2], shape], axis=-1)
        weighted = np.einsum("blij,blja->blia", self.gold_weights[rows], jacobian, optimize=True)
        count = jacobian.shape[-1]
        stacked, weighted = jacobian.reshape(len(rows), -1, count), weighted.reshape(len(rows), -1, count)
        miss = (self.gold[rows] - placed[..., :2]).reshape(len(rows), -1)
        hessian[rows] += weighted.transpose(0, 2, 1) @ stacked
        gradient[rows] -= np.einsum("bra,br->ba", weighted, miss)


def _pose_jacobian(turned: Float[np.ndarray, "b l 3"]) -> Float[np.ndarray, "b l 3 7"]:
    jacobian = np.zeros((*turned.shape, POSE_COUNT), dtype=REAL)
    x, y, z = np.moveaxis(turned, -1, 0)
    # Columns 0..2: d(axis x point) for blendshape axes x, y, z.
    jacobian[..., 1, 0], jacobian[..., 2, 0] = -z, y
    jacobian[..., 0, 1], jacobian[..., 2, 1] = z, -x
    jacobian[..., 0, 2], jacobian[..., 1, 2] = -y, x
    jacobian[..., :, 3:6] = np.eye(3, dtype=REAL)
    jacobian[..., 6] = turned
    return jacobian


def _rows(state: State, rows: np.ndarray) -> State:
    return State(*(part[rows] for part in vars(state).values()))
