"""What recipes of ours have in common, and how one is made of another."""

from dataclasses import replace
from typing import Any

from commedia.training.config import Augmentation, Optimisation, Recipe


def varied(recipe: Recipe, name: str, *, network: Any = None, **changes: Any) -> Recipe:
    """Copy a recipe under another name, with another network or other fields in each of its stages."""
    stages = tuple(replace(stage, **changes) for stage in recipe.stages)
    return replace(recipe, name=name, network=network or recipe.network, stages=stages)


OUR_OPTIMISATION = Optimisation(
    "adamw",
    learning_rate=3e-3,
    weight_decay=1e-2,
    schedule="cosine",
    batch_size=48,
    ema_decay=0.999,
    clip_norm=50.0,
    precision="bf16-mixed",
)

VARIED = Augmentation(flip=0.5, grey=0.1, degrade=0.1)
