"""Training end to end on drawn faces: resume is exact, a network learns, files are whole."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from commedia.errors import RunExists, UnknownName, WeightsMismatch
from commedia.losses.faces import TauSchedule
from commedia.networks.weights import facts_of_weights, network_from_weights
from commedia.training.checkpoints import Progress
from commedia.training.config import Budget, Optimisation
from commedia.training.face_model import FaceModel
from commedia.training.loop import RunConfig, train
from commedia.training.recipe_parts import varied
from commedia.training.recipes import RECIPES, recipe_named
from commedia.training.schedules import learning_rate, watch_plateau

QUIET = RunConfig(seed=1, accelerator="cpu", quiet=True)
GO_ON = replace(QUIET, resume=True)


@pytest.mark.parametrize("name", ["sfn-smoke", "mfn-smoke"])
def test_two_steps_and_resume_to_four_equal_four_straight(
    name: str, shards: Path, model: FaceModel, tmp_path: Path
) -> None:
    # The plateau schedule's rate does not look at the budget, so that both runs may be told different ones.
    recipe = recipe_named(name)
    optimisation = replace(recipe.stages[0].optimisation, schedule="plateau", learning_rate=1e-3)
    recipe = varied(recipe, name, optimisation=optimisation, tau=TauSchedule("constant"))
    straight = train(recipe, [shards], tmp_path / "a", Budget(steps=4), QUIET, model=model)
    train(recipe, [shards], tmp_path / "b", Budget(steps=2), QUIET, model=model)
    resumed = train(recipe, [shards], tmp_path / "b", Budget(steps=4), GO_ON, model=model)
    first, second = (network_from_weights(path).state_dict() for path in (straight, resumed))
    for key, tensor in first.items():
        assert torch.equal(tensor, second[key]), key
    assert (tmp_path / "b" / "log.csv").read_text().count("\n") == 3
    for file in ("checkpoint.pt", "curves.png", "predictions.png"):
        assert (tmp_path / "b" / file).stat().st_size > 1000
    assert not list((tmp_path / "b").glob(".*"))
    assert facts_of_weights(resumed)["head_sha256"] == "drawn"


def test_a_network_learns_drawn_faces(shards: Path, model: FaceModel, tmp_path: Path) -> None:
    recipe = recipe_named("sfn-smoke")
    stage = recipe.stages[0]
    recipe = varied(
        recipe,
        recipe.name,
        augmentation=replace(stage.augmentation, degrade=0.0, erase=0.0, roll_deg=5.0, flip=0.0),
        optimisation=replace(stage.optimisation, batch_size=12, ema_decay=0.5),
        data=replace(stage.data, epoch_steps=1000),
    )
    train(recipe, [shards], tmp_path / "few", Budget(steps=1), QUIET, model=model)
    train(recipe, [shards], tmp_path / "many", Budget(steps=60), QUIET, model=model)
    errors = []
    for run in ("few", "many"):
        header, *_, last = (tmp_path / run / "log.csv").read_text().splitlines()
        errors.append(float(last.split(",")[header.split(",").index("val_error")]))
    assert errors[1] < 0.8 * errors[0]


def test_another_recipes_checkpoint_is_refused(shards: Path, model: FaceModel, tmp_path: Path) -> None:
    train(recipe_named("sfn-smoke"), [shards], tmp_path, Budget(steps=1), QUIET, model=model)
    with pytest.raises(WeightsMismatch, match="'sfn-smoke', not by 'other'"):
        train(replace(recipe_named("sfn-smoke"), name="other"), [shards], tmp_path, Budget(steps=2), GO_ON, model=model)
    with pytest.raises(RunExists, match="--resume"):
        train(recipe_named("sfn-smoke"), [shards], tmp_path, Budget(steps=2), QUIET, model=model)


def test_relabelling_needs_and_uses_a_teacher(shards: Path, model: FaceModel, tmp_path: Path) -> None:
    recipe = recipe_named("mfn-smoke")
    recipe = varied(recipe, recipe.name, data=replace(recipe.stages[0].data, relabel=True))
    with pytest.raises(WeightsMismatch, match="teacher"):
        train(recipe, [shards], tmp_path / "x", Budget(steps=1), QUIET, model=model)
    teacher = train(recipe_named("sfn-smoke"), [shards], tmp_path / "sfn", Budget(steps=1), QUIET, model=model)
    run = replace(QUIET, teacher=teacher, init_from=teacher)
    assert train(recipe, [shards], tmp_path / "mfn", Budget(steps=1), run, model=model).exists()


def test_schedules() -> None:
    cosine = Optimisation(schedule="cosine", learning_rate=1.0)
    rates = [learning_rate(cosine, share, Progress()) for share in (0.0, 0.02, 0.51, 1.0)]
    assert rates == pytest.approx([0.05, 1.0, 0.5, 0.0], abs=2e-6)
    progress = Progress()
    for loss in (1.0, *[1.0] * 5):
        watch_plateau(progress, loss)
    assert learning_rate(Optimisation(), 0.5, progress) == pytest.approx(1e-4)
    assert learning_rate(Optimisation(), 0.5, Progress(drops=9)) == 1e-6


def test_recipes_are_named_as_they_are_called() -> None:
    assert all(name == recipe.name for name, recipe in RECIPES.items())
    paper = RECIPES["sfn-paper"]
    assert not paper.network.norm
    optimisation = paper.stages[0].optimisation
    assert (optimisation.batch_size, optimisation.learning_rate) == (32, 1e-3)
    with pytest.raises(UnknownName, match="did you mean 'mfn-desktop'"):
        recipe_named("mfn-deskto")
