"""What stands twice, in numpy for the live path and in torch for training, says the same."""

import numpy as np
import pytest
import torch

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.faces.grid import ROW_COUNT, decode_corners, decode_grid, read_rows
from commedia.geometry.boxes import pairwise_iou
from commedia.losses.boxes import box_iou, shape_iou
from commedia.networks.paper1.mfn import MfnConfig, decode_boxes, decode_faces
from commedia.training.anchors import overlaps
from commedia.training.face_model import default_face_model
from commedia.training.found import FOUND_ABOVE, OVERLAP_SAME, faces_found


def random_grid(rng: np.random.Generator, cells: int, anchors: int) -> np.ndarray:
    """Logits as a network says them, and a few wild ones."""
    grid = rng.normal(0, 1.5, (cells * cells * anchors, ROW_COUNT))
    wild = rng.random(grid.shape) < 0.01
    return np.where(wild, 12 * grid, grid).astype(np.float32)


@pytest.mark.parametrize(("cells", "count"), [(9, 5), (4, 1), (18, 3)])
def test_a_grid_means_the_same_boxes_and_faces(rng: np.random.Generator, cells: int, count: int) -> None:
    grid = random_grid(rng, cells, count)
    anchors = rng.uniform(0.3, 4, (count, 2)).astype(np.float32)
    everyone = np.arange(len(grid))
    boxes = decode_boxes(torch.from_numpy(grid)[None], torch.from_numpy(anchors))
    corners = torch.cat([boxes.center - boxes.size / 2, boxes.center + boxes.size / 2], -1)[0].numpy()
    np.testing.assert_allclose(decode_corners(grid, everyone, anchors), corners, rtol=2e-5, atol=2e-6)
    ours, theirs = (
        read_rows(grid, everyone, anchors),
        decode_faces(torch.from_numpy(grid), IDENTITY_COUNT, EXPRESSION_COUNT),
    )
    np.testing.assert_allclose(ours.confidence, torch.sigmoid(boxes.objectness_logit[0]), atol=1e-6)
    for name in ("identity", "expression", "translation"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=1e-6)
    np.testing.assert_allclose(ours.scale, theirs.scale[:, 0], atol=1e-6)
    # A pose made of these is normalised where it becomes one.
    blendshape = ours.wxyz / np.linalg.norm(ours.wxyz, axis=1, keepdims=True)
    same = np.sign((blendshape * theirs.wxyz.numpy()).sum(1, keepdims=True))
    np.testing.assert_allclose(blendshape * same, theirs.wxyz, atol=1e-5)


def test_the_same_predictions_count_as_faces(rng: np.random.Generator) -> None:
    config = MfnConfig()
    anchors = np.array(config.anchors, np.float32)
    grid = random_grid(rng, 9, len(anchors))
    found = faces_found(torch.from_numpy(grid), config, default_face_model())
    ours = decode_grid(grid, anchors, threshold=FOUND_ABOVE, nms_iou=OVERLAP_SAME)
    assert len(ours.confidence) > 20
    corners = torch.cat([found.center - found.size / 2, found.center + found.size / 2], -1).numpy()
    np.testing.assert_allclose(ours.corners, corners, rtol=2e-5, atol=2e-6)


def test_boxes_overlap_by_the_same_share(rng: np.random.Generator) -> None:
    center, size = rng.uniform(0, 1, (2, 30, 2)), rng.uniform(0.05, 0.6, (2, 30, 2))
    first, second = (np.concatenate([c - s / 2, c + s / 2], 1) for c, s in zip(center, size, strict=True))
    centers, sizes = ((torch.from_numpy(a)[:, None], torch.from_numpy(b)[None]) for a, b in (center, size))
    expected = pairwise_iou(first, second)
    assert 0.05 < (expected > 0).mean() < 0.95
    np.testing.assert_allclose(box_iou(centers, sizes).numpy(), expected, atol=1e-12)
    on_one_centre = pairwise_iou(*(np.concatenate([-s / 2, s / 2], 1) for s in size))
    np.testing.assert_allclose(shape_iou(*sizes), on_one_centre, atol=1e-12)
    np.testing.assert_allclose(overlaps(*size), on_one_centre, atol=1e-12)
