"""Where the head's 68 points are in a picture, and how sure each is, finer than SFN says; in the crops SFN reads."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import LANDMARK_COUNT
from commedia.errors import WeightsMismatch
from commedia.faces.crop import Crop, crop_image
from commedia.faces.session import DEFAULT_THREADS, OnnxSession, open_session, pixels_from_images
from commedia.faces.weights import DEFAULT_POINTS, find_weights

POINTS_OUTPUTS = ("points", "sure")
TOGETHER = "errors_together"
"""Under this name in a file's metadata: a lower triangle, row by row, ..."""
STEP = 1e-3
"""... in whole numbers of this size."""
NUMBERS = 2 * LANDMARK_COUNT
"""Of all points of a face, one after the other, across and then down."""


class SeenPoints(NamedTuple):
    """Points of n faces in the pixels of their picture."""

    points_px: Float[np.ndarray, "n 68 2"]
    sure: Float[np.ndarray, "n 68 2 2"]
    """A point's error in pixels times this matrix has a length of about 1, whatever its direction."""


@dataclass(frozen=True)
class PointsPredictor:
    """Finds points with the points network."""

    network: OnnxSession
    together: Float[np.ndarray, "k k"] | None = None
    """How errors go together: the mean of their products, each weighed by how sure its point is, in the axes of crops;
    of drawn faces that the network was not trained on. None where nobody measured it."""

    def find(self, image: UInt8[np.ndarray, "h w 3"], crops: Sequence[Crop]) -> SeenPoints:
        """Find the points of one face per crop, one run of the network for all."""
        if not crops:
            return SeenPoints(*(np.zeros((0, LANDMARK_COUNT, *shape), np.float32) for shape in ((2,), (2, 2))))
        images = np.stack([crop_image(image, crop, self.network.input_size) for crop in crops])
        outputs = self.network.run(pixels_from_images(images))
        sides = np.array([crop.side_px for crop in crops], np.float32)[:, None, None]
        turns = np.stack([crop.image_from_crop for crop in crops])
        centers = np.stack([crop.center_px for crop in crops])[:, None]
        points = centers + sides * outputs["points"] @ turns.transpose(0, 2, 1)
        sure = triangles(outputs["sure"]) @ turns.transpose(0, 2, 1)[:, None] / sides[..., None]
        return SeenPoints(points.astype(np.float32), sure.astype(np.float32))


def triangles(sure: Float[np.ndarray, "n p 3"]) -> Float[np.ndarray, "n p 2 2"]:
    """What the network says of how sure it is, logarithms of the diagonal and a multiple, to lower triangles."""
    first, mixed, last = np.exp(sure[..., 0]), sure[..., 1], np.exp(sure[..., 2])
    return np.stack([np.stack([first, np.zeros_like(first)], -1), np.stack([mixed * first, last], -1)], -2)


def open_points(name: str = DEFAULT_POINTS, *, threads: int = DEFAULT_THREADS) -> PointsPredictor:
    """Open the points network by the name of shipped weights or by the path of an .onnx file."""
    path = find_weights(name)
    network = open_session(path, kind="points", outputs=POINTS_OUTPUTS, threads=threads)
    return PointsPredictor(network, together_of(path.name, network.metadata))


def together_to_text(together: Float[np.ndarray, "k k"]) -> str:
    """Write how errors go together for a network's metadata."""
    rows = np.rint(together[np.tril_indices(NUMBERS)] / STEP).astype(int)
    return json.dumps(rows.tolist(), separators=(",", ":"))


def together_of(file_name: str, metadata: dict[str, str]) -> Float[np.ndarray, "k k"] | None:
    """Read how errors go together from a network's metadata; None where it does not say."""
    if not metadata.get(TOGETHER):
        return None
    together = np.zeros((NUMBERS, NUMBERS))
    try:
        together[np.tril_indices(NUMBERS)] = STEP * np.asarray(json.loads(metadata[TOGETHER]), dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise WeightsMismatch(f"{file_name} does not say readably how its errors go together: {error}") from error
    return together + np.tril(together, -1).T
