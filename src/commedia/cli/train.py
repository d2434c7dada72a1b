"""`commedia train RECIPE`: shards to weights, ONNX and card."""

from pathlib import Path
from typing import Annotated, Literal

import tyro

from commedia.cli.options import require_counts
from commedia.errors import CommediaError
from commedia.evaluation.report import source_commit
from commedia.networks.export import Card, export
from commedia.networks.weights import named_weights
from commedia.training.config import Budget
from commedia.training.face_model import read_face_model
from commedia.training.loop import RunConfig
from commedia.training.loop import train as train_recipe
from commedia.training.recipes import RECIPES, recipe_named


def train(
    recipe: Annotated[str, tyro.conf.arg(help=f"One of {', '.join(RECIPES)}."), tyro.conf.Positional],
    *,
    shards: tuple[Path, ...],
    out: Path,
    minutes: float | None = None,
    steps: int | None = None,
    core_minutes: float | None = None,
    learning_rate: float | None = None,
    resume: tyro.conf.FlagCreatePairsOff[bool] = False,
    seed: int = 0,
    init_from: str | None = None,
    teacher: Path | None = None,
    face_model: Path | None = None,
    blendshapes: Path | None = None,
    accelerator: Literal["auto", "cpu", "gpu"] = "auto",
    workers: int = 1,
    quiet: bool = False,
) -> None:
    """Train a network by a named recipe, all its stages, and write RECIPE.onnx and RECIPE.card.json.

    Args:
        shards: Training shards (*.tar), or folders of them.
        out: Folder of the run: checkpoint, weights, log, curves, a picture of predictions, the network.
        minutes: Budget in minutes; the learning rate reaches zero at its end. 30 unless another budget is given.
        steps: Budget in steps, instead of minutes.
        core_minutes: Budget in minutes of processor time, instead of minutes: right on a busy machine.
        learning_rate: Highest learning rate of every stage, in place of the recipe's; the card says which it was.
        resume: Go on from the checkpoint in OUT, which is written every few minutes; without one, begin.
        seed: Decides the start and every batch.
        init_from: Weights to start from where names and shapes fit (SFN weights start MFN's trunk): a file,
            .safetensors or .onnx, or a name such as mfn-desktop.
        teacher: SFN weights that label the faces, for recipes that ask for it.
        face_model: Your own face model in place of our head, for cpem-paper-bfm: BFM_model_front.mat, with colours.
        blendshapes: FaceWarehouse's blendshapes on that model (mean_delta_blendshape.npy).
        accelerator: What computes; auto takes a GPU where there is one.
        workers: Threads that prepare batches.
        quiet: No progress bar.
    """
    require_counts(workers=workers)
    chosen = recipe_named(recipe)
    if learning_rate is not None:
        chosen = chosen.at_rate(learning_rate)
    limits = {"minutes": minutes, "steps": steps, "core_minutes": core_minutes}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    if len(given) > 1:
        raise CommediaError("the budget is either --minutes or --steps or --core-minutes, not several")
    budget = Budget(**given) if given else Budget(minutes=30.0)  # type: ignore[arg-type]
    begin = None if init_from is None else named_weights(init_from)
    settings = RunConfig(seed, begin, teacher, accelerator, workers, quiet, resume, source_commit())
    if blendshapes is not None and face_model is None:
        raise CommediaError("--blendshapes go with --face-model BFM_model_front.mat")
    model = None if face_model is None else read_face_model(face_model, blendshapes)
    weights = train_recipe(chosen, shards, out, budget, settings, model=model)
    report = export(weights, out, Card(recipe, "see the shards of its stages", "unknown: that of the shards"))
    worst = max(row.difference for row in report)
    print(f"weights: {weights}\nnetwork: {out / recipe}.onnx, at most {worst:.2g} from torch, and its card")


run = train

if __name__ == "__main__":
    tyro.cli(train)
