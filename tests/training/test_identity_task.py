"""The identity network trains: it begins as SFN, and who is photographed teaches nothing."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch

from commedia.errors import BadShard
from commedia.networks.ours.identity import IdentityNet
from commedia.networks.ours.sfn import SfnRegions
from commedia.networks.registry import made_up_pictures, network_for
from commedia.networks.weights import facts_of_weights, save_weights, start_from
from commedia.training.config import Budget, Recipe
from commedia.training.face_model import FaceModel
from commedia.training.face_store import open_store
from commedia.training.identity_task import with_shape_weights
from commedia.training.loop import RunConfig, train
from commedia.training.recipes import recipe_named
from commedia.training.tasks import AT_THE_END
from tests.training.tasks import made_task


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Recipe:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    whole = recipe_named("identity-desktop")
    stage = whole.stages[0]
    data = replace(stage.data, validation_share=0.25)
    small = replace(stage.optimisation, batch_size=6)
    return replace(whole, stages=(replace(stage, optimisation=small, data=data),))


def test_a_network_learns_who_it_sees(recipe: Recipe, shards: Path, model: FaceModel) -> None:
    torch.manual_seed(0)
    network: IdentityNet = network_for(recipe.network)
    task = made_task(recipe, shards / "singles.tar", model, network=network)
    network.train()
    batch, losses = task.batch(0), []
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(6):
        loss = task.loss(task.read(network, task.pixels(batch)), batch, AT_THE_END)
        optimiser.zero_grad()
        loss.total.backward()
        optimiser.step()
        losses.append(dict(loss.parts))
    assert losses[-1]["rest"] < 0.8 * losses[0]["rest"]
    assert losses[-1]["frame"] < 0.8 * losses[0]["frame"]
    assert losses[-1]["points"] < 0.8 * losses[0]["points"]


def test_an_untrained_network_says_what_sfn_says(recipe: Recipe, tmp_path: Path) -> None:
    torch.manual_seed(0)
    sfn = SfnRegions(recipe.network.tracker)
    save_weights(tmp_path / "sfn.safetensors", sfn, {})
    network = network_for(recipe.network)
    start_from(tmp_path / "sfn.safetensors", network)
    pictures = made_up_pictures(2, 192)
    said, read = sfn.eval().read_crops(pictures), network.eval().read(pictures)
    torch.testing.assert_close(read.identity, said.faces.identity)
    torch.testing.assert_close(read.points, said.points)
    torch.testing.assert_close(read.logits, said.logits)
    torch.testing.assert_close(read.expression, said.faces.expression)


def test_photographs_and_those_held_back_are_never_drawn(
    recipe: Recipe, shards: Path, model: FaceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = made_task(recipe, shards / "singles.tar", model)
    assert not task.chances[task.held].any()
    store = task.store
    np.testing.assert_array_equal(task.chances[store.labelled], 0)
    store.faces.identity_weight[:] = 0
    monkeypatch.setattr("commedia.training.identity_task.open_store", lambda paths: store)
    with pytest.raises(BadShard, match="too few drawn people"):
        made_task(recipe, shards / "singles.tar", model)


def test_the_file_says_what_training_reads(recipe: Recipe) -> None:
    torch.manual_seed(0)
    network: IdentityNet = network_for(recipe.network).eval()
    pictures = made_up_pictures(2, 192)
    said, read = network(pictures), network.read(pictures)
    torch.testing.assert_close(said.identity, read.identity)
    torch.testing.assert_close(said.sure, read.sure)
    torch.testing.assert_close(said.expression, read.expression)


def test_weights_beside_a_shard_replace_its_expressions(recipe: Recipe, shards: Path, tmp_path: Path) -> None:
    shard = tmp_path / "singles.tar"
    shard.write_bytes((shards / "singles.tar").read_bytes())
    store = open_store([shard, shard])
    count = len(store) // 2
    assert with_shape_weights(store, [shard, shard]).faces.expression.tolist() == store.faces.expression.tolist()
    beside, weights = tmp_path / "singles.shape.npz", np.random.default_rng(0).normal(size=(count, 52))
    np.savez(beside, weights=weights)
    found = with_shape_weights(store, [shard, shard]).faces.expression
    np.testing.assert_allclose(found, np.tile(weights, (2, 1)), rtol=1e-6)
    np.savez(beside, weights=weights[1:])
    with pytest.raises(BadShard, match=r"singles\.shape\.npz"):
        with_shape_weights(open_store([shard]), [shard])
    beside.write_bytes(b"PK and no more")
    with pytest.raises(BadShard, match="cannot read weights"):
        with_shape_weights(open_store([shard]), [shard])
    np.savez(beside, weights=weights)
    (other := tmp_path / "other.tar").write_bytes(shard.read_bytes())
    with pytest.raises(BadShard, match=r"'singles\.tar' has a \.shape\.npz beside it and 'other\.tar' has none"):
        with_shape_weights(open_store([shard, other]), [shard, other])


def test_a_card_names_weights_beside_a_shard_where_they_teach(
    recipe: Recipe, shards: Path, model: FaceModel, tmp_path: Path
) -> None:
    shard, beside = tmp_path / "singles.tar", tmp_path / "singles.shape.npz"
    shard.write_bytes((shards / "singles.tar").read_bytes())
    np.savez(beside, weights=np.zeros((len(open_store([shard])), 52)))
    run = RunConfig(accelerator="cpu", quiet=True)
    for chosen, taught_by in ((recipe, [shard, beside]), (recipe_named("sfn-smoke"), [shard])):
        weights = train(chosen, [shard], tmp_path / chosen.name, Budget(steps=1), run, model=model)
        said = json.loads(facts_of_weights(weights)["stages"])[0]["shards"]
        assert said == {file.name: sha256(file.read_bytes()).hexdigest() for file in taught_by}


def test_a_contact_sheet_is_drawn(recipe: Recipe, shards: Path, model: FaceModel) -> None:
    network = network_for(recipe.network)
    sheet = made_task(recipe, shards / "singles.tar", model, network=network).contact_sheet(network.eval())
    assert sheet.std() > 5
