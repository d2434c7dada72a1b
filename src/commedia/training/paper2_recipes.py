"""Recipes of paper 2 (Chaudhuri et al. 2020): the paper's, ours, and the lines of its Table 1 that lead to ours."""

from dataclasses import replace

from commedia.conventions import IDENTITY_COUNT
from commedia.losses.personal import PersonalLossConfig
from commedia.networks.ours.sfn import INPUT_SIZE
from commedia.networks.paper2.modelnet import ModelNetConfig
from commedia.networks.paper2.personal import PersonalConfig
from commedia.networks.paper2.tracknet import TrackNetConfig
from commedia.training.config import STILL, DataConfig, Optimisation, Recipe, Stage
from commedia.training.personal_task import PersonalTask
from commedia.training.recipe_parts import OUR_OPTIMISATION, VARIED

# Chaudhuri et al. 2020, section 4: eight people in four frames, 20 hours at one rate, then ModelNet 5 at a tenth of it.
_PERSONAL_PAPER_STAGE = Stage(
    loss=PersonalLossConfig(),
    name="both",
    share=0.8,
    augmentation=STILL,
    optimisation=Optimisation(learning_rate=1e-4, schedule="constant"),
    data=DataConfig(groups="clip", group_size=4),
)
PERSONAL_PAPER = Recipe(
    "personal-paper",
    PersonalConfig(),
    PersonalTask,
    (
        _PERSONAL_PAPER_STAGE,
        replace(
            _PERSONAL_PAPER_STAGE,
            loss=PersonalLossConfig(sparsity=0.0, light=0.0),
            name="model",
            share=0.2,
            optimisation=Optimisation(learning_rate=1e-5, schedule="constant"),
            frozen=("tracker",),
        ),
    ),
)

# Learns from labels too, and from the exact shapes of drawn people; pictures are as small as in `cpem-desktop`.
_PERSONAL_LOSS = PersonalLossConfig(
    photometric=6.0,
    image_gradient=3.0,
    squared_landmarks=0.0,
    parsing=2.0,
    roughness=100.0,
    blendshape_gradient=1.0,
    sparsity=0.0,
    light=0.02,
    landmarks=30.0,
    expression=8.0,
    rotation=10.0,
    vertices=30.0,
    identity_decay=2e-3,
    texture_decay=2e-3,
    picture_px=56,
    shapes_at_once=4,
)
_PERSONAL_STAGE = Stage(
    loss=_PERSONAL_LOSS,
    name="both",
    share=0.6,
    augmentation=replace(VARIED, scale=(0.92, 1.1), shift=0.04, roll_deg=8.0, grey=0.0),
    optimisation=replace(OUR_OPTIMISATION, batch_size=24, learning_rate=2e-3, ema_decay=0.99, clip_norm=20.0),
    data=DataConfig(
        labelled_share=0.3, validation_share=0.08, epoch_steps=200, groups="person", group_size=4, grouped_share=0.67
    ),
    # What SFN sees stays as it learnt to; what it makes of it may move.
    frozen=tuple(
        f"tracker.{part}" for part in ("trunk", "eye", "mouth", "fused", "points", "presence", "eye_last", "mouth_last")
    ),
)
_PERSONAL_NETWORK = PersonalConfig(
    input_size=INPUT_SIZE,
    track=TrackNetConfig("sfn", identity_count=IDENTITY_COUNT, texture_count=40),
    model=ModelNetConfig("charts", 64, encoder=(16, 24, 32, 48), decoder=(32, 24, 24), who_count=IDENTITY_COUNT),
)


def _personal(name: str, *, shape: bool = True, albedo: bool = True, bases: bool = True, **weights: float) -> Recipe:
    """Paper 2's Table 1 line by line: what ModelNet says, and what is asked of it; without `bases` the template is the
    mean face in the mean colours, as the paper's."""
    model, track = replace(_PERSONAL_NETWORK.model, shape=shape, albedo=albedo), _PERSONAL_NETWORK.track
    track = track if bases else replace(track, identity_count=0, texture_count=0)
    whole = replace(_PERSONAL_STAGE, loss=replace(_PERSONAL_LOSS, **weights))
    stages = (whole, replace(whole, name="model", share=0.4, frozen=("tracker",)))
    if not shape and not albedo:
        stages = (replace(whole, share=1.0),)
    return Recipe(name, replace(_PERSONAL_NETWORK, model=model, track=track), PersonalTask, stages)


PAPER_2 = (
    PERSONAL_PAPER,
    _personal("personal-prior", shape=False, albedo=False, parsing=0.0),
    _personal("personal-blendshapes", albedo=False, parsing=0.0, blendshape_gradient=0.0),
    _personal("personal-albedo", parsing=0.0, blendshape_gradient=0.0),
    _personal("personal-parsing", blendshape_gradient=0.0),
    _personal("personal-desktop"),
    _personal("personal-mean", shape=False, albedo=False, bases=False, parsing=0.0),
    _personal("personal-from-mean", bases=False),
)
