"""What the loop asks of a task: batches, a loss, a validation, a picture to look at. One task per network."""

from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from commedia.networks.registry import Network
from commedia.training.config import Recipe
from commedia.training.face_model import FaceModel


class Validation(NamedTuple):
    """How good a network is on pictures it never trained on."""

    loss: float
    """With tau 1, so that epochs compare."""
    error: float
    """SFN: landmark error, % of the root of the landmark box's area; MFN: the same over the faces found. NaN, as is
    `expression`, from a network that only detects."""
    expression: float
    """Mean absolute error of trusted units whose truth is above 0.5."""
    recall: float
    """MFN: share of faces found at IoU 0.5; 1 for SFN."""
    precision: float


class Loss(NamedTuple):
    """What is minimised, and its parts by name for the log."""

    total: Float[Tensor, ""]
    parts: tuple[tuple[str, Tensor], ...]


@runtime_checkable
class Task(Protocol):
    """A network to train and everything specific to it; `Any` is a batch or an output only the task looks into."""

    recipe: Recipe
    model: FaceModel
    epoch_steps: int

    @property
    def network(self) -> Network: ...

    def batch(self, step: int) -> Any:
        """Make batch number `step`; a function of the seed and `step` alone."""
        ...

    def pixels(self, batch: Any) -> Any:
        """Make what the network reads: pictures, or patches of them."""
        ...

    def read(self, network: nn.Module, pixels: Any) -> Any:
        """Let the network see the pixels, in training."""
        ...

    def loss(self, outputs: Any, batch: Any, tau: float) -> Loss: ...

    def validate(self, network: nn.Module) -> Validation: ...

    def contact_sheet(self, network: nn.Module) -> UInt8[np.ndarray, "h w 3"]:
        """Draw predictions on validation pictures."""
        ...


def split_rows(count: int, share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Divide row numbers into training and validation; the same division for the same count, share and seed."""
    order = np.random.default_rng(seed).permutation(count)
    held = min(max(1, round(count * share)), count - 1) if count > 1 else 0
    return np.sort(order[held:]), np.sort(order[:held] if held else order)
