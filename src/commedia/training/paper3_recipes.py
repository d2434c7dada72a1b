"""Named recipes of paper 3's networks, and of the face parser that makes their skin masks; `recipes.py` lists them."""

from dataclasses import replace

from commedia.faces.weights import DEFAULT_PARSER
from commedia.losses.cpem import CpemLossConfig
from commedia.losses.parse_map import ParseMapLossConfig
from commedia.networks.ours.cpem_regions import CpemRegionsConfig
from commedia.networks.ours.parser import ParserConfig
from commedia.networks.ours.sfn import DESKTOP
from commedia.networks.paper3.cpem import CpemConfig
from commedia.training.config import STILL, DataConfig, Optimisation, Recipe, Stage
from commedia.training.cpem_task import CpemTask
from commedia.training.parser_task import ParserTask
from commedia.training.recipe_parts import OUR_OPTIMISATION, VARIED, varied

# Mo et al. 2022, section 5.1 and the authors' code: eight clips of four frames, as they are, at one rate.
CPEM_PAPER = Recipe(
    "cpem-paper",
    CpemConfig(),
    CpemTask,
    (
        Stage(
            loss=CpemLossConfig(),
            augmentation=STILL,
            optimisation=Optimisation(learning_rate=1e-4, schedule="constant"),
            data=DataConfig(groups="clip", group_size=4, skin_parser=DEFAULT_PARSER),
        ),
    ),
)

CPEM_PAPER_PERCEPTUAL = varied(CPEM_PAPER, "cpem-paper-perceptual", loss=CpemLossConfig(perceptual=0.2))

# For `--face-model BFM_model_front.mat --blendshapes mean_delta_blendshape.npy`.
CPEM_PAPER_BFM = varied(
    CPEM_PAPER, "cpem-paper-bfm", network=CpemConfig(identity_count=80, expression_count=46, texture_count=80)
)

CPEM_PAPER_MOBILE = varied(CPEM_PAPER, "cpem-paper-mobile", network=CpemConfig("mobilenet-v2"))

# Learns from labels too, but for the identity, which nobody knows of a photograph: there the constraint comes in.
_CPEM_LOSS = CpemLossConfig(
    photometric=6.0,
    weighted_landmarks=0.0,
    identity_decay=2e-3,
    texture_decay=2e-3,
    sparsity=0.0,
    light=0.02,
    identity_consistent=20.0,
    expression_exclusive=8.0,
    landmarks=30.0,
    expression=8.0,
    rotation=10.0,
    picture_px=56,
)

CPEM_DESKTOP = Recipe(
    "cpem-desktop",
    CpemConfig("resnet18", width_mult=0.25, input_size=112),
    CpemTask,
    (
        Stage(
            loss=_CPEM_LOSS,
            augmentation=replace(VARIED, scale=(0.88, 1.14), shift=0.05, roll_deg=10.0),
            optimisation=replace(OUR_OPTIMISATION, batch_size=32, learning_rate=2e-3, ema_decay=0.998, clip_norm=20.0),
            data=DataConfig(
                labelled_share=0.4,
                rare_weight=4.0,
                epoch_steps=500,
                groups="person",
                group_size=4,
                grouped_share=0.5,
                skin_parser=DEFAULT_PARSER,
            ),
        ),
    ),
)

# The supplement's smaller network in the same training; half of the batch keeps a step's features in the caches.
CPEM_MOBILE = varied(
    CPEM_DESKTOP,
    "cpem-mobile",
    network=CpemConfig("mobilenet-v2", input_size=112),
    optimisation=replace(CPEM_DESKTOP.stages[0].optimisation, batch_size=16, learning_rate=1.5e-3),
    data=replace(CPEM_DESKTOP.stages[0].data, epoch_steps=1000),
)

# Twice the pictures' side, or a face has too few pixels to be recognised; twice the time a step.
CPEM_PERCEPTUAL = varied(CPEM_DESKTOP, "cpem-perceptual", loss=replace(_CPEM_LOSS, perceptual=0.5, picture_px=112))

CPEM_WITHOUT_BOTH = varied(
    CPEM_DESKTOP, "cpem-without-both", loss=replace(_CPEM_LOSS, identity_consistent=0.0, expression_exclusive=0.0)
)

CPEM_CONSISTENT = varied(CPEM_DESKTOP, "cpem-consistent", loss=replace(_CPEM_LOSS, expression_exclusive=0.0))

# Begun from sfn-desktop's weights. Where patches lie and whether there is a face, pictures do not teach.
CPEM_REGIONS = Recipe(
    "cpem-regions",
    CpemRegionsConfig(mouth_size=DESKTOP.mouth_size, mouth_fineness=DESKTOP.mouth_fineness),
    CpemTask,
    (
        replace(
            CPEM_DESKTOP.stages[0],
            loss=replace(_CPEM_LOSS, identity=0.5),
            optimisation=replace(CPEM_DESKTOP.stages[0].optimisation, learning_rate=1e-3),
            frozen=("trunk", "points", "presence"),
        ),
    ),
)

CPEM_REGIONS_WITHOUT_PICTURES = varied(
    CPEM_REGIONS, "cpem-regions-without-pictures", loss=replace(_CPEM_LOSS, identity=0.5, photometric=0.0)
)

# Crops vary in place as those of detectors and trackers do, and more; patches that cover a face would belie the map.
PARSER_DESKTOP = Recipe(
    "parser-desktop",
    ParserConfig(),
    ParserTask,
    (
        Stage(
            loss=ParseMapLossConfig(),
            augmentation=replace(VARIED, scale=(0.85, 1.2), shift=0.08, roll_deg=15.0, degrade=0.12, erase=0.0),
            optimisation=replace(OUR_OPTIMISATION, batch_size=16, learning_rate=3e-3, ema_decay=0.99, clip_norm=5.0),
            data=DataConfig(labelled_share=0.5, validation_share=0.05, epoch_steps=250),
        ),
    ),
)

PAPER_3 = (
    *(CPEM_PAPER, CPEM_PAPER_BFM, CPEM_PAPER_PERCEPTUAL, CPEM_PAPER_MOBILE, CPEM_DESKTOP, CPEM_MOBILE),
    *(CPEM_PERCEPTUAL, CPEM_CONSISTENT, CPEM_WITHOUT_BOTH, CPEM_REGIONS, CPEM_REGIONS_WITHOUT_PICTURES, PARSER_DESKTOP),
)
