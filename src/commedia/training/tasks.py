"""What the loop asks of a task: batches, a loss, a validation, a picture to look at. One task per kind of network.

To train a new network, write its file and a line in `networks/registry.py`, a class that obeys `Task`, and a recipe:

    class MyTask:
        def __init__(self, setup: TaskSetup):
            self.model, self.loss_config = setup.model, setup.stage.loss
            self.singles = setup.pictures.singles          # shared by all stages
            ...

    MINE = Recipe("mine", MyConfig(), MyTask, stages=(Stage(loss=..., name="points", share=0.3),
                                                      Stage(loss=..., name="all", share=0.7, frozen=("trunk",))))

What `forward` must not return, because graphs have only what is used, training reads from a method `read` of the
network: a task's `read` then calls `network.read(pixels)`, which the loop has made ready for half precision.

A task that also learns from files beside the shards names them in `files_beside`, for the card.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8
from torch import nn

from commedia.files import hashed_share
from commedia.losses.faces import Loss
from commedia.training.config import Stage
from commedia.training.face_model import FaceModel
from commedia.training.pictures import ShardPictures


class RunShare(NamedTuple):
    """Where in its stage a step lies."""

    tau: float
    """Weight of parameters against landmarks, by the stage's schedule."""
    share: float
    """How much of the stage is over, 0 to 1."""


AT_THE_END = RunShare(tau=1.0, share=1.0)
"""What validation tells a loss, so that epochs compare."""


class TaskSetup(NamedTuple):
    """What a recipe's task is made of; called again for every stage, with the same network and pictures."""

    network: nn.Module
    stage: Stage
    pictures: ShardPictures
    model: FaceModel
    seed: int = 0
    teacher: nn.Module | None = None
    """An SFN, where `DataConfig.relabel` asks for one."""


class Validation(NamedTuple):
    """How good a network is on pictures it never trained on."""

    loss: float
    """At `AT_THE_END`."""
    error: float
    """SFN: landmark error, % of the root of the landmark box's area; MFN: the same over the faces found. NaN, as is
    `expression`, from a network that only detects."""
    expression: float
    """Mean absolute error of trusted blendshapes whose truth is above 0.5."""
    recall: float
    """MFN: share of faces found at IoU 0.5; 1 for SFN."""
    precision: float


@runtime_checkable
class Task(Protocol):
    """Everything specific to training one kind of network; `Any` is a batch or an output only the task looks into."""

    epoch_steps: int
    """Steps between two validations."""

    def batch(self, step: int) -> Any:
        """Make batch number `step`; a function of the seed and `step` alone. Runs in other threads."""
        ...

    def pixels(self, batch: Any) -> Any:
        """Make what the network reads."""
        ...

    def read(self, network: nn.Module, pixels: Any) -> Any:
        """Let the network see the pixels, in training."""
        ...

    def loss(self, outputs: Any, batch: Any, run: RunShare) -> Loss: ...

    def validate(self, network: nn.Module) -> Any:
        """Measure; a NamedTuple for the log, `Validation` or another with a `loss`."""
        ...

    def contact_sheet(self, network: nn.Module) -> UInt8[np.ndarray, "h w 3"]:
        """Draw predictions on validation pictures."""
        ...


def split_rows(shown: Sequence[np.ndarray] | np.ndarray, share: float, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide rows into training and validation by a hash of what each row shows: its landmarks or its image.

    So a picture stays on its side when a run goes on with more shards, or other ones. At most `most` of those held back
    are returned, always the same, so that every shard has its say; the others are drawn by nobody.
    """
    draw = np.array([hashed_share(np.ascontiguousarray(row).tobytes()) for row in shown])
    order, count = np.argsort(draw, kind="stable"), len(draw)
    held = min(max(1, int((draw < share).sum())), count - 1) if count > 1 else 0
    return np.sort(order[held:]), np.sort(order[: min(held, most)] if held else order)
