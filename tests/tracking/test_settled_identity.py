"""Who somebody is: the mean of what was read, until it is certain; from then on the same, where that is asked for."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from fakes import FakeDetector, FakeRegressor, Person, World, fake_landmarks
from test_tracker import still

from commedia.faces.crop import Crop
from commedia.structures import FaceParams
from commedia.tracking.identity import SURE, updated_mean
from commedia.tracking.models import Models
from commedia.tracking.settings import VIDEO_SETTINGS
from commedia.tracking.tracker import Tracker


@dataclass
class Changing(FakeRegressor):
    """Reads another identity in every frame: its first component counts the readings."""

    read: int = 0

    def regress(self, image: np.ndarray, crops: list[Crop]) -> list[FaceParams]:
        self.read += 1
        faces = super().regress(image, crops)
        return [replace(face, identity=np.full_like(face.identity, self.read)) for face in faces]


def identities(settled: float | None, frames: int) -> np.ndarray:
    world = World([Person(1, still(160))])
    models = Models(FakeDetector(world), Changing(world), landmarker=fake_landmarks)
    tracker = Tracker(models, replace(VIDEO_SETTINGS, detect_every=1, settled_identity=settled))
    shown = []
    for index in range(frames):
        frame = world.frame(index)
        shown += [face.params.identity[0] for face in tracker.step(frame.image, frame.time_s).faces]
    return np.array(shown)


def test_a_sure_mean_stays() -> None:
    one = updated_mean(None, np.ones(3), 2.0)
    two = updated_mean(one, np.full(3, 4.0), 1.0, sure=3.0)
    assert two.value.tolist() == pytest.approx([2.0, 2.0, 2.0])
    assert updated_mean(two, np.full(3, 9.0), 1.0, sure=3.0) is two
    assert updated_mean(two, np.full(3, 6.0), 1.0).value.tolist() == pytest.approx([3.0, 3.0, 3.0])


def test_a_track_that_is_sure_knows_who_it_follows() -> None:
    going_on, settled = identities(None, 60), identities(10.0, 60)
    assert np.diff(going_on[20:]).min() > 0
    assert np.ptp(settled[20:]) == 0
    # As both were when it was sure.
    assert settled[-1] == pytest.approx(going_on[np.searchsorted(going_on, settled[-1])])
    assert SURE > 10
