"""Pictures per core-second of a recipe, and what its steps spend them on. Example:

    taskset -c 1 python benchmarks/bench_training.py --shards drawn/ --recipes sfn-desktop sfn-paper --steps 8

Processor time on one thread, so that a busy machine does not change the numbers; the first steps are not counted.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import torch

from commedia.training.face_model import default_face_model
from commedia.training.loop import RunConfig, Trainer
from commedia.training.pictures import ShardPictures
from commedia.training.recipes import recipe_named
from commedia.training.tasks import AT_THE_END

PARTS = ("batch", "forward", "loss", "backward", "optimiser")
WARM_UP = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shards", type=Path, nargs="+", required=True)
    parser.add_argument("--recipes", nargs="+", default=["sfn-desktop", "sfn-mobile"], help="recipes")
    parser.add_argument("--steps", type=int, default=10)
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    print(f"{'recipe':24s} {'per core-second':>15s}  " + "  ".join(f"{part:>9s}" for part in PARTS))
    for name in given.recipes:
        pictures, spent = _recipe(name, given.shards, given.steps)
        total = sum(spent.values())
        shares = "  ".join(f"{spent[part] / total:9.0%}" for part in PARTS)
        print(f"{name:24s} {pictures / total:15.0f}  {shares}", flush=True)


def _recipe(name: str, shards: Sequence[Path], steps: int) -> tuple[int, dict[str, float]]:
    """Run a recipe's steps with a watch around each part; what no part explains is the optimiser's."""
    recipe, spent = recipe_named(name), dict.fromkeys(PARTS, 0.0)
    stage = recipe.stages[0].optimisation
    with tempfile.TemporaryDirectory() as folder:
        run = RunConfig(accelerator="cpu", quiet=True)
        trainer = Trainer(recipe, ShardPictures(shards), Path(folder), run, default_face_model())
        task: Any = trainer.task
        for part, method in (("batch", "batch"), ("batch", "pixels"), ("forward", "read"), ("loss", "loss")):
            setattr(task, method, _timed(getattr(task, method), spent, part))
        trainer.fabric.backward = _timed(trainer.fabric.backward, spent, "backward")  # type: ignore[method-assign]
        for step in range(WARM_UP + steps):
            if step == WARM_UP:
                spent.update(dict.fromkeys(PARTS, 0.0))
                start = time.process_time()
            trainer.step(task.batch(step), stage.learning_rate, AT_THE_END)
        spent["optimiser"] = time.process_time() - start - sum(spent.values())
    return steps * stage.batch_size, spent


def _timed(call: Callable[..., Any], spent: dict[str, float], part: str) -> Callable[..., Any]:
    def timed(*args: Any, **named: Any) -> Any:
        start = time.process_time()
        answer = call(*args, **named)
        spent[part] += time.process_time() - start
        return answer

    return timed


if __name__ == "__main__":
    main()
