"""Pictures per core-second of a recipe, and what its steps spend them on. Example:

    taskset -c 1 python benchmarks/bench_training.py --shards drawn/ --recipes sfn-close sfn-paper --steps 8

Processor time on one thread, so that a busy machine does not change the numbers; the first steps are not counted.
SFN with patch readers (`desktop`, `mobile`) is measured by its own loop, `scripts/train_regions.py`.
"""

import argparse
import importlib.util
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import torch

from commedia.networks.ours.sfn import NETWORK_SIZES
from commedia.training.face_model import default_face_model
from commedia.training.face_store import open_store
from commedia.training.loop import RunConfig, Trainer, task_for
from commedia.training.pictures import shard_paths
from commedia.training.recipes import recipe_named

PARTS = ("batch", "forward", "loss", "backward", "optimiser")
WARM_UP = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shards", type=Path, nargs="+", required=True)
    parser.add_argument("--recipes", nargs="+", default=["desktop", "mobile"], help="recipes, or desktop and mobile")
    parser.add_argument("--steps", type=int, default=10)
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    print(f"{'recipe':24s} {'per core-second':>15s}  " + "  ".join(f"{part:>9s}" for part in PARTS))
    for name in given.recipes:
        measure = _regions if name in NETWORK_SIZES else _recipe
        pictures, spent = measure(name, given.shards, given.steps)
        total = sum(spent.values())
        shares = "  ".join(f"{spent[part] / total:9.0%}" for part in PARTS)
        print(f"{name:24s} {pictures / total:15.0f}  {shares}", flush=True)


def _recipe(name: str, shards: Sequence[Path], steps: int) -> tuple[int, dict[str, float]]:
    """Run a recipe's steps with a watch around each part; what no part explains is the optimiser's."""
    recipe, spent = recipe_named(name), dict.fromkeys(PARTS, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        run = RunConfig(accelerator="cpu", quiet=True)
        trainer = Trainer(task_for(recipe, shards, run, default_face_model()), Path(folder), run)
        task: Any = trainer.task
        for part, method in (("batch", "batch"), ("batch", "pixels"), ("forward", "read"), ("loss", "loss")):
            setattr(task, method, _timed(getattr(task, method), spent, part))
        trainer.fabric.backward = _timed(trainer.fabric.backward, spent, "backward")  # type: ignore[method-assign]
        for step in range(WARM_UP + steps):
            if step == WARM_UP:
                spent.update(dict.fromkeys(PARTS, 0.0))
                start = time.process_time()
            trainer.step(task.batch(step), recipe.optimisation.learning_rate, 1.0)
        spent["optimiser"] = time.process_time() - start - sum(spent.values())
    return steps * recipe.optimisation.batch_size, spent


def _regions(name: str, shards: Sequence[Path], steps: int) -> tuple[int, dict[str, float]]:
    script = Path(__file__).parents[1] / "scripts" / "train_regions.py"
    spec = importlib.util.spec_from_file_location("train_regions", script)
    assert spec is not None and spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    with tempfile.TemporaryDirectory() as folder:
        given = program.arguments(["--shards", "-", "--held", "-", "--backgrounds", "-", "--store", folder,
                                   "--out", folder, "--minutes", "1000", "--network", name])  # fmt: skip
        run, store = program.Run(given), open_store(shard_paths(shards), Path(folder))
        spent: dict[str, float] = {}
        for step in range(WARM_UP + steps):
            run.train_on(store, None, spent if step >= WARM_UP else {})
    return steps * given.batch, spent


def _timed(call: Callable[..., Any], spent: dict[str, float], part: str) -> Callable[..., Any]:
    def timed(*args: Any, **named: Any) -> Any:
        start = time.process_time()
        answer = call(*args, **named)
        spent[part] += time.process_time() - start
        return answer

    return timed


if __name__ == "__main__":
    main()
