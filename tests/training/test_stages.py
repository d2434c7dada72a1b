"""Recipes of several stages: budget, frozen parts, how a stage ends, what the card says, and going on in the middle."""

import copy
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from torch import nn

from commedia.errors import UnknownName
from commedia.networks.registry import network_for
from commedia.networks.weights import facts_of_weights, network_from_weights
from commedia.training.checkpoints import Average, Progress
from commedia.training.config import Budget, Finish, Optimisation, Recipe
from commedia.training.face_model import FaceModel
from commedia.training.freeze import freeze, train_mode
from commedia.training.loop import RunConfig, train
from commedia.training.recipes import RECIPES, recipe_named
from commedia.training.schedules import optimiser_for, set_rate

QUIET = RunConfig(seed=1, accelerator="cpu", quiet=True, commit="abc")


@pytest.fixture(scope="module")
def staged() -> Recipe:
    """Two steps of which the first leaves the trunk alone."""
    smoke = recipe_named("sfn-smoke")
    optimisation = Optimisation(learning_rate=1e-3, batch_size=2)
    stage = replace(smoke.stages[0], optimisation=optimisation)
    heads = replace(stage, name="heads", share=0.5, frozen=("trunk",), finish=Finish("mean", over=1.0))
    return replace(smoke, name="staged", stages=(heads, replace(stage, name="all", share=0.5)))


def test_frozen_parts_stay_and_the_others_move() -> None:
    torch.manual_seed(0)
    network = network_for(recipe_named("sfn-smoke").network)
    before = copy.deepcopy(network.state_dict())
    freeze(network, ("trunk", "pose" if hasattr(network, "pose") else "wxyz"))
    train_mode(network, ("trunk", "wxyz"))
    optimiser = optimiser_for(network, Optimisation("adamw", weight_decay=0.1))
    for _ in range(2):
        sum(part.square().sum() for part in network(torch.rand(4, 3, 128, 128))).backward()
        optimiser.step()
    for name, tensor in network.state_dict().items():
        if name.startswith(("trunk.", "wxyz.")):
            assert torch.equal(tensor, before[name]), name
        elif name.endswith("last.weight"):
            assert not torch.equal(tensor, before[name]), name
    held = sum(name.startswith(("trunk.", "wxyz.")) for name, _ in network.named_parameters())
    assert sum(len(group["params"]) for group in optimiser.param_groups) == len(list(network.parameters())) - held > 0


def test_slow_parts_move_by_their_share_of_the_rate() -> None:
    torch.manual_seed(0)
    network = network_for(recipe_named("sfn-smoke").network)
    before = copy.deepcopy(network.state_dict())
    optimiser = optimiser_for(network, Optimisation("adam", slow=("trunk",), slow_share=0.25))
    set_rate(optimiser, 1e-3)
    sum(part.square().sum() for part in network(torch.rand(4, 3, 128, 128))).backward()
    optimiser.step()
    # The first step of Adam is the rate itself, whatever the gradient's size.
    far = {
        is_slow: max(
            float((part.detach() - before[name]).abs().max())
            for name, part in network.named_parameters()
            if name.startswith("trunk.") == is_slow
        )
        for is_slow in (True, False)
    }
    assert far[True] == pytest.approx(2.5e-4, rel=0.01)
    assert far[False] == pytest.approx(1e-3, rel=0.01)


def test_a_prefix_that_means_nothing_is_refused() -> None:
    network = network_for(recipe_named("sfn-smoke").network)
    with pytest.raises(UnknownName, match="module to freeze 'trunkk'; did you mean 'trunk"):
        freeze(network, ("trunkk",))


def test_the_mean_of_the_last_weights_is_their_mean() -> None:
    network, progress = nn.Linear(1, 1, bias=False), Progress()
    average = Average(copy.deepcopy(network), 0.9, Finish("mean", over=0.5))
    for share, value in ((0.0, 100.0), (0.25, 50.0), (0.5, 1.0), (0.75, 2.0), (0.99, 6.0)):
        nn.init.constant_(network.weight, value)
        average.update(network, progress, share)
    assert average.network.weight.item() == pytest.approx(3.0)
    assert (progress.averaged, progress.in_mean) == (2, 3)


def test_stages_follow_each_other_and_are_told_on_the_card(
    staged: Recipe, shards: Path, model: FaceModel, tmp_path: Path
) -> None:
    straight = train(staged, [shards], tmp_path / "a", Budget(steps=4), QUIET, model=model)
    stages = json.loads(facts_of_weights(straight)["stages"])
    assert [(stage["name"], stage["steps"], stage["commit"], stage["seed"]) for stage in stages] == [
        ("heads", 2, "abc", 1),
        ("all", 2, "abc", 1),
    ]
    face_crops = (shards / "singles.tar").read_bytes()
    assert stages[0]["shards"]["singles.tar"] == sha256(face_crops).hexdigest()
    assert stages[0]["config"]["frozen"] == ["trunk"]
    assert stages[1]["config"]["optimisation"]["batch_size"] == 2
    assert (tmp_path / "a" / "log-heads.csv").exists()
    assert (tmp_path / "a" / "log-all.csv").exists()
    # A run that ends at the seam goes on in the second stage, with the weights that the first one ended with.
    train(replace(staged, stages=(replace(staged.stages[0], share=1.0),)), [shards], tmp_path / "b", Budget(steps=2),
          QUIET, model=model)  # fmt: skip
    resumed = train(staged, [shards], tmp_path / "b", Budget(steps=4), replace(QUIET, resume=True), model=model)
    assert json.loads(facts_of_weights(resumed)["stages"])[1]["steps"] == 2
    first, second = (network_from_weights(path).state_dict() for path in (straight, resumed))
    for key, tensor in first.items():
        assert torch.equal(tensor, second[key]), key


def test_another_rate_is_that_of_every_stage_and_changes_nothing_else(staged: Recipe) -> None:
    faster = staged.at_rate(2.5e-3)
    assert [stage.optimisation.learning_rate for stage in faster.stages] == [2.5e-3, 2.5e-3]
    assert faster.at_rate(1e-3) == staged


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_spans_of_stages_fill_the_budget(recipe: Recipe) -> None:
    spans = [recipe.span(stage) for stage in range(len(recipe.stages))]
    assert [0.0, *(end for _, end in spans)] == [*(begin for begin, _ in spans), 1.0]
