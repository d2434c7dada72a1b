"""Batches: labels sit on the pixels they speak of, and batch k depends on seed and k alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from commedia.faces.crop import crop_from_landmarks, crop_image
from commedia.networks.paper1.mfn import MFN_SIZE
from commedia.training.augment import varied
from commedia.training.batches import mfn_targets, prefetched
from commedia.training.config import STILL, Augmentation
from commedia.training.crops import crops
from commedia.training.face_model import FaceModel
from commedia.training.labels import FaceArrays
from commedia.training.mosaics import letterboxed, mosaic, scene_view
from commedia.training.pictures import FaceCrops, ShardPictures, load_face_crops
from commedia.training.recipes import recipe_named
from tests.training.drawings import on_dots
from tests.training.tasks import made_task

MOVED = Augmentation(flip=0.5, colour=0.0)


@pytest.fixture(scope="module")
def face_crops(shards: Path) -> FaceCrops:
    return load_face_crops([shards / "singles.tar"])


@pytest.mark.parametrize("config", [STILL, MOVED])
def test_sfn_labels_lie_on_the_dots(config: Augmentation, face_crops: FaceCrops, model: FaceModel) -> None:
    batch = crops(face_crops, np.arange(len(face_crops)), config, model.identity_mirror, np.random.default_rng(0))
    for pixels, landmarks in zip(batch.pixels, batch.targets.landmarks, strict=True):
        assert on_dots(pixels.permute(1, 2, 0).numpy(), (landmarks.numpy() + 0.5) * 128) > 0.95


def test_still_crops_are_what_inference_cuts(face_crops: FaceCrops, model: FaceModel) -> None:
    """The same pixels, and the points upright, centred on their tight box, whose longer side is the crop's over 1.5."""
    batch = crops(face_crops, np.arange(4), STILL, model.identity_mirror, np.random.default_rng(0))
    low, high = batch.targets.landmarks.amin(1), batch.targets.landmarks.amax(1)
    torch.testing.assert_close(low + high, torch.zeros(4, 2), atol=1e-4, rtol=0)
    torch.testing.assert_close((high - low).amax(1), torch.full((4,), 1 / 1.5), atol=1e-4, rtol=0)
    for row, pixels in enumerate(batch.pixels):
        live = crop_image(face_crops.images[row], crop_from_landmarks(face_crops.faces.landmarks[row]), 128)
        trained = pixels.permute(1, 2, 0).numpy()
        assert abs(live[20:-20, 20:-20].astype(int) - trained[20:-20, 20:-20]).max() <= 2


def mosaic_of(pictures: ShardPictures, model: FaceModel, rng: np.random.Generator) -> tuple[np.ndarray, FaceArrays]:
    pictures, face_crops = pictures.pictures_and_face_crops
    assert face_crops is not None
    return mosaic(
        face_crops, [picture for picture in pictures if not len(picture.faces.box)], MOVED, model.identity_mirror, rng
    )


def view_of(pictures: ShardPictures, model: FaceModel, rng: np.random.Generator) -> tuple[np.ndarray, FaceArrays]:
    return scene_view(pictures.pictures_and_face_crops[0][2], MOVED, model.identity_mirror, rng)


def letterbox_of(pictures: ShardPictures, model: FaceModel, rng: np.random.Generator) -> tuple[np.ndarray, FaceArrays]:
    return letterboxed(pictures.pictures_and_face_crops[0][1], model.identity_mirror)


@pytest.mark.parametrize("make", [mosaic_of, view_of, letterbox_of])
def test_mfn_labels_lie_on_the_dots(make: Callable[..., Any], pictures: ShardPictures, model: FaceModel) -> None:
    seen = 0
    for seed in range(8):
        image, faces = make(pictures, model, np.random.default_rng(seed))
        assert image.shape == (MFN_SIZE, MFN_SIZE, 3)
        large = np.flatnonzero((faces.box[:, 2:] - faces.box[:, :2]).max(1) > 60)
        for landmarks in faces.landmarks[large]:
            assert on_dots(image, landmarks) > 0.8
            seen += 1
    assert seen >= 5


def test_mfn_targets_are_relative_to_the_box(pictures: ShardPictures, model: FaceModel) -> None:
    _, faces = letterbox_of(pictures, model, np.random.default_rng(0))
    boxes, targets = mfn_targets([faces, faces.at(slice(0, 0))], MFN_SIZE)
    assert boxes.present.sum(1).tolist() == [len(faces.box), 0]
    side = boxes.size[0].prod(-1).sqrt()[:, None, None]
    back = (targets.landmarks[0] * side + boxes.center[0][:, None]) * MFN_SIZE
    np.testing.assert_allclose(back.numpy(), faces.landmarks, atol=1e-3)


@pytest.mark.parametrize("name", ["sfn-smoke", "mfn-smoke"])
def test_a_batch_is_a_function_of_seed_and_number(name: str, pictures: ShardPictures, model: FaceModel) -> None:
    task = made_task(recipe_named(name), pictures, model, seed=5)
    first, again, other = task.batch(3), task.batch(3), task.batch(4)
    assert torch.equal(first.pixels, again.pixels)
    assert not torch.equal(first.pixels, other.pixels)
    fetched = prefetched(task.batch, 3, workers=2)
    assert torch.equal(next(fetched).pixels, first.pixels)
    assert torch.equal(next(fetched).pixels, other.pixels)
    fetched.close()


def test_variation_keeps_shape_and_type(rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (128, 128, 3), dtype=np.uint8)
    wild = replace(MOVED, colour=0.5, grey=0.5, degrade=0.9, erase=0.9)
    for _ in range(20):
        changed = varied(image, wild, rng)
        assert (changed.shape, changed.dtype) == (image.shape, image.dtype)
    assert np.array_equal(varied(image, STILL, rng), image)
