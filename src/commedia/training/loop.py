"""The one training loop: any recipe, CPU or GPU, resumable, within a budget of minutes or steps.

Written into the run's folder: `checkpoint.pt` (everything needed to go on), `weights.safetensors` (the averaged
weights, what `export` takes), `log.csv`, `curves.png`, `predictions.png`.
"""

import copy
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch
from lightning_fabric import Fabric
from torch import nn

from commedia.errors import WeightsMismatch
from commedia.losses.faces import FaceLossConfig
from commedia.networks.ours.close_ups import CloseUpsConfig
from commedia.networks.ours.sfn_close import SfnClose, SfnCloseConfig
from commedia.networks.ours.sfn_points import SfnPointsConfig
from commedia.networks.registry import MfnNetworkConfig, SfnNetwork
from commedia.networks.weights import network_from_weights, save_weights, start_from
from commedia.training.batches import prefetched
from commedia.training.checkpoints import Average, Progress, load_checkpoint, save_checkpoint
from commedia.training.close_task import CloseTask
from commedia.training.close_ups_task import CloseUpsTask
from commedia.training.config import Budget, Precision, Recipe
from commedia.training.face_model import FaceModel, default_face_model
from commedia.training.log import TrainingLog
from commedia.training.mfn_task import MfnTask
from commedia.training.points_task import PointsTask
from commedia.training.schedules import learning_rate, optimiser_for, watch_plateau
from commedia.training.sfn_task import SfnTask
from commedia.training.tasks import Loss, Task

CHECKPOINT_S = 180.0
_FACE_TASKS: dict[type, type[SfnTask]] = {
    CloseUpsConfig: CloseUpsTask,
    SfnPointsConfig: PointsTask,
    SfnCloseConfig: CloseTask,
}
"""Task of a network that reads one face; `SfnTask` for those not named."""


@dataclass(frozen=True)
class RunConfig:
    """What may differ between two runs of one recipe."""

    seed: int = 0
    init_from: Path | None = None
    """Weights to start from where names and shapes fit; SFN's trunk fits MFN's."""
    teacher: Path | None = None
    """SFN weights, for recipes that relabel."""
    accelerator: str = "auto"
    workers: int = 1
    """Threads that prepare batches."""
    quiet: bool = False


def train(
    recipe: Recipe,
    shards: Sequence[Path],
    out: Path,
    budget: Budget,
    run: RunConfig | None = None,
    *,
    model: FaceModel | None = None,
) -> Path:
    """Train until the budget is used and return the weights file; goes on from `out/checkpoint.pt` when there is one.

    `shards` are files or folders; `model` is the head to train for, by default the one that ships.
    """
    run = run or RunConfig()
    task = task_for(recipe, shards, run, model or default_face_model())
    trainer = Trainer(task, out, run)
    cv2.setNumThreads(1)
    progress, config = trainer.progress, recipe.optimisation
    started, saved = time.monotonic() - progress.elapsed_s, time.monotonic()
    log = TrainingLog(out, budget, recipe, quiet=run.quiet)
    with log, closing(prefetched(task.batch, progress.step, workers=run.workers, ahead=2 + 2 * run.workers)) as batches:
        while (share := budget.share(progress.step, progress.elapsed_s)) < 1:
            rate = learning_rate(config, share, progress)
            tau = _faces(recipe).tau.at(epoch=progress.epoch, share=share)
            loss = trainer.step(next(batches), rate, tau)
            progress.step += 1
            progress.elapsed_s = time.monotonic() - started
            log.step(loss, progress)
            last = budget.share(progress.step, progress.elapsed_s) >= 1
            if progress.step % task.epoch_steps == 0 or last:
                validation = task.validate(trainer.average.network)
                watch_plateau(progress, validation.loss)
                log.epoch(task, trainer.average.network, progress, validation, rate=rate, tau=tau)
                progress.epoch += 1
            if last or time.monotonic() - saved > CHECKPOINT_S:
                trainer.save()
                saved = time.monotonic()
    return trainer.weights


class Trainer:
    """The state of a run: network, average, optimiser, progress; and the one step that changes it."""

    def __init__(self, task: Task, out: Path, run: RunConfig):
        self.task, self.recipe, self.run = task, task.recipe, run
        config = task.recipe.optimisation
        self.fabric = Fabric(accelerator=run.accelerator, devices=1, precision=native_precision(config.precision))
        self.plain = task.network
        self.plain.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
        self.average = Average(copy.deepcopy(self.plain), config.ema_decay)
        self.fabric.to_device(self.average.network)
        self.network, self.optimiser = self.fabric.setup(self.plain, optimiser_for(self.plain, config))
        if isinstance(self.plain, SfnClose):
            self.network.mark_forward_method("read")
        out.mkdir(parents=True, exist_ok=True)
        self.checkpoint, self.weights = out / "checkpoint.pt", out / "weights.safetensors"
        self.progress = Progress()
        if self.checkpoint.exists():
            self.progress = load_checkpoint(
                self.checkpoint, self.recipe.name, self.plain, self.average.network, self.optimiser
            )

    def step(self, batch: object, rate: float, tau: float) -> Loss:
        """Move the weights once."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        outputs = self.task.read(self.network, self.fabric.to_device(self.task.pixels(batch)))
        loss = self.task.loss(outputs, batch, tau)
        self.fabric.backward(loss.total)
        if clip := self.recipe.optimisation.clip_norm:
            self.fabric.clip_gradients(self.network, self.optimiser, max_norm=clip, error_if_nonfinite=False)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.average.update(self.plain, self.progress.step)
        return loss

    def save(self) -> None:
        """Write the checkpoint and the averaged weights."""
        facts = {
            "recipe": self.recipe.name,
            "head_sha256": self.task.model.sha256,
            "seed": str(self.run.seed),
            "step": str(self.progress.step),
            "minutes": f"{self.progress.elapsed_s / 60:.1f}",
        }
        save_checkpoint(
            self.checkpoint, self.recipe.name, self.plain, self.average.network, self.optimiser, self.progress
        )
        save_weights(self.weights, self.average.network, facts)


def native_precision(wanted: Precision) -> Precision:
    """Fall back to 32 bit where half precision would be emulated, which makes a CPU several times slower."""
    half_in_hardware = torch.cuda.is_available() or torch.cpu._is_avx512_bf16_supported()
    return wanted if half_in_hardware else "32-true"


def task_for(recipe: Recipe, shards: Sequence[Path], run: RunConfig, model: FaceModel) -> Task:
    """Make the network and its data; the same seed makes the same untrained network."""
    torch.manual_seed(run.seed)
    if isinstance(recipe.network, MfnNetworkConfig):
        task: Task = MfnTask(recipe, shards, model, run.seed, teacher=_teacher(recipe, run))
    else:
        task = _FACE_TASKS.get(type(recipe.network), SfnTask)(recipe, shards, model, run.seed)
    if run.init_from is not None:
        start_from(run.init_from, task.network)
    return task


def _teacher(recipe: Recipe, run: RunConfig) -> nn.Module | None:
    if not recipe.data.relabel:
        return None
    if run.teacher is None:
        raise WeightsMismatch(f"the recipe '{recipe.name}' takes its labels from an SFN; name its weights (teacher)")
    teacher = network_from_weights(run.teacher)
    if not isinstance(teacher, SfnNetwork):
        raise WeightsMismatch(f"'{run.teacher}' holds a {type(teacher).__name__}; the teacher must be an SFN")
    return teacher


def _faces(recipe: Recipe) -> FaceLossConfig:
    return recipe.loss if isinstance(recipe.loss, FaceLossConfig) else recipe.loss.faces
