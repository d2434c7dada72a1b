"""Training of SFN with points: Eq. 3, and heat maps that learn where the head model's own points are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.conventions import LANDMARK_COUNT
from commedia.face_model.landmarks import LandmarkScheme, load_scheme
from commedia.face_model.layer import MorphableLayer
from commedia.face_model.model import HeadModel, head_or_default
from commedia.face_model.spread import spread_vertices
from commedia.losses.faces import FaceTargets
from commedia.networks.heads import FaceOutputs
from commedia.networks.ours.sfn_close import SfnCloseConfig
from commedia.networks.ours.sfn_points import PointedFaces, SfnPointsConfig
from commedia.render.project import rotate
from commedia.training.batches import SfnBatch
from commedia.training.config import Recipe
from commedia.training.face_model import FaceModel
from commedia.training.sfn_task import SfnTask
from commedia.training.tasks import Loss

POINTS_WEIGHT = 60.0
"""Of the mean distance along an axis, in crop sides."""


class PointsTask(SfnTask):
    """See `tasks.Task`."""

    def __init__(self, recipe: Recipe, shards: Sequence[Path], model: FaceModel, seed: int):
        super().__init__(recipe, shards, model, seed)
        network = recipe.network.base if isinstance(recipe.network, SfnCloseConfig) else recipe.network
        assert isinstance(network, SfnPointsConfig)
        self.points = points_layer(network.points, model.head)

    def loss(self, outputs: PointedFaces, batch: SfnBatch, tau: float) -> Loss:
        loss = self._face_loss(outputs.faces, batch, tau)
        targets = FaceTargets(*(part.to(outputs.points.device) for part in batch.targets))
        wanted = true_points(self.points.to(outputs.points.device), targets)
        away = (outputs.points - wanted).abs().mean(-1)
        # Where the parameters are not known, only the landmarks are.
        marks = away[:, :LANDMARK_COUNT].mean(-1) * targets.landmark_trust
        others = away[:, LANDMARK_COUNT:].mean(-1) * targets.pose_trust
        points = (marks + others).mean() / 2
        return Loss(loss.total + POINTS_WEIGHT * points, (*loss.parts, ("points", points)))

    def _faces(self, network: nn.Module, pixels: Tensor) -> FaceOutputs:
        return network(pixels).faces


def points_layer(count: int, head: HeadModel | None = None) -> MorphableLayer:
    """The 68 landmarks and the spread points of a head (None: the one that ships), `count` in all."""
    head, marks = head_or_default(head), load_scheme("ibug68")
    spread = spread_vertices(head, count - LANDMARK_COUNT)
    scheme = LandmarkScheme(
        name="points",
        vertices=np.concatenate([marks.vertices, np.repeat(spread[:, None], 3, axis=1).astype(np.int32)]),
        barycentric=np.concatenate([marks.barycentric, np.full((len(spread), 3), 1 / 3, np.float32)]),
        labels=(*marks.labels, *(f"vertex {vertex}" for vertex in spread)),
    )
    return MorphableLayer(head.model).reduced(scheme)


def true_points(layer: MorphableLayer, targets: FaceTargets) -> Float[Tensor, "b k 2"]:
    """Where the points are in crop units: turned as the face is, then moved and scaled onto its true landmarks."""
    turned = rotate(layer(targets.identity, targets.expression), targets.wxyz)[..., :2]
    drawn = turned * turned.new_tensor([1.0, -1.0])
    marks, truth = drawn[:, :LANDMARK_COUNT], targets.landmarks
    center, target = marks.mean(1, keepdim=True), truth.mean(1, keepdim=True)
    along = ((marks - center) * (truth - target)).sum((1, 2), keepdim=True)
    scale = along / (marks - center).square().sum((1, 2), keepdim=True).clamp_min(1e-12)
    return torch.cat([truth, ((drawn - center) * scale + target)[:, LANDMARK_COUNT:]], dim=1)
