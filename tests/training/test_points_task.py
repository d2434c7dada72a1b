"""The points network trains: it begins with the trunk's points, and gets nearer to faces it sees again."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from commedia.networks.ours.points import PointsNet
from commedia.networks.registry import network_for
from commedia.training.config import Recipe
from commedia.training.face_model import FaceModel
from commedia.training.recipes import recipe_named
from commedia.training.schedules import optimiser_for, set_rate
from commedia.training.tasks import AT_THE_END
from tests.training.tasks import made_task


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Recipe:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    whole = recipe_named("points-desktop")
    stage = whole.stages[0]
    data = replace(stage.data, validation_share=0.25)
    return replace(whole, stages=(replace(stage, optimisation=replace(stage.optimisation, batch_size=6), data=data),))


def test_a_network_learns_what_it_sees_again(recipe: Recipe, shards: Path, model: FaceModel) -> None:
    torch.manual_seed(0)
    network: PointsNet = network_for(recipe.network)
    task = made_task(recipe, shards / "singles.tar", model, network=network)
    before = task.validate(network.eval())
    assert before.drawn == pytest.approx(before.begun) == pytest.approx(before.first)
    network.train()
    batch, losses = task.batch(0), []
    optimiser = optimiser_for(network, recipe.stages[0].optimisation)
    set_rate(optimiser, 3e-3)
    for _ in range(8):
        loss = task.loss(task.read(network, task.pixels(batch)), batch, AT_THE_END)
        optimiser.zero_grad()
        loss.total.backward()
        optimiser.step()
        losses.append(dict(loss.parts))
    assert losses[-1]["first"] < 0.9 * losses[0]["first"]
    assert losses[-1]["last"] < 0.9 * losses[0]["last"]
    assert losses[-1]["sure"] < losses[0]["sure"]


def test_every_crop_shows_its_face(recipe: Recipe, shards: Path, model: FaceModel) -> None:
    task = made_task(recipe, shards / "singles.tar", model)
    task.store.labelled[:] = False
    assert all((task.batch(step).targets.landmark_weight == 1).all() for step in range(12))


def test_photographs_are_trusted_less(recipe: Recipe, shards: Path, model: FaceModel) -> None:
    task = made_task(recipe, shards / "singles.tar", model)
    task.store.labelled[:] = False
    drawn = task.batch(0).targets.landmark_weight
    task.store.labelled[:] = True
    labelled = task.batch(0).targets.landmark_weight
    torch.testing.assert_close(labelled, recipe.stages[0].loss.photographs * drawn)
    assert drawn.max() == 1


def test_a_contact_sheet_is_drawn(recipe: Recipe, shards: Path, model: FaceModel) -> None:
    network = network_for(recipe.network)
    sheet = made_task(recipe, shards / "singles.tar", model, network=network).contact_sheet(network.eval())
    assert sheet.std() > 5
