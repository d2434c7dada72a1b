"""A task as the loop would make it."""

from pathlib import Path

from torch import nn

from commedia.networks.registry import network_for
from commedia.training.config import Recipe
from commedia.training.face_model import FaceModel
from commedia.training.pictures import ShardPictures
from commedia.training.tasks import Task, TaskSetup


def made_task(
    recipe: Recipe, shards: Path | ShardPictures, model: FaceModel, *, seed: int = 0, network: nn.Module | None = None
) -> Task:
    """Make the task of a recipe's first stage."""
    pictures = shards if isinstance(shards, ShardPictures) else ShardPictures([shards])
    return recipe.task(TaskSetup(network or network_for(recipe.network), recipe.stages[0], pictures, model, seed))
