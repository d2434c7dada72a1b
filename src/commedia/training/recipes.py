"""All recipes by name, and those that finish in seconds, for tests. Types live in `config.py`."""

from dataclasses import replace

from commedia.errors import UnknownName
from commedia.losses.faces import TauSchedule
from commedia.networks.paper1.mfn import MfnConfig
from commedia.networks.paper1.sfn import SfnConfig
from commedia.training.ablation_recipes import ABLATIONS
from commedia.training.config import DataConfig, Recipe, Stage
from commedia.training.desktop_recipes import MFN_DESKTOP, OUR_FACE_LOSS, SHIPPED
from commedia.training.paper1_recipes import PAPER_1
from commedia.training.paper2_recipes import PAPER_2
from commedia.training.paper3_recipes import PAPER_3
from commedia.training.recipe_parts import OUR_OPTIMISATION, VARIED, varied
from commedia.training.sfn_task import SfnTask

# SFN's crops follow the face's own roll: the jitter need only cover what a detector or the last frame get wrong.
OUR_CROPS = replace(VARIED, scale=(0.85, 1.2), shift=0.08, roll_deg=15.0, erase=0.12)

SFN_SMOKE = Recipe(
    "sfn-smoke",
    SfnConfig(width_mult=0.25, norm=True),
    SfnTask,
    (
        Stage(
            loss=OUR_FACE_LOSS,
            tau=TauSchedule("share", start=4.0, epochs=4.0),
            augmentation=OUR_CROPS,
            optimisation=replace(OUR_OPTIMISATION, batch_size=4, precision="32-true"),
            data=DataConfig(validation_share=0.25, epoch_steps=2),
        ),
    ),
)

MFN_SMOKE = varied(
    MFN_DESKTOP,
    "mfn-smoke",
    network=MfnConfig(width_mult=0.25, norm=True),
    optimisation=replace(OUR_OPTIMISATION, batch_size=2, learning_rate=2e-3, precision="32-true"),
    data=DataConfig(validation_share=0.25, epoch_steps=2),
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe for recipe in (*PAPER_1, *SHIPPED, *ABLATIONS, *PAPER_2, *PAPER_3, SFN_SMOKE, MFN_SMOKE)
}


def recipe_named(name: str) -> Recipe:
    """Find a recipe; raises UnknownName with the nearest name and the list."""
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return RECIPES[name]
