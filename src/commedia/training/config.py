"""The types of a recipe. `recipes.py` holds the named values; nothing here has an opinion but paper 1's."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any, Literal

from commedia.errors import CommediaError
from commedia.losses.faces import TauSchedule

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
GroupKind = Literal["single", "views", "edits", "person", "clip"]
"""What the rows of a group are to each other, which lie next to each other in a batch: `single` knows no groups;
`views` are crops of one picture, `edits` a crop and the same with another expression warped into it; `person` and
`clip` are pictures that show one person, or were taken in one clip."""


@dataclass(frozen=True)
class Augmentation:
    """How a picture is varied before the network sees it. The defaults are paper 1's, flips and degrading off."""

    scale: tuple[float, float] = (0.8, 1.2)
    shift: float = 0.1
    """Largest move along each axis, as a share of the crop's side."""
    roll_deg: float = 30.0
    """Largest in-plane rotation, either way; the paper gives no range."""
    turned: float = 0.0
    """MFN: probability of a face or scene at any roll, upside down included."""
    flip: float = 0.0
    """Probability of a mirrored picture with mirrored labels."""
    colour: float = 0.3
    """Largest relative change of brightness, contrast and each channel."""
    grey: float = 0.0
    """Probability of a picture without colour."""
    degrade: float = 0.0
    """Probability of each of blur, noise, low resolution and JPEG."""
    erase: float = 0.0
    """Probability that a patch is covered."""


STILL = Augmentation(scale=(1.0, 1.0), shift=0.0, roll_deg=0.0, colour=0.0)
"""No variation: the crop that inference sees."""


@dataclass(frozen=True)
class Optimisation:
    """How weights move; the defaults are paper 1's for SFN."""

    optimiser: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: Literal["plateau", "cosine", "constant"] = "plateau"
    """`plateau`: a tenth after 5 epochs without a better validation loss, down to 1e-6 (paper 1); `cosine`: warm up,
    then fall to zero exactly at the end of the budget, whatever its length; `constant`: as it is (paper 3)."""
    batch_size: int = 32
    ema_decay: float = 0.0
    """Share of the running average of the weights kept per step; 0 keeps no average."""
    clip_norm: float = 0.0
    """Largest gradient norm; 0 does not clip."""
    precision: Precision = "32-true"
    """Half precision is used where the machine computes it in hardware; elsewhere all is done in 32 bit."""
    slow: tuple[str, ...] = ()
    """Beginnings of the names of modules that have learnt before, and ..."""
    slow_share: float = 0.25
    """... their share of the learning rate."""


@dataclass(frozen=True)
class DataConfig:
    """What is drawn how often."""

    labelled_share: float | None = None
    """Share of photographs in a batch; the rest is synthetic. None draws every picture equally often."""
    gold_weight: float = 1.0
    """How much more often than others a picture with landmarks marked by people is drawn."""
    rare_weight: float = 1.0
    """SFN: how much more often than others a photograph is drawn that shows shut eyes, a kiss or a dropped jaw."""
    mosaic_share: float = 0.5
    """MFN: share of pictures put together from single faces; the rest are scenes."""
    measure_anchors: bool = False
    """MFN: replace the network's anchors by clusters of the boxes that training really draws."""
    relabel: bool = False
    """Replace parameters in the shards by those an SFN reads: the paper's truth for MFN."""
    validation_share: float = 0.02
    """Share of the pictures kept for validation; 0.2 in the paper."""
    epoch_steps: int = 0
    """Steps between two validations, called an epoch; 0 means one pass over the pictures."""
    groups: GroupKind | Literal["alternating"] = "single"
    """SFN: what a batch is drawn in; `alternating` is views and edits in turn."""
    group_size: int = 2
    """Of persons and clips; views and edits are pairs."""
    grouped_share: float = 1.0
    """CPEM: share of a batch drawn in groups; the rest is drawn one by one."""
    skin_parser: str | None = None
    """CPEM: the face parser that says which pixels of photographs show skin, by name or as an .onnx file; None: all
    that a drawn face covers is compared, unless a data set brings masks."""


@dataclass(frozen=True)
class Finish:
    """Which weights a stage ends with: validation sees them, the next stage begins with them, the file holds them."""

    kind: Literal["running", "mean"] = "running"
    """`running`: the running average of `Optimisation.ema_decay`; `mean`: the plain mean over the end of the stage."""
    over: float = 0.25
    """`mean`: the share of the stage over which the mean goes."""


@dataclass(frozen=True)
class Stage:
    """One part of a training run: what is drawn, what is asked, what may move."""

    loss: Any
    """Weights of the task's loss: a frozen dataclass that the task knows."""
    name: str = "all"
    share: float = 1.0
    """Of the run's budget; those of a recipe add up to 1."""
    tau: TauSchedule = field(default_factory=TauSchedule)
    augmentation: Augmentation = field(default_factory=Augmentation)
    optimisation: Optimisation = field(default_factory=Optimisation)
    data: DataConfig = field(default_factory=DataConfig)
    frozen: tuple[str, ...] = ()
    """Beginnings of the names of modules that do not move, `trunk` or `base.pose`; their BatchNorm rests as well."""
    finish: Finish = field(default_factory=Finish)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what comes out of a training run, except data, seed and time."""

    name: str
    network: Any
    """A configuration of `networks/registry.py`."""
    task: Callable[[Any], Any]
    """`tasks.TaskSetup` -> `tasks.Task`; called once a stage. Mostly a class."""
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        assert abs(sum(stage.share for stage in self.stages) - 1) < 1e-6, f"stages of '{self.name}' do not add up to 1"
        assert len({stage.name for stage in self.stages}) == len(self.stages), f"stages of '{self.name}' share a name"

    def at_rate(self, learning_rate: float) -> "Recipe":
        """Give the same recipe with another highest learning rate in every stage."""
        if not 0 < learning_rate < math.inf:
            raise CommediaError(f"a learning rate is a positive number, such as 1e-3; {learning_rate:g} was given")
        return replace(
            self,
            stages=tuple(
                replace(stage, optimisation=replace(stage.optimisation, learning_rate=learning_rate))
                for stage in self.stages
            ),
        )

    def span(self, stage: int) -> tuple[float, float]:
        """Say from and to which share of the budget a stage goes."""
        ends = [0.0, *accumulate(stage.share for stage in self.stages)]
        ends[-1] = 1.0
        return ends[stage], ends[stage + 1]


@dataclass(frozen=True)
class Budget:
    """When a run is over; schedules follow the share of it that is used."""

    minutes: float | None = None
    steps: int | None = None
    core_minutes: float | None = None
    """Of processor time, which a busy machine does not stretch."""

    def __post_init__(self) -> None:
        limits = [limit for limit in (self.minutes, self.steps, self.core_minutes) if limit is not None]
        if len(limits) != 1:
            raise ValueError("a budget is either minutes or core-minutes or steps")
        (limit,) = limits
        if not 0 < limit < math.inf:
            raise CommediaError(f"a training's budget is a positive number of minutes or steps; {limit:g} was given")

    def clock(self) -> float:
        """Say the seconds that count."""
        return time.process_time() if self.core_minutes is not None else time.monotonic()

    def share(self, step: int, elapsed_s: float) -> float:
        """Say how much of the budget is used, 0 to 1; `elapsed_s` is by `clock`."""
        used = (
            step / self.steps if self.steps is not None else elapsed_s / (60 * (self.minutes or self.core_minutes or 1))
        )
        return min(1.0, used)
