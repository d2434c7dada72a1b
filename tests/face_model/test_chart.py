"""The chart of the face: laid out without folds, alike on both sides, there and back; masks where blendshapes act."""

from pathlib import Path

import numpy as np
import pytest
import torch

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.errors import WeightsMismatch
from commedia.face_model.albedo import load_albedo
from commedia.face_model.chart import CHART_FILE, SIZE, FaceChart, attention_masks, edges_of, load_chart, read_chart
from commedia.face_model.chart_layer import ChartLayer
from commedia.face_model.model import REGIONS, HeadModel, load_head


@pytest.fixture(scope="module")
def head() -> HeadModel:
    return load_head()


@pytest.fixture(scope="module")
def chart() -> FaceChart:
    return load_chart()


@pytest.fixture(scope="module")
def masks(head: HeadModel, chart: FaceChart) -> np.ndarray:
    return attention_masks(chart, head.model.expression_basis[:, chart.vertices])


def signed_areas(chart: FaceChart) -> np.ndarray:
    (x0, y0), (x1, y1), (x2, y2) = np.moveaxis(SIZE * chart.uv[chart.triangles].astype(np.float64), (1, 2), (0, 1))
    return ((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)) / 2


def texels_of_region(head: HeadModel, chart: FaceChart, name: str) -> float:
    inside = (head.vertex_region[chart.vertices] == REGIONS.index(name))[chart.triangles].all(1)
    return float(np.abs(signed_areas(chart)[inside]).sum())


def test_no_triangle_is_turned_over(chart: FaceChart) -> None:
    # y points down: what runs anticlockwise on the face runs the other way here.
    assert signed_areas(chart).max() < -0.05


def test_the_face_fills_the_square(head: HeadModel, chart: FaceChart) -> None:
    assert 0 < chart.uv.min() < chart.uv.max() < 1
    assert np.abs(signed_areas(chart)).sum() > 0.84 * SIZE**2
    assert chart.covered.mean() == pytest.approx(np.abs(signed_areas(chart)).sum() / SIZE**2, abs=0.01)
    for name, least in (("upper_lip", 500), ("lower_lip", 500), ("left_lids", 900), ("right_lids", 900)):
        assert texels_of_region(head, chart, name) > least, name


def test_both_sides_are_alike(head: HeadModel, chart: FaceChart) -> None:
    mirror = np.searchsorted(chart.vertices, head.mirror_vertex[chart.vertices])
    np.testing.assert_allclose(chart.uv[mirror], [1, 0] + chart.uv * [-1, 1], atol=1e-6)
    # The subject's left is on the right, as one sees somebody.
    assert np.corrcoef(chart.uv[:, 0], head.model.mean[chart.vertices, 0])[0, 1] > 0.9
    assert np.corrcoef(chart.uv[:, 1], head.model.mean[chart.vertices, 1])[0, 1] < -0.9


def test_texels_lie_in_their_triangles(chart: FaceChart) -> None:
    """A map of places says of each covered texel where it is."""
    middle = (np.arange(SIZE) + 0.5) / SIZE
    found = chart.painted(chart.uv)
    np.testing.assert_allclose(
        found[:, chart.covered], np.stack(np.meshgrid(middle, middle))[:, chart.covered], atol=1e-4
    )


def test_there_and_back(head: HeadModel, chart: FaceChart) -> None:
    smooth = np.sin(3 * chart.uv)
    np.testing.assert_allclose(chart.sampled(chart.painted(smooth)).T, smooth, atol=0.05)
    albedo = load_albedo().mean
    assert np.abs(chart.sampled(chart.painted(albedo)).T - albedo).mean() < 0.005
    for name in ("jawOpen", "eyeBlinkLeft", "mouthSmileLeft", "browInnerUp"):
        moved = head.model.expression_basis[EXPRESSION_INDEX[name], chart.vertices]
        missing = chart.sampled(chart.painted(moved)).T - moved
        assert np.sqrt((missing**2).mean()) < 0.035 * np.sqrt((moved**2).mean()), name


@pytest.mark.parametrize("size", [64, 128])
def test_torch_reads_what_numpy_reads(chart: FaceChart, size: int) -> None:
    maps = np.random.default_rng(0).normal(size=(2, 3, size, size)).astype(np.float32)
    layer = ChartLayer(chart, size)
    np.testing.assert_allclose(layer(torch.from_numpy(maps)).numpy(), chart.sampled(maps).swapaxes(1, 2), atol=1e-5)
    # And as torch's own sampler does, texel centres at halves.
    grid = torch.from_numpy(2 * chart.uv - 1)[None, None].expand(2, 1, -1, 2)
    oracle = torch.nn.functional.grid_sample(
        torch.from_numpy(maps), grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    torch.testing.assert_close(layer(torch.from_numpy(maps)), oracle[:, :, 0].transpose(1, 2), atol=1e-4, rtol=0)


def test_masks_are_where_blendshapes_act(head: HeadModel, chart: FaceChart, masks: np.ndarray) -> None:
    assert masks.shape == (len(EXPRESSION_NAMES), SIZE, SIZE)
    assert 0 <= masks.min() <= masks.max() <= 1
    moving = np.linalg.norm(head.model.expression_basis[:, chart.vertices], axis=2).max(1) > 1e-4
    assert (masks.max((1, 2)) > 0.9).tolist() == moving.tolist()
    assert not moving[EXPRESSION_INDEX["tongueOut"]]
    lids = chart.sampled(masks[EXPRESSION_INDEX["eyeBlinkLeft"]])
    region = np.array(REGIONS)[head.vertex_region[chart.vertices]]
    assert lids[region == "left_lids"].mean() > 0.2
    assert lids[np.isin(region, ["right_lids", "lower_lip", "upper_lip", "right_brow"])].max() == 0
    brow = chart.sampled(masks[EXPRESSION_INDEX["browInnerUp"]])
    assert brow[region == "left_brow"].max() > 0.7
    assert brow[region == "lower_lip"].max() == 0


def test_a_mirrored_blendshape_has_a_mirrored_mask(masks: np.ndarray) -> None:
    for name in ("eyeBlink", "mouthSmile", "noseSneer", "browDown"):
        left, right = (masks[EXPRESSION_INDEX[f"{name}{side}"]] for side in ("Left", "Right"))
        np.testing.assert_allclose(left, right[:, ::-1], atol=1e-5)


def test_edges_are_there_once(chart: FaceChart) -> None:
    assert edges_of(np.array([[0, 1, 2], [2, 1, 3]])).tolist() == [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3]]
    # Euler: a disc with three holes.
    assert len(chart.vertices) - len(chart.edges) + len(chart.triangles) == 1 - 3


def test_another_heads_chart_is_refused(tmp_path: Path, head: HeadModel, chart: FaceChart) -> None:
    other = tmp_path / "other.npz"
    np.savez(other, uv=chart.uv[1:], texel_triangle=chart.texel_triangle)
    with pytest.raises(WeightsMismatch, match="vertices"):
        read_chart(other, head)
    other.write_bytes(CHART_FILE.read_bytes()[:200])
    with pytest.raises(WeightsMismatch, match="not a chart"):
        read_chart(other, head)
