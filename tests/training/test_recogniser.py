"""Eq. 7 of paper 3: numbers by hand, gradients, and a recogniser that sees faces where it expects them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from commedia.errors import UnknownName, WeightsMismatch
from commedia.faces.crop import crop_image
from commedia.faces.embedding import FIVE_PLACES, FIVE_POINTS, chip_crop, open_embedding
from commedia.losses.perceptual import perceptual_error
from commedia.training.batches import unit_pixels
from commedia.training.recogniser import Recogniser, aligned, open_recogniser


class Itself(nn.Module):
    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.flatten(1)


def test_numbers_by_hand() -> None:
    seen = torch.tensor([[3.0, 4.0], [1.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    drawn = torch.tensor([[6.0, 8.0], [0.0, 2.0], [-5.0, 0.0], [1.0, 1.0]])
    torch.testing.assert_close(perceptual_error(seen, drawn), torch.tensor([0.0, 1.0, 2.0, 1 - 0.5**0.5]))


def test_gradients() -> None:
    torch.manual_seed(0)
    seen, drawn = (torch.randn(3, 5, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(perceptual_error, (seen, drawn))
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Tanh(), nn.Flatten()).double()
    recogniser = Recogniser(network, 6)
    points = torch.randn(1, 68, 2, dtype=torch.float64) * 0.2
    pictures = torch.rand(1, 3, 5, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: recogniser(x, points), (pictures,))


def marks(rng: np.random.Generator, turn: float, scale: float, at: np.ndarray) -> np.ndarray:
    """Points of a crop whose five lie, but for a little, where chips have them."""
    points = rng.normal(0, 0.1, (68, 2))
    cosine, sine = np.cos(turn), np.sin(turn)
    places = np.array(FIVE_PLACES) @ np.array([[cosine, sine], [-sine, cosine]])
    points[list(FIVE_POINTS)] = scale * places + at + rng.normal(0, 0.004, (5, 2))
    return points.astype(np.float32)


def test_faces_are_aligned_as_the_embedding_aligns_them() -> None:
    rng, size = np.random.default_rng(0), 160
    image = cv2.resize(rng.integers(0, 255, (9, 9, 3)).astype(np.uint8), (size, size), interpolation=cv2.INTER_CUBIC)
    for turn, scale in ((0.0, 0.6), (0.3, 0.5), (-0.2, 0.7)):
        points = marks(rng, turn, scale, np.array([0.03, -0.02]))
        crop = chip_crop((points + 0.5) * size)
        expected = crop_image(image, crop, 96)
        pictures = unit_pixels(torch.from_numpy(image.copy()).permute(2, 0, 1)[None])
        found = (
            Recogniser(Itself(), 96)(pictures, torch.from_numpy(points)[None])[0].view(3, 96, 96).permute(1, 2, 0) * 255
        )
        inside = slice(8, 88)
        assert np.abs(found.numpy()[inside, inside] - expected[inside, inside]).mean() < 1.5
        affine = aligned(torch.from_numpy(points)[None])[0].numpy()
        np.testing.assert_allclose(affine[:, 2], crop.center_px / size - 0.5, atol=2e-3)


def test_the_shipped_embedding_says_the_same_through_it() -> None:
    rng, size = np.random.default_rng(1), 200
    image = cv2.resize(rng.integers(0, 255, (12, 12, 3)).astype(np.uint8), (size, size), interpolation=cv2.INTER_CUBIC)
    points = marks(rng, 0.1, 0.6, np.zeros(2))
    recogniser = open_recogniser("embedding-desktop")
    assert recogniser.size == 150
    pictures = unit_pixels(torch.from_numpy(image.copy()).permute(2, 0, 1)[None])
    found = recogniser(pictures, torch.from_numpy(points)[None])
    chip = crop_image(image, chip_crop((points + 0.5) * size), 150)
    network = open_embedding().network
    expected = network.run(chip.transpose(2, 0, 1)[None].astype(np.float32) / 255)["embedding"]
    assert float((found.numpy() * expected).sum()) > 0.99


def test_the_crop_as_it_is() -> None:
    pictures = torch.rand(1, 3, 8, 8)
    seen = Recogniser(Itself(), 8, "crop")(pictures, torch.zeros(1, 68, 2))
    torch.testing.assert_close(seen, pictures.flatten(1))


def test_files_of_users(tmp_path: Path) -> None:
    path = tmp_path / "own.pt"
    torch.jit.script(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())).save(str(path))
    seen = open_recogniser(str(path), "crop", size=16)(torch.full((2, 3, 8, 8), 0.25), torch.zeros(2, 68, 2))
    torch.testing.assert_close(seen, torch.full((2, 3), 0.25))
    path.write_bytes(b"nothing")
    with pytest.raises(WeightsMismatch, match="TorchScript"):
        open_recogniser(str(path))
    with pytest.raises(UnknownName):
        open_recogniser("embeding-desktop")
