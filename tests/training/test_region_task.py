"""SFN with patch readers trains: its loss falls on faces it sees again, and says nothing of what is unknown."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from commedia.networks.ours.sfn import SfnRegions
from commedia.networks.registry import network_for
from commedia.training.config import Recipe
from commedia.training.face_model import FaceModel
from commedia.training.recipes import recipe_named
from commedia.training.tasks import AT_THE_END
from tests.training.tasks import made_task


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Recipe:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    mobile = recipe_named("sfn-mobile")
    stage = mobile.stages[0]
    data = replace(stage.data, validation_share=0.25)
    return replace(mobile, stages=(replace(stage, optimisation=replace(stage.optimisation, batch_size=6), data=data),))


def test_a_network_begins_with_the_mean_face_and_learns(recipe: Recipe, shards: Path, model: FaceModel) -> None:
    torch.manual_seed(0)
    network: SfnRegions = network_for(recipe.network)
    task = made_task(recipe, shards / "singles.tar", model, network=network)
    assert task.validate(network).points < 25
    batch, optimiser = task.batch(0), torch.optim.Adam(network.parameters(), 1e-3)
    losses = []
    for _ in range(6):
        loss = task.loss(task.read(network.train(), task.pixels(batch)), batch, AT_THE_END)
        optimiser.zero_grad()
        loss.total.backward()
        optimiser.step()
        losses.append(dict(loss.parts) | {"total": loss.total})
    assert losses[-1]["total"] < 0.9 * losses[0]["total"]
    assert all(losses[-1][part] < losses[0][part] for part in ("regions", "points", "expression"))


def test_faces_without_labels_teach_nothing_but_their_presence(recipe: Recipe, shards: Path, model: FaceModel) -> None:
    network: SfnRegions = network_for(recipe.network)
    task = made_task(recipe, shards / "singles.tar", model, network=network)
    batch = task.batch(0)
    nothing = batch.targets._replace(
        **{name: torch.zeros_like(part) for name, part in batch.targets._asdict().items() if name.endswith("weight")}
    )
    read = task.read(network.train(), task.pixels(batch))
    unknown = batch._replace(targets=nothing, present=torch.zeros_like(batch.present))
    parts = dict(task.loss(read, unknown, AT_THE_END).parts)
    assert parts.pop("presence") > 0
    assert all(part == 0 for part in parts.values())


def test_a_contact_sheet_is_drawn(recipe: Recipe, shards: Path, model: FaceModel) -> None:
    network = network_for(recipe.network)
    sheet = made_task(recipe, shards / "singles.tar", model, network=network).contact_sheet(network.eval())
    assert sheet.shape[2] == 3
    assert sheet.std() > 5
