"""Recipes that make what ships, under the names it ships with."""

from dataclasses import replace

from commedia.data.held_people import HELD_SHARE
from commedia.losses.boxes import BoxLossConfig
from commedia.losses.embedding import EmbeddingLossConfig
from commedia.losses.faces import FaceLossConfig, TauSchedule
from commedia.losses.identity import IdentityLossConfig
from commedia.losses.multiface import MultiFaceLossConfig
from commedia.losses.points import PointsLossConfig
from commedia.losses.regions import RegionLossConfig
from commedia.networks.ours.embedding import EmbeddingConfig
from commedia.networks.ours.identity import IdentityConfig
from commedia.networks.ours.mfn_base import MfnBaseConfig
from commedia.networks.ours.points import PointsConfig
from commedia.networks.ours.sfn import DESKTOP, MOBILE
from commedia.training.config import DataConfig, Recipe, Stage
from commedia.training.embedding_task import EmbeddingTask
from commedia.training.identity_task import IdentityTask
from commedia.training.mfn_task import MfnTask
from commedia.training.points_task import PointsTask
from commedia.training.recipe_parts import OUR_OPTIMISATION, VARIED, varied
from commedia.training.region_task import RegionTask

# Weights by measured pull, not by size of the loss: at the end of the run (tau 1) the norms of the terms' gradients on
# the trunk are about landmarks 2, expression 1, rotation 0.6, identity 0.3. With 60 on the landmarks and 3 on the
# expression they were 7 and 0.1, and synthetic blendshapes that are really active stayed at an error of 0.7.
OUR_FACE_LOSS = FaceLossConfig(
    identity=1.0,
    expression=8.0,
    expression_distance="entropy",
    rotation=6.0,
    landmarks=20.0,
    active_weight=3.0,
    openings=15.0,
    identity_decay=0.02,
)

SFN_DESKTOP = Recipe(
    "sfn-desktop",
    DESKTOP,
    RegionTask,
    (
        Stage(
            loss=RegionLossConfig(rotation=20.0),
            augmentation=replace(VARIED, scale=(0.88, 1.14), shift=0.05, roll_deg=10.0, degrade=0.12, erase=0.15),
            optimisation=replace(OUR_OPTIMISATION, learning_rate=2e-3, ema_decay=0.998, clip_norm=20.0),
            data=DataConfig(labelled_share=0.4, rare_weight=4.0, epoch_steps=500),
        ),
    ),
)

SFN_MOBILE = varied(SFN_DESKTOP, "sfn-mobile", network=MOBILE)

MFN_DESKTOP = Recipe(
    "mfn-desktop",
    MfnBaseConfig(anchors=((0.888, 1.131), (1.934, 2.452), (4.868, 6.162))),
    MfnTask,
    (
        Stage(
            loss=MultiFaceLossConfig(
                # Pose first: a face that MFN alone reads has to be in the right place before its expression matters.
                faces=replace(OUR_FACE_LOSS, identity=0.3, expression=3.0, rotation=15.0, openings=7.0),
                boxes=BoxLossConfig(
                    coordinates="ciou", objectness="bce", coordinate_weight=5.0, object_weight=2.0, no_object_weight=1.0
                ),
                box_weight=3.0,
            ),
            tau=TauSchedule("constant", start=1.0),
            # A covered patch could hide a small face whole, or copy one that no label knows.
            augmentation=replace(VARIED, roll_deg=20.0, turned=0.2),
            # Begun from the weights of the former head: a network from nothing wants twice the rate and the time.
            optimisation=replace(OUR_OPTIMISATION, batch_size=16, learning_rate=1e-3),
            data=DataConfig(mosaic_share=0.5, epoch_steps=300),
        ),
    ),
)

EMBEDDING_DESKTOP = Recipe(
    "embedding-desktop",
    EmbeddingConfig(),
    EmbeddingTask,
    (
        Stage(
            loss=EmbeddingLossConfig(),
            augmentation=replace(VARIED, scale=(0.9, 1.12), shift=0.04, roll_deg=6.0, degrade=0.15, erase=0.1),
            optimisation=replace(
                OUR_OPTIMISATION, batch_size=16, learning_rate=2e-3, ema_decay=0.995, clip_norm=5.0, precision="32-true"
            ),
            data=DataConfig(groups="person", group_size=4, validation_share=HELD_SHARE, epoch_steps=500),
            frozen=("trunk",),
        ),
    ),
)

POINTS_DESKTOP = Recipe(
    "points-desktop",
    PointsConfig(),
    PointsTask,
    (
        Stage(
            loss=PointsLossConfig(),
            augmentation=replace(VARIED, scale=(0.9, 1.12), shift=0.04, roll_deg=8.0, degrade=0.05, erase=0.05),
            optimisation=replace(
                OUR_OPTIMISATION, batch_size=24, learning_rate=2e-3, ema_decay=0.998, clip_norm=10.0,
                slow=("trunk", "points"),
            ),
            data=DataConfig(labelled_share=0.2, gold_weight=2.0, epoch_steps=500),
        ),
    ),
)  # fmt: skip

IDENTITY_DESKTOP = Recipe(
    "identity-desktop",
    IdentityConfig(),
    IdentityTask,
    (
        Stage(
            loss=IdentityLossConfig(),
            augmentation=replace(VARIED, scale=(0.93, 1.08), shift=0.025, roll_deg=4.0, degrade=0.05, erase=0.03),
            optimisation=replace(
                OUR_OPTIMISATION,
                batch_size=32,
                learning_rate=1.5e-3,
                weight_decay=0.02,
                ema_decay=0.998,
                clip_norm=10.0,
            ),
            data=DataConfig(epoch_steps=500),
        ),
    ),
)

SHIPPED = (SFN_DESKTOP, SFN_MOBILE, MFN_DESKTOP, EMBEDDING_DESKTOP, POINTS_DESKTOP, IDENTITY_DESKTOP)
