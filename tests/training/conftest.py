"""A face model and shards small enough to train on in a test."""

from pathlib import Path

import numpy as np
import pytest

from commedia.data.shards import write_shard
from commedia.training.face_model import FaceModel
from commedia.training.pictures import ShardPictures
from tests.training.drawings import MirrorLandmarks, drawn_picture


@pytest.fixture(scope="session")
def model() -> FaceModel:
    layer = MirrorLandmarks()
    return FaceModel(layer, layer.identity_mirror, "drawn")


@pytest.fixture(scope="session")
def shards(model: FaceModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One shard of singles and one of scenes with 0 to 3 faces."""
    folder = tmp_path_factory.mktemp("shards")
    rng = np.random.default_rng(3)
    write_shard(folder / "singles.tar", (drawn_picture(rng, model.landmarks, 1, 160) for _ in range(12)))
    counts = (0, 2, 3, 2, 0, 3)
    write_shard(folder / "scenes.tar", (drawn_picture(rng, model.landmarks, count, 240) for count in counts))
    return folder


@pytest.fixture(scope="session")
def pictures(shards: Path) -> ShardPictures:
    """Those shards, decoded once for every test that only reads them."""
    return ShardPictures([shards])
