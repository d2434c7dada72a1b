"""What every regressor promises: crops of one picture to parameters."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from commedia.faces.crop import Crop
from commedia.structures import FaceParams


@runtime_checkable
class RegressorProtocol(Protocol):
    """Reads the face in a crop; always answers, and says by `FaceParams.presence` whether to believe it."""

    def regress(self, image: UInt8[np.ndarray, "h w 3"], crops: list[Crop]) -> list[FaceParams]:
        """Read one face per crop, in the pixels of the whole image."""
        ...
