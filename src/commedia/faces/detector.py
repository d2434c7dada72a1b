"""What every detector promises. Adapters implement this in one file each; nothing here knows a network."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from commedia.structures import Face


@runtime_checkable
class DetectorProtocol(Protocol):
    """Finds faces in one picture; keeps nothing from one call to the next."""

    def detect(self, image: UInt8[np.ndarray, "h w 3"]) -> list[Face]:
        """Find every face, most confident first; an empty list is a result."""
        ...
