"""Batches for SFN with patch readers: labels follow crops, patches are those the network cuts, no face asks nothing."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from commedia.conventions import EXPRESSION_MIRROR, LANDMARK_MIRROR
from commedia.data.sample import PictureSample
from commedia.data.shards import write_shard
from commedia.faces.crop import crop_from_landmarks
from commedia.networks.ours.region_patches import region_patches
from commedia.networks.ours.sfn import DESKTOP, INPUT_SIZE, SfnRegions
from commedia.training.config import STILL, Augmentation
from commedia.training.face_model import FaceModel
from commedia.training.face_store import SQUARE_SIZE, FaceStore, open_store
from commedia.training.labels import Placement, placed
from commedia.training.pictures import warp
from commedia.training.region_batches import RegionBatch, region_batch, region_views
from tests.training.drawings import drawn_picture


@pytest.fixture(scope="module")
def store(model: FaceModel, tmp_path_factory: pytest.TempPathFactory) -> FaceStore:
    folder = tmp_path_factory.mktemp("regions")
    rng = np.random.default_rng(3)
    empty = PictureSample(rng.integers(0, 255, (90, 120, 3), np.uint8), (), "noise", "CC0", "labelled")
    write_shard(folder / "faces.tar", [*(drawn_picture(rng, model.landmarks, 1, 160) for _ in range(6)), empty])
    return open_store([folder / "faces.tar"], folder / "squares")


def batch_of(store: FaceStore, model: FaceModel, config: Augmentation, *, varied: bool = False) -> RegionBatch:
    rows = np.arange(len(store))
    return region_batch(store, rows, DESKTOP, config, model.identity_mirror, np.random.default_rng(1), varied=varied)


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_labels_and_pixels_are_those_of_one_face_at_a_time(store: FaceStore, model: FaceModel, flip: float) -> None:
    batch = batch_of(store, model, replace(STILL, flip=flip))
    for row in range(len(store)):
        face = store.faces.at(slice(row, row + 1))
        found = Placement(0.0, 1.0, flip > 0, np.zeros(2), np.zeros(2))
        crop = crop_from_landmarks(placed(face, found, model.identity_mirror).landmarks[0])
        center = found.target_from_source[:, :2] @ crop.center_px
        placement = Placement(-crop.roll, INPUT_SIZE / crop.side_px, flip > 0, center, np.full(2, INPUT_SIZE / 2))
        wanted = placed(face, placement, model.identity_mirror)
        for name in ("identity", "expression", "expression_weight", "wxyz"):
            np.testing.assert_allclose(getattr(batch.targets, name)[row], getattr(wanted, name)[0], atol=1e-5)
        np.testing.assert_allclose(batch.targets.landmarks[row], wanted.landmarks[0] / INPUT_SIZE - 0.5, atol=1e-4)
        drawn = warp(store.image(row), placement, (INPUT_SIZE, INPUT_SIZE), border=cv2.BORDER_CONSTANT)
        assert np.abs(drawn.astype(int) - batch.crops[row].numpy()).mean() < 0.5


def test_patches_are_those_the_network_cuts(store: FaceStore, model: FaceModel) -> None:
    batch = batch_of(store, model, replace(STILL, shift=0.2, scale=(1.2, 1.2)))  # some patches leave the crop
    cut = region_patches((_centred(batch.crops) + 1) / 2, batch.targets.landmarks, DESKTOP.eye_size, DESKTOP.mouth_size)
    for mine, theirs in ((batch.eyes, cut.eyes), (batch.mouth, cut.mouth)):
        assert (_centred(mine) - theirs).abs().max() < 0.51 / 127.5  # bytes are rounded


def test_a_mirrored_face_shows_its_eyes_in_turn(store: FaceStore, model: FaceModel) -> None:
    plain, mirrored = (batch_of(store, model, replace(STILL, flip=flip)) for flip in (0.0, 1.0))
    assert (plain.eyes.int() - mirrored.eyes.flip(1).int()).abs().float().mean() < 1.5
    assert (plain.eyes.int() - mirrored.eyes.int()).abs().float().mean() > 3
    assert (plain.mouth.int() - mirrored.mouth.flip(2).int()).abs().float().mean() < 1.5
    torch.testing.assert_close(
        mirrored.targets.landmarks,
        plain.targets.landmarks[:, list(LANDMARK_MIRROR)] * torch.tensor([-1.0, 1.0]),
        atol=1e-4,
        rtol=0,
    )
    assert torch.equal(mirrored.targets.expression, plain.targets.expression[:, list(EXPRESSION_MIRROR)])


def test_rows_without_a_face_ask_for_nothing_but_presence(store: FaceStore, model: FaceModel) -> None:
    assert store.negatives.shape == (4, SQUARE_SIZE, SQUARE_SIZE, 3)
    rows, chance = np.zeros(200, int), np.random.default_rng(2)
    batch = region_batch(store, rows, DESKTOP, STILL, model.identity_mirror, chance)
    absent = batch.present == 0
    assert 10 < int(absent.sum()) < 60
    for name in ("identity_weight", "expression_weight", "pose_weight", "landmark_weight"):
        weight = getattr(batch.targets, name)
        assert not weight[absent].any()
        assert weight[~absent].all()


def test_colours_change_the_same_in_all_views_of_a_face(store: FaceStore, model: FaceModel) -> None:
    grey = torch.full((len(store), 8, 8, 3), 90, dtype=torch.uint8)
    batch = batch_of(store, model, STILL)._replace(face=grey, eyes=grey[:, None].repeat(1, 2, 1, 1, 1), mouth=grey)
    views = region_views(batch, Augmentation(colour=0.3))
    colours = views.face[..., 0, 0]
    assert torch.unique(colours, dim=0).shape[0] == len(store)
    for part in (views.patches.eyes[:, 0], views.patches.eyes[:, 1], views.patches.mouth, views.face):
        torch.testing.assert_close(part, colours[..., None, None].expand_as(part))
    torch.testing.assert_close(region_views(batch, STILL).face, torch.full_like(views.face, 90 / 255))


def test_reading_views_is_reading_crops_when_points_are_true(store: FaceStore, model: FaceModel) -> None:
    torch.manual_seed(0)
    batch, network = batch_of(store, model, STILL), SfnRegions(DESKTOP).eval()
    with torch.no_grad():
        network.points.weight.zero_()
        network.points.bias.copy_(batch.targets.landmarks[0].flatten())
        views, crops = network.read(region_views(batch, STILL)), network.read_crops((_centred(batch.crops) + 1) / 2)
    apart = (views.logits - crops.logits).abs().amax(1)
    assert apart[0] < 0.2 * apart[1:].min()  # the others' patches were cut elsewhere


def test_a_shard_is_decoded_once(model: FaceModel, tmp_path: Path, rng: np.random.Generator) -> None:
    shard = tmp_path / "one.tar"
    write_shard(shard, [drawn_picture(rng, model.landmarks, 1, 160)])
    first = open_store([shard], tmp_path / "squares")
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "squares").iterdir()}
    again = open_store([shard, shard], tmp_path / "squares")
    assert files == {path: path.stat().st_mtime_ns for path in (tmp_path / "squares").iterdir()}
    assert len(again) == 2
    assert np.array_equal(again.image(1), first.image(0))
    write_shard(shard, [drawn_picture(rng, model.landmarks, 1, 160) for _ in range(2)])
    assert len(open_store([shard], tmp_path / "squares")) == 2


def _centred(images: Tensor) -> Tensor:
    return images.movedim(-1, -3).float() / 127.5 - 1


def test_a_crop_that_is_not_where_it_should_be_is_empty(store: FaceStore, model: FaceModel) -> None:
    """Presence says which way up a crop belongs and where, so some are turned or misplaced, and count as empty."""
    config, chance = replace(STILL, colour=0.0), np.random.default_rng(0)
    faces_only = replace(store, negatives=store.negatives[:0])
    batch = region_batch(faces_only, np.zeros(400, dtype=int), DESKTOP, config, model.identity_mirror, chance)
    assert 0.05 < float((batch.present == 0).float().mean()) < 0.2
    upright = batch.crops[batch.present > 0][0].int()
    apart = (batch.crops.int() - upright).abs().float().mean((1, 2, 3))
    # Borders differ by a grey level.
    assert apart[batch.present > 0].max() < 0.1
    assert apart[batch.present == 0].min() > 5
    for name in ("identity_weight", "expression_weight", "pose_weight", "landmark_weight"):
        assert not getattr(batch.targets, name)[batch.present == 0].any()


def test_a_group_is_mirrored_as_one(store: FaceStore, model: FaceModel) -> None:
    rows = np.repeat(np.arange(6), 10)
    config = replace(STILL, flip=0.5)
    mirror, chance = model.identity_mirror, np.random.default_rng(0)
    batch = region_batch(store, rows, DESKTOP, config, mirror, chance, varied=False, group_size=5)
    first = batch.targets.identity[:30].unflatten(0, (6, 5))
    for group, wanted in zip(first, store.faces.identity[rows[:30:5]], strict=True):
        assert torch.equal(group, group[:1].expand(5, -1))
        np.testing.assert_allclose(group[0].abs(), np.abs(wanted), atol=1e-6)
    assert len({tuple(row) for row in batch.targets.identity[30:40].tolist()}) == 2
