"""`commedia train RECIPE`: shards to weights."""

from pathlib import Path
from typing import Annotated

import tyro

from commedia.training.config import Budget
from commedia.training.loop import RunConfig
from commedia.training.loop import train as train_recipe
from commedia.training.recipes import recipe_named


def train(
    recipe: Annotated[str, tyro.conf.Positional],
    *,
    shards: tuple[Path, ...],
    out: Path,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    init_from: Path | None = None,
    teacher: Path | None = None,
    accelerator: str = "auto",
    workers: int = 1,
    quiet: bool = False,
) -> None:
    """Train a network by a named recipe; run it again to go on after an interruption.

    Args:
        recipe: One of the names in training/recipes.py, such as sfn-base-full or mfn-base-full.
        shards: Training shards (*.tar), or folders of them.
        out: Folder of the run: checkpoint, weights, log, curves, a picture of predictions.
        minutes: Budget in minutes; the learning rate reaches zero at its end. 30 unless steps are given.
        steps: Budget in steps, instead of minutes.
        seed: Decides the start and every batch.
        init_from: Weights to start from where names and shapes fit (SFN weights start MFN's trunk).
        teacher: SFN weights that label the faces, for recipes that ask for it.
        accelerator: auto, cpu or gpu.
        workers: Threads that prepare batches.
        quiet: No progress bar.
    """
    budget = Budget(minutes=30.0 if minutes is None and steps is None else minutes, steps=steps)
    settings = RunConfig(seed, init_from, teacher, accelerator, workers, quiet)
    weights = train_recipe(recipe_named(recipe), shards, out, budget, settings)
    print(f"weights: {weights}")


run = train

if __name__ == "__main__":
    tyro.cli(train)
