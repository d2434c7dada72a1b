"""Close-ups: cut where the face is, whatever its roll; mirrored pictures give mirrored answers; every unit is read."""

import numpy as np
import pytest
import torch

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_MIRROR, LANDMARK_MIRROR
from commedia.networks.ours.close_ups import (
    LEFT_UNITS,
    MOUTH_UNITS,
    RIGHT_UNITS,
    CloseUps,
    CloseUpsConfig,
    region_patches,
)
from commedia.networks.ours.sfn_base import SfnBaseConfig
from commedia.networks.ours.sfn_close import SfnClose, SfnCloseConfig
from commedia.networks.ours.sfn_points import SfnPointsConfig
from commedia.training.face_model import default_face_model

SMALL = CloseUpsConfig(widths=(8, 8, 8), cell_channels=2, hidden=8)
SMALL_SFN = SfnPointsConfig(
    SfnBaseConfig(stem=8, widths=(8, 16, 16), blocks=(1, 1, 1), fine=8), points=70, channels=8, hidden=8
)


@pytest.fixture(scope="module")
def landmarks() -> torch.Tensor:
    """The mean head's points in crop units, y down."""
    points = default_face_model().landmarks(torch.zeros(1, 50), torch.zeros(1, EXPRESSION_COUNT))[..., :2]
    points = points * torch.tensor([1.0, -1.0])
    low, high = points.amin(1, keepdim=True), points.amax(1, keepdim=True)
    return (points - (low + high) / 2) / (1.5 * (high - low).amax())


def picture_with_dots(places: torch.Tensor) -> torch.Tensor:
    """A red dot at each place (crop units) of a black 128-pixel crop."""
    centers = (torch.arange(128) + 0.5) / 128 - 0.5
    x, y = centers[None, :, None], centers[:, None, None]
    near = ((x - places[:, 0]) ** 2 + (y - places[:, 1]) ** 2).amin(-1)
    pixels = torch.zeros(1, 3, 128, 128)
    pixels[0, 0] = torch.exp(-near * 128**2 / 4)
    return pixels


def brightest(patch: torch.Tensor) -> torch.Tensor:
    """Centre of mass of red, -0.5 to 0.5 of the patch."""
    red = patch[0, 0]
    steps = (torch.arange(len(red)) + 0.5) / len(red) - 0.5
    return torch.stack([(red.sum(0) * steps).sum(), (red.sum(1) * steps).sum()]) / red.sum()


def turned(points: torch.Tensor, angle: float) -> torch.Tensor:
    cosine, sine = np.cos(angle), np.sin(angle)
    return points @ torch.tensor([[cosine, -sine], [sine, cosine]], dtype=points.dtype)


@pytest.mark.parametrize("angle", [0.0, 0.3, -0.25])
def test_eyes_and_mouth_are_where_they_belong_at_any_roll(landmarks: torch.Tensor, angle: float) -> None:
    placed = turned(landmarks, angle)
    for part, name, expected in (
        (slice(42, 48), "left_eye", (0.0, 0.04 / 0.46)),
        (slice(36, 42), "right_eye", (0.0, 0.04 / 0.46)),
        (slice(48, 68), "mouth", (0.0, 0.0)),
    ):
        dot = placed[0, part].mean(0, keepdim=True)
        patch = getattr(region_patches(picture_with_dots(dot), placed), name)
        torch.testing.assert_close(brightest(patch), torch.tensor(expected), atol=0.01, rtol=0)


def test_patches_stand_upright(landmarks: torch.Tensor) -> None:
    """A point above the left eye of a turned face is straight above it in the patch, and outward is outward."""
    placed = turned(landmarks, 0.3)
    eye = placed[0, 42:48].mean(0)
    side = (placed.amax(1) - placed.amin(1)).amax()
    up, outward = turned(torch.tensor([[0.0, -0.05]]), 0.3), turned(torch.tensor([[0.05, 0.0]]), 0.3)
    for offset, expected in ((up, (0.0, -0.05)), (outward, (0.05, 0.0))):
        found = brightest(region_patches(picture_with_dots(eye + offset), placed).left_eye)
        wanted = torch.tensor(expected) / (0.46 * side) + torch.tensor([0.0, 0.04 / 0.46])
        torch.testing.assert_close(found, wanted, atol=0.02, rtol=0)


def test_a_mirrored_picture_swaps_the_sides(landmarks: torch.Tensor) -> None:
    torch.manual_seed(0)
    pixels = torch.rand(1, 3, 128, 128)
    mirrored = landmarks[:, list(LANDMARK_MIRROR)] * torch.tensor([-1.0, 1.0])
    seen, reflected = region_patches(pixels, landmarks), region_patches(pixels.flip(-1), mirrored)
    torch.testing.assert_close(reflected.left_eye, seen.right_eye, atol=1e-4, rtol=0)
    torch.testing.assert_close(reflected.right_eye, seen.left_eye, atol=1e-4, rtol=0)
    torch.testing.assert_close(reflected.mouth, seen.mouth.flip(-1), atol=1e-4, rtol=0)
    eyes = [index for index in {*LEFT_UNITS, *RIGHT_UNITS} if index not in MOUTH_UNITS]
    network = CloseUps(SMALL).eval()
    first, second = network(seen)[0], network(reflected)[0]
    torch.testing.assert_close(second[eyes], first[list(EXPRESSION_MIRROR)][eyes], atol=1e-4, rtol=0)


def test_every_unit_is_read_somewhere() -> None:
    assert {*LEFT_UNITS, *RIGHT_UNITS, *MOUTH_UNITS} == set(range(EXPRESSION_COUNT))


def test_without_a_share_close_ups_change_nothing() -> None:
    torch.manual_seed(0)
    network = SfnClose(SfnCloseConfig(base=SMALL_SFN, close_ups=SMALL, share=0.0)).eval()
    pixels = torch.rand(2, 3, 128, 128)
    alone, together = network.base(pixels).faces, network.read(pixels).faces
    for name, first, second in zip(alone._fields, alone, together, strict=True):
        torch.testing.assert_close(first, second, atol=1e-4, rtol=0, msg=name)


def test_close_ups_move_expression_only() -> None:
    torch.manual_seed(0)
    network = SfnClose(SfnCloseConfig(base=SMALL_SFN, close_ups=SMALL, share=1.0)).eval()
    with torch.no_grad():
        network.close_ups.mouth[-1].bias.add_(3.0)
    pixels = torch.rand(1, 3, 128, 128)
    alone, together = network.base(pixels).faces, network(pixels)
    torch.testing.assert_close(alone.identity, together.identity)
    torch.testing.assert_close(alone.wxyz, together.wxyz)
    moved = (together.expression - alone.expression)[0] > 0.2
    assert set(torch.nonzero(moved)[:, 0].tolist()) >= {u for u in MOUTH_UNITS if u not in {*LEFT_UNITS, *RIGHT_UNITS}}


def test_an_untaught_network_believes_in_every_face_and_a_taught_one_in_what_is_sharp() -> None:
    torch.manual_seed(0)
    network = SfnClose(SfnCloseConfig(base=SMALL_SFN, close_ups=SMALL)).eval()
    pixels = torch.rand(4, 3, 128, 128)
    with torch.no_grad():
        assert float(network(pixels).presence.min()) > 0.99
        spread = network.read(pixels).spread.sum(1)
        network.presence.weight.fill_(-1e4)
        network.presence.bias.fill_(1e4 * float(spread.mean()))
        assert (network(pixels).presence[:, 0] > 0.5).tolist() == (spread < spread.mean()).tolist()
