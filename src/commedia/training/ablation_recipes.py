"""What shipped networks are compared with: one thing of their recipes is otherwise."""

from dataclasses import replace

from commedia.losses.regions import RegionLossConfig
from commedia.networks.ours.mfn_base import MfnBaseConfig
from commedia.training.desktop_recipes import MFN_DESKTOP, SFN_DESKTOP
from commedia.training.recipe_parts import varied

# Paper 3's constraints in our network, begun from the weights that ship, and what the same groups teach without them.
SFN_DESKTOP_BY_PERSON = varied(
    SFN_DESKTOP,
    "sfn-desktop-by-person",
    data=replace(SFN_DESKTOP.stages[0].data, groups="person", group_size=4),
    optimisation=replace(SFN_DESKTOP.stages[0].optimisation, learning_rate=1e-3),
)
SFN_DESKTOP_CONSISTENT = varied(
    SFN_DESKTOP_BY_PERSON, "sfn-desktop-consistent", loss=RegionLossConfig(identity_consistent=20.0)
)
SFN_DESKTOP_CONSTRAINED = varied(
    SFN_DESKTOP_BY_PERSON,
    "sfn-desktop-constrained",
    loss=RegionLossConfig(identity_consistent=20.0, expression_exclusive=8.0),
)
SFN_DESKTOP_EXCLUSIVE = varied(
    SFN_DESKTOP_BY_PERSON,
    "sfn-desktop-exclusive",
    loss=RegionLossConfig(identity_consistent=20.0, expression_exclusive=160.0),
)

MFN_DESKTOP_DETECT_ONLY = varied(MFN_DESKTOP, "mfn-desktop-detect-only", network=MfnBaseConfig(detect_only=True))

MFN_DESKTOP_RELABELLED = varied(
    MFN_DESKTOP, "mfn-desktop-relabelled", data=replace(MFN_DESKTOP.stages[0].data, relabel=True)
)

ABLATIONS = (
    *(SFN_DESKTOP_BY_PERSON, SFN_DESKTOP_CONSISTENT, SFN_DESKTOP_CONSTRAINED, SFN_DESKTOP_EXCLUSIVE),
    *(MFN_DESKTOP_DETECT_ONLY, MFN_DESKTOP_RELABELLED),
)
