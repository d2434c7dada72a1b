"""A network that only detects trains and is validated like any MFN, with nothing said of parameters."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from commedia.losses.boxes import assign
from commedia.networks.paper1.mfn import MFN_SIZE, MfnConfig
from commedia.networks.registry import network_for
from commedia.training.batches import MfnBatch, mfn_targets, pixels_from_images
from commedia.training.face_model import FaceModel
from commedia.training.found import compared, faces_found
from commedia.training.mosaics import letterboxed
from commedia.training.pictures import load_pictures_and_face_crops, shard_paths
from commedia.training.recipes import recipe_named
from commedia.training.tasks import AT_THE_END
from tests.losses.test_boxes import grid_saying
from tests.training.tasks import made_task


def test_a_detector_learns_and_finds_boxes_only(shards: Path, model: FaceModel) -> None:
    torch.manual_seed(0)
    recipe = replace(recipe_named("mfn-smoke"), network=MfnConfig(width_mult=0.25, norm=True, detect_only=True))
    network = network_for(recipe.network)
    task = made_task(recipe, shards, model, seed=3, network=network)
    batch = task.batch(0)
    grid = network.train()(task.pixels(batch))
    loss = task.loss(grid, batch, AT_THE_END)
    loss.total.backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    parts = dict(loss.parts)
    assert parts["identity"] == parts["landmarks"] == 0 < parts["coordinates"]
    validation = task.validate(network.eval())
    assert np.isfinite(validation.loss)
    assert np.isnan(validation.error)
    assert np.isnan(validation.expression)
    assert task.contact_sheet(network).ndim == 3


def test_true_boxes_are_all_found_and_say_nothing_of_parameters(shards: Path, model: FaceModel) -> None:
    pictures, _ = load_pictures_and_face_crops(shard_paths([shards / "scenes.tar"]))
    images, faces = zip(*(letterboxed(picture, model.identity_mirror) for picture in pictures), strict=True)
    batch = MfnBatch(pixels_from_images(images), *mfn_targets(faces, MFN_SIZE))
    config = MfnConfig(detect_only=True)
    anchors = torch.tensor(config.anchors)
    grid = grid_saying(batch.boxes, assign(batch.boxes, anchors, 9), anchors).float()
    outcome = compared(grid, batch, config, model)
    assert outcome.claimed == outcome.present == outcome.found > 5
    assert np.isnan([outcome.error, outcome.expression]).all()
    first = faces_found(grid[int(batch.boxes.present.sum(1).argmax())], config, model)
    assert first.faces is None
    assert len(first.landmarks) == 0 < len(first.center)
