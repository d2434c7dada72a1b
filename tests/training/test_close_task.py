"""SFN with points, close-ups and both as one: everything moves, each part answers for itself, points add their term."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from commedia.conventions import EXPRESSION_INDEX
from commedia.networks.ours.close_ups import CloseUpsConfig
from commedia.networks.ours.sfn_base import SfnBaseConfig
from commedia.networks.ours.sfn_close import SfnCloseConfig
from commedia.networks.ours.sfn_points import SfnPointsConfig
from commedia.training.close_task import (
    FAINT_TRUST,
    HARD_UNITS,
    HARD_WEIGHT,
    RARE_TRUST,
    RARE_UNITS,
    CloseTask,
    faintly_resting,
    weighed,
)
from commedia.training.config import Budget, Recipe
from commedia.training.face_model import FaceModel
from commedia.training.loop import RunConfig, Trainer, train
from commedia.training.points_task import POINTS_WEIGHT, PointsTask
from commedia.training.recipes import recipe_named

BASE = SfnBaseConfig(stem=8, widths=(8, 16, 16), blocks=(1, 1, 1), fine=8)
POINTS = SfnPointsConfig(BASE, points=70, channels=8, hidden=8)
CLOSE_UPS = CloseUpsConfig(widths=(8, 8, 8), cell_channels=2, hidden=8)


def small(name: str, network: object) -> Recipe:
    recipe = recipe_named(name)
    optimisation = replace(recipe.optimisation, batch_size=4, precision="32-true")
    data = replace(recipe.data, validation_share=0.25, epoch_steps=2)
    return replace(recipe, network=network, optimisation=optimisation, data=data)


def test_every_part_moves(shards: Path, model: FaceModel, tmp_path: Path) -> None:
    recipe = small("sfn-close", SfnCloseConfig(POINTS, CLOSE_UPS, hidden=8))
    task = CloseTask(recipe, [shards / "singles.tar"], model, seed=0)
    before = {name: tensor.clone() for name, tensor in task.network.named_parameters()}
    trainer = Trainer(task, tmp_path, RunConfig(accelerator="cpu"))
    for step in range(3):
        trainer.step(task.batch(step), 1e-2, 1.0)
    still = {name for name, tensor in task.network.named_parameters() if torch.equal(tensor, before[name])}
    assert still == {"presence.weight", "presence.bias"}, "taught afterwards, by scripts/teach_presence.py"


@torch.no_grad()
def test_each_part_answers_for_itself(shards: Path, model: FaceModel) -> None:
    """A part's own opinion costs nothing through the other's, and counts though the common answer stays as it is."""
    task = CloseTask(small("sfn-close", SfnCloseConfig(POINTS, CLOSE_UPS)), [shards / "singles.tar"], model, seed=0)
    batch = task.batch(0)
    read = task.read(task.network.eval(), task.pixels(batch))
    truth = torch.logit(batch.targets.expression, eps=1e-3)
    base, close = read.logits
    better = [(truth, close), (base, truth)]
    costs = [float(task.loss(read._replace(logits=logits), batch, 1.0).total) for logits in better]
    assert max(costs) < float(task.loss(read, batch, 1.0).total)
    knowing = read._replace(faces=read.faces._replace(expression=batch.targets.expression))
    parts = dict(task.loss(knowing, batch, 1.0).parts)
    assert float(parts["expression"]) == pytest.approx(0, abs=1e-6)
    torch.testing.assert_close(parts["parts"], dict(task.loss(read, batch, 1.0).parts)["parts"])


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("sfn-points", POINTS),
        ("close-ups", CLOSE_UPS),
        ("sfn-close", SfnCloseConfig(POINTS, CLOSE_UPS, hidden=8)),
    ],
)
def test_every_part_trains_and_resumes(
    name: str, network: object, shards: Path, model: FaceModel, tmp_path: Path
) -> None:
    recipe, run = small(name, network), RunConfig(accelerator="cpu", quiet=True)
    weights = train(recipe, [shards / "singles.tar"], tmp_path, Budget(steps=2), run, model=model)
    first = weights.read_bytes()
    again = train(recipe, [shards / "singles.tar"], tmp_path, Budget(steps=3), run, model=model)
    assert again.read_bytes() != first
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3


def test_points_add_their_mean_distance(shards: Path, model: FaceModel) -> None:
    task = PointsTask(small("sfn-points", POINTS), [shards / "singles.tar"], model, seed=0)
    batch = task.batch(0)
    outputs = task.network.eval()(task.pixels(batch))
    loss = task.loss(outputs, batch, tau=1.0)
    parts = dict(loss.parts)
    torch.testing.assert_close(
        loss.total, task._face_loss(outputs.faces, batch, 1.0).total + POINTS_WEIGHT * parts["points"]
    )
    moved = outputs._replace(points=outputs.points + 100.0)
    farther = dict(task.loss(moved, batch, tau=1.0).parts)["points"]
    # Far away on one side of everything, each coordinate is 100 farther, up to where it began.
    assert float(farther.detach()) == pytest.approx(100.0, abs=2.0)


def test_what_nobody_can_label_is_believed_to_rest_a_little(shards: Path, model: FaceModel) -> None:
    batch = PointsTask(small("sfn-points", POINTS), [shards / "singles.tar"], model, seed=0).batch(0)
    unknown = batch.targets._replace(expression_trust=torch.zeros_like(batch.targets.expression_trust))
    believed = faintly_resting(unknown).expression_trust
    rare = [EXPRESSION_INDEX[name] for name in RARE_UNITS]
    assert (believed[:, rare] == RARE_TRUST).all()
    assert (np.delete(believed.numpy(), rare, axis=1) == np.float32(FAINT_TRUST)).all()
    known = batch.targets._replace(expression_trust=torch.full_like(batch.targets.expression_trust, 0.4))
    assert (faintly_resting(known).expression_trust == 0.4).all()
    assert 0 < FAINT_TRUST < RARE_TRUST < 0.4


def test_hard_units_count_for_more_and_what_nobody_knows_still_for_nothing(shards: Path, model: FaceModel) -> None:
    task = CloseTask(small("sfn-close", SfnCloseConfig(POINTS, CLOSE_UPS)), [shards / "singles.tar"], model, seed=0)
    targets = task.batch(0).targets
    targets = targets._replace(expression_trust=torch.ones_like(targets.expression_trust))
    targets.expression_trust[0] = 0
    weight = weighed(targets).expression_trust
    hard = torch.zeros(len(EXPRESSION_INDEX), dtype=torch.bool)
    hard[[EXPRESSION_INDEX[name] for name in HARD_UNITS]] = True
    assert torch.equal(weight[1:, hard], torch.full_like(weight[1:, hard], HARD_WEIGHT))
    assert torch.equal(weight[1:, ~hard], torch.ones_like(weight[1:, ~hard]))
    assert not weight[0].any()
