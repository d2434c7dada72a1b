"""Shots of cuts: points that a network finds lie in the shot as in the cut, and errors weigh as much."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from commedia.face_model.landmarks import landmarks_from_params
from commedia.face_model.model import load_head
from commedia.faces.crop import Crop
from commedia.faces.points import PointsPredictor, SeenPoints
from commedia.faces.session import OnnxSession
from commedia.personal.fit import distance_from_found
from commedia.personal.shots import SHOT_M, shots_of

from .drawn import drawn_person

NO_NETWORK = OnnxSession(None, "", (), 192, {})


@dataclass(frozen=True, kw_only=True)
class OffBySome(PointsPredictor):
    """Finds the points so many pixels beside where they are, and says how sure it is."""

    known: Iterator[np.ndarray]
    off_px: np.ndarray
    said: np.ndarray

    def find(self, image: np.ndarray, crops: Sequence[Crop]) -> SeenPoints:
        (crop,), points = crops, next(self.known)
        assert abs(points - crop.center_px).max() < crop.side_px / 2
        return SeenPoints((points + self.off_px)[None].astype(np.float32), np.tile(self.said, (1, 68, 1, 1)))


def test_found_points_lie_in_the_shot_as_in_the_cut() -> None:
    head, cuts = load_head(), drawn_person().cuts.made_of[:3]
    points = [landmarks_from_params(cut.params, head) for cut in cuts]
    off, sure = np.array([2.0, -1.0]), np.array([[0.5, 0.0], [0.25, 1.0]], np.float32)
    shots = shots_of(cuts, head, 32, OffBySome(NO_NETWORK, known=iter(points), off_px=off, said=sure))
    assert shots.found is not None
    assert shots.sure is not None
    sides = torch.tensor([SHOT_M * cut.params.pose.px_per_m for cut in cuts]).view(-1, 1, 1)
    torch.testing.assert_close(
        (shots.found - shots.points) * sides, torch.from_numpy(off).float().expand(3, 68, 2), atol=1e-3, rtol=0
    )
    # As long as in pixels: (1, .5 - 1).
    assert abs(distance_from_found(shots.points, shots) - np.hypot(1.0, -0.5)) < 1e-3
    assert shots_of(cuts, head, 32).found is None
