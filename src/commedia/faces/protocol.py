"""What detectors and regressors promise. Each adapter is one file beside this one; nothing here knows a network."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8

from commedia.faces.crop import Crop
from commedia.structures import Face, FaceParams

Landmarker = Callable[[Sequence[FaceParams]], list[Float[np.ndarray, "68 2"]]]
"""Parameters of several faces to their 68 landmarks."""


@runtime_checkable
class DetectorProtocol(Protocol):
    """Finds faces in one picture; keeps nothing from one call to the next.

    A detector that knows nothing but boxes returns `Face(box, confidence)`: every such face is read from its crop.
    """

    def detect(self, image: UInt8[np.ndarray, "h w 3"]) -> list[Face]:
        """A picture to every face in it, most confident first; an empty list is a result."""
        ...


@runtime_checkable
class RegressorProtocol(Protocol):
    """Reads the face in a crop; always answers, and says by `FaceParams.presence` whether to believe it."""

    def regress(self, image: UInt8[np.ndarray, "h w 3"], crops: list[Crop]) -> list[FaceParams]:
        """Crops of a picture to one face per crop, in the pixels of the whole picture."""
        ...


@runtime_checkable
class EmbedderProtocol(Protocol):
    """Says who faces are, in numbers of which only the cosine of two says anything: 1 one person, 0 two."""

    def embed(
        self, image: UInt8[np.ndarray, "h w 3"], landmarks_px: Sequence[Float[np.ndarray, "68 2"]]
    ) -> Float[np.ndarray, "n e"]:
        """The faces at these landmarks of a picture to a vector of unit length each."""
        ...
