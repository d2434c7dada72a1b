"""Recipes of paper 1 (Chaudhuri et al. 2019), to the letter where the letter exists, and of what it compares with."""

from dataclasses import replace

from commedia.losses.faces import FaceLossConfig
from commedia.losses.multiface import MultiFaceLossConfig
from commedia.networks.paper1.mfn import MfnConfig
from commedia.networks.paper1.sfn import SfnConfig
from commedia.training.config import DataConfig, Optimisation, Recipe, Stage
from commedia.training.mfn_task import MfnTask
from commedia.training.recipe_parts import varied
from commedia.training.sfn_task import SfnTask

SFN_PAPER = Recipe(
    "sfn-paper", SfnConfig(), SfnTask, (Stage(loss=FaceLossConfig(), data=DataConfig(validation_share=0.2)),)
)

_MFN_PAPER_DATA = DataConfig(validation_share=0.2, mosaic_share=0.0, measure_anchors=True, relabel=True)
MFN_PAPER = Recipe(
    "mfn-paper",
    MfnConfig(),
    MfnTask,
    (Stage(loss=MultiFaceLossConfig(), optimisation=Optimisation(learning_rate=1e-4), data=_MFN_PAPER_DATA),),
)

# Section 3.2 tells of this regularisation but not of its weight.
SFN_PAPER_DISENTANGLED = varied(
    SFN_PAPER,
    "sfn-paper-disentangled",
    loss=FaceLossConfig(disentangling=0.5),
    data=DataConfig(validation_share=0.2, groups="alternating"),
)

# With three Fires per block the single-scale SFN is as large as the multi-scale one: their comparison is of scales.
SFN_PAPER_SINGLE_SCALE = varied(SFN_PAPER, "sfn-paper-single-scale", network=SfnConfig(scales="single", fires=3))

MFN_PAPER_SINGLE_SCALE = varied(MFN_PAPER, "mfn-paper-single-scale", network=MfnConfig(scales="single"))

MFN_PAPER_DETECT_ONLY = varied(
    MFN_PAPER,
    "mfn-paper-detect-only",
    network=MfnConfig(detect_only=True),
    data=replace(_MFN_PAPER_DATA, relabel=False),
)

PAPER_1 = (
    *(SFN_PAPER, SFN_PAPER_DISENTANGLED, SFN_PAPER_SINGLE_SCALE),
    *(MFN_PAPER, MFN_PAPER_SINGLE_SCALE, MFN_PAPER_DETECT_ONLY),
)
