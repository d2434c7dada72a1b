"""The one training loop: any recipe, CPU or GPU, resumable, within a budget of minutes or steps.

Written into the run's folder: `checkpoint.pt` (everything needed to go on), `weights.safetensors` (the averaged
weights, what `export` takes), and for each stage `log.csv`, `curves.png`, `predictions.png`.
"""

import copy
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import torch
from lightning_fabric import Fabric
from rich.console import Console
from torch import nn

from commedia.errors import RunExists, WeightsMismatch
from commedia.losses.faces import Loss
from commedia.networks.registry import config_from_json, config_to_json, kind_of, network_for, spec_of
from commedia.networks.weights import Begun, network_from_weights, save_weights, start_from
from commedia.training.batches import prefetched
from commedia.training.checkpoints import Average, Progress, load_checkpoint, save_checkpoint
from commedia.training.config import Budget, Precision, Recipe
from commedia.training.face_model import FaceModel, default_face_model
from commedia.training.freeze import freeze, train_mode
from commedia.training.log import TrainingLog
from commedia.training.norms import measure_norms
from commedia.training.pictures import ShardPictures
from commedia.training.provenance import stage_record, stages_to_text
from commedia.training.schedules import learning_rate, optimiser_for, set_rate, watch_plateau
from commedia.training.tasks import RunShare, Task, TaskSetup

CHECKPOINT_S = 180.0
NAMED = 6
"""Parameters that are named of those that begin untrained."""


@dataclass(frozen=True)
class RunConfig:
    """What may differ between two runs of one recipe."""

    seed: int = 0
    init_from: Path | None = None
    """Weights to start from where names and shapes fit, .safetensors or .onnx; SFN's trunk fits MFN's."""
    teacher: Path | None = None
    """SFN weights, for recipes that relabel."""
    accelerator: str = "auto"
    workers: int = 1
    """Threads that prepare batches."""
    quiet: bool = False
    resume: bool = False
    """Go on from the checkpoint in the run's folder, if there is one."""
    commit: str = "unknown"
    """Of the code, for the card."""


def train(
    recipe: Recipe,
    shards: Sequence[Path],
    out: Path,
    budget: Budget,
    run: RunConfig | None = None,
    *,
    model: FaceModel | None = None,
) -> Path:
    """Train until the budget is used and return the weights file.

    `shards` are files or folders; `model` is the head to train for, by default the one that ships. Raises RunExists
    when `out` holds a checkpoint and the run was not told to resume.
    """
    cv2.setNumThreads(1)
    trainer = Trainer(recipe, ShardPictures(shards), out, run or RunConfig(), model or default_face_model())
    while True:
        _train_stage(trainer, budget)
        if trainer.progress.stage == len(recipe.stages) - 1:
            return trainer.weights
        trainer.next_stage()


def _train_stage(trainer: "Trainer", budget: Budget) -> None:
    """Make the steps of the present stage."""
    progress, task, run, stage = trainer.progress, trainer.task, trainer.run, trainer.stage
    begin, end = trainer.recipe.span(progress.stage)
    started, saved = budget.clock() - progress.elapsed_s, time.monotonic()
    log = TrainingLog(trainer.out, budget, trainer.recipe, progress, quiet=run.quiet)
    batches = prefetched(task.batch, progress.step, workers=run.workers, ahead=2 + 2 * run.workers)
    with log, closing(batches):
        while (used := budget.share(progress.step, progress.elapsed_s)) < end:
            share = max(0.0, (used - begin) / (end - begin))
            told = RunShare(stage.tau.at(epoch=progress.epoch, share=share), share)
            rate = learning_rate(stage.optimisation, share, progress)
            loss = trainer.step(next(batches), rate, told)
            progress.step += 1
            progress.elapsed_s = budget.clock() - started
            log.step(loss, progress)
            last = budget.share(progress.step, progress.elapsed_s) >= end
            if progress.step % task.epoch_steps == 0 or last:
                validation = task.validate(trainer.average.network)
                watch_plateau(progress, validation.loss)
                log.epoch(task, trainer.average.network, progress, validation, rate=rate, tau=told.tau, last=last)
                progress.epoch += 1
            if last or time.monotonic() - saved > CHECKPOINT_S:
                trainer.save()
                saved = time.monotonic()


class Trainer:
    """The state of a run: network, average, optimiser, progress; and the one step that changes it."""

    task: Task

    def __init__(self, recipe: Recipe, pictures: ShardPictures, out: Path, run: RunConfig, model: FaceModel):
        self.recipe, self.pictures, self.out, self.run, self.model = recipe, pictures, out, run, model
        self.checkpoint, self.weights = out / "checkpoint.pt", out / "weights.safetensors"
        if self.checkpoint.exists() and not run.resume:
            raise RunExists(self.checkpoint)
        self.teacher = _teacher(recipe, run)
        self.plain = untrained(recipe, run)
        self.progress = Progress()
        if self.checkpoint.exists():
            self._resume()
        else:
            out.mkdir(parents=True, exist_ok=True)
            self._begin()

    @property
    def stage(self) -> Any:
        return self.recipe.stages[self.progress.stage]

    def step(self, batch: object, rate: float, told: RunShare) -> Loss:
        """Move the weights once."""
        set_rate(self.optimiser, rate)
        outputs = self.task.read(self.network, self.fabric.to_device(self.task.pixels(batch)))
        loss = self.task.loss(outputs, batch, told)
        self.fabric.backward(loss.total)
        if clip := self.stage.optimisation.clip_norm:
            self.fabric.clip_gradients(self.network, self.optimiser, max_norm=clip, error_if_nonfinite=False)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.average.update(self.plain, self.progress, told.share)
        return loss

    def next_stage(self) -> None:
        """Note what the stage was, and begin the next one with the weights it ends with."""
        self.plain.load_state_dict(self.average.network.state_dict())
        self.progress.finished.append(self._record())
        self.progress.begin(self.progress.stage + 1)
        self._begin()

    def save(self) -> None:
        """Write the checkpoint and the averaged weights."""
        facts = {
            "recipe": self.recipe.name,
            "head_sha256": self.model.sha256,
            "seed": str(self.run.seed),
            "step": str(self.progress.step),
            "minutes": f"{self.progress.elapsed_s / 60:.1f}",
            "stages": stages_to_text([*self.progress.finished, self._record()]),
        }
        save_checkpoint(
            self.checkpoint,
            {
                "recipe": self.recipe.name,
                "config": config_to_json(self.plain),
                "network": self.plain.state_dict(),
                "average": self.average.network.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "progress": vars(self.progress),
                "random": torch.get_rng_state(),
            },
        )
        save_weights(self.weights, self.average.network, facts)

    def _begin(self) -> None:
        """Make the present stage's task, optimiser and average."""
        config, stage = self.stage.optimisation, self.stage
        self.task = self.recipe.task(
            TaskSetup(self.plain, stage, self.pictures, self.model, self.run.seed, self.teacher)
        )
        if not self.progress.step:
            measure_norms(self.plain, self.task)
        self.fabric = Fabric(accelerator=self.run.accelerator, devices=1, precision=native_precision(config.precision))
        freeze(self.plain, stage.frozen)
        self.average = Average(copy.deepcopy(self.plain), config.ema_decay, stage.finish)
        self.fabric.to_device(self.average.network)
        self.network, self.optimiser = self.fabric.setup(self.plain, optimiser_for(self.plain, config))
        train_mode(self.plain, stage.frozen)
        if hasattr(self.plain, "read"):
            self.network.mark_forward_method("read")

    def _resume(self) -> None:
        state = load_checkpoint(self.checkpoint, self.recipe.name)
        try:
            self.progress = Progress(**state["progress"])
            self.plain.config = config_from_json(kind_of(self.plain), state["config"])
            self._begin()
            self.plain.load_state_dict(state["network"])
            self.average.network.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            torch.set_rng_state(state["random"])
        except (KeyError, RuntimeError, TypeError, ValueError, IndexError) as problem:
            raise WeightsMismatch(f"'{self.checkpoint}' is not a checkpoint of this network: {problem}") from problem

    def _record(self) -> dict[str, Any]:
        before = self.progress.finished
        return stage_record(
            self.stage,
            self.plain,
            [*self.pictures.paths, *getattr(self.task, "files_beside", ())],
            commit=self.run.commit,
            seed=self.run.seed,
            steps=self.progress.step - sum(stage["steps"] for stage in before),
            minutes=self.progress.elapsed_s / 60 - sum(stage["minutes"] for stage in before),
            init_from=self.run.init_from if not before else None,
        )


def native_precision(wanted: Precision) -> Precision:
    """Fall back to 32 bit where half precision would be emulated, which makes a CPU several times slower."""
    half_in_hardware = torch.cuda.is_available() or torch.cpu._is_avx512_bf16_supported()
    return wanted if half_in_hardware else "32-true"


def untrained(recipe: Recipe, run: RunConfig) -> nn.Module:
    """Make the network that a run starts from; the same seed makes the same one."""
    torch.manual_seed(run.seed)
    network = network_for(recipe.network)
    if run.init_from is not None:
        begun = start_from(run.init_from, network)
        if not run.quiet:
            Console().print(_report(run.init_from, begun), markup=False, highlight=False)
    return network


def _report(weights: Path, begun: Begun) -> str:
    """Say what a run begins with."""
    first, more = begun.untrained[:NAMED], len(begun.untrained) - NAMED
    untrained = ", ".join(first) + (f" and {more} more" if more > 0 else "") or "nothing"
    return f"begins with {begun.copied} tensors of '{weights}'; untrained: {untrained}"


def _teacher(recipe: Recipe, run: RunConfig) -> nn.Module | None:
    if not any(stage.data.relabel for stage in recipe.stages):
        return None
    if run.teacher is None:
        raise WeightsMismatch(f"the recipe '{recipe.name}' takes its labels from an SFN; name its weights (teacher)")
    teacher = network_from_weights(run.teacher)
    if not spec_of(teacher).reads_faces:
        raise WeightsMismatch(f"'{run.teacher}' holds a {type(teacher).__name__}; the teacher must be an SFN")
    return teacher
