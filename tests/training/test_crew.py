"""Processes that train together take one step: the mean of what each has learned, from batches of their own."""

import copy
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from commedia.errors import TrainingFailed
from commedia.networks.weights import network_from_weights
from commedia.training.config import Budget, Recipe
from commedia.training.crew import Crew, with_crew
from commedia.training.face_model import FaceModel
from commedia.training.loop import RunConfig, Trainer, recipe_of_one, task_for, train
from commedia.training.recipes import recipe_named

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")

RUN = RunConfig(seed=1, accelerator="cpu", quiet=True)
STEPS = 3


@dataclass(frozen=True)
class Told(Crew):
    """A crew of one that is told what the other one has learned."""

    gradients: list[Tensor] = field(default_factory=list)

    def average(self, parameters: object) -> None:
        for parameter, other in zip(parameters, self.gradients, strict=True):  # type: ignore[call-overload]
            if parameter.grad is not None:
                parameter.grad.add_(other).div_(2)


def constant(name: str) -> Recipe:
    recipe = recipe_named(name)
    return replace(recipe, optimisation=replace(recipe.optimisation, schedule="plateau", learning_rate=1e-3))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Adam turns the rounding of gradients near zero into whole steps, and two threads round otherwise than one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_two_processes_learn_what_one_would_from_the_mean_of_their_gradients(
    shards: Path, model: FaceModel, tmp_path: Path
) -> None:
    recipe = constant("sfn-smoke")
    recipe = replace(recipe, loss=replace(recipe.loss, tau=replace(recipe.loss.tau, kind="constant")))
    together = train(recipe, [shards], tmp_path / "two", Budget(steps=STEPS), replace(RUN, processes=2), model=model)

    task = task_for(recipe_of_one(recipe, 2), [shards], RUN, model)
    trainer = Trainer(task, tmp_path / "one", RUN, Told())
    for step in range(STEPS):
        other = copy.deepcopy(trainer.plain)
        batch = task.batch(2 * step + 1)
        task.loss(task.read(other, task.pixels(batch)), batch, recipe.loss.tau.start).total.backward()
        trainer.crew.gradients[:] = [_gradient(parameter) for parameter in other.parameters()]  # type: ignore[attr-defined]
        trainer.step(task.batch(2 * step), 1e-3, recipe.loss.tau.start)
        trainer.progress.step += 1

    alone = trainer.average.network.state_dict()
    for key, tensor in network_from_weights(together).state_dict().items():
        torch.testing.assert_close(tensor, alone[key], rtol=1e-5, atol=1e-7, msg=key)
    assert (tmp_path / "two" / "log.csv").read_text().count("\n") == 3, "the leader alone writes"


def _gradient(parameter: nn.Parameter) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def test_everybody_hears_the_leader_and_the_mean(tmp_path: Path) -> None:
    def work(crew: Crew) -> None:
        parameter = nn.Parameter(torch.zeros(2))
        parameter.grad = torch.tensor([1.0, 2.0 * crew.rank])
        still = nn.Parameter(torch.zeros(1))
        crew.average([parameter, still])
        assert still.grad is None
        heard = crew.agreed(0.25 + crew.rank)
        (tmp_path / str(crew.rank)).write_text(f"{parameter.grad.tolist()} {heard}")

    threads = torch.get_num_threads()
    with_crew(3, work)
    assert {path.read_text() for path in tmp_path.iterdir()} == {"[1.0, 2.0] 0.25"}
    assert len(list(tmp_path.iterdir())) == 3
    assert torch.get_num_threads() == threads


def test_losing_one_ends_the_training_with_its_number() -> None:
    def work(crew: Crew) -> None:
        if crew.rank == 1:
            os._exit(7)
        crew.agreed(0.0)
        crew.agreed(0.0)

    with pytest.raises(TrainingFailed, match="process 1 of 2 ended with code 7"):
        with_crew(2, work)


def test_an_error_of_the_leader_stays_what_it_is() -> None:
    def work(crew: Crew) -> None:
        if crew.leads:
            raise FloatingPointError("the loss is nan")
        crew.agreed(0.0)

    with pytest.raises(FloatingPointError, match="nan"):
        with_crew(2, work)


@pytest.mark.parametrize("processes", [0, 3, -1])
def test_batches_that_cannot_be_shared_are_refused(processes: int, shards: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingFailed, match=r"as many as divide it: \[1, 2, 4\]"):
        train(recipe_named("sfn-smoke"), [shards], tmp_path, Budget(steps=1), replace(RUN, processes=processes))
    assert not list(tmp_path.iterdir())
