"""The fast z-buffer against one that asks every pixel about every triangle, and pictures whose colours are known."""

from typing import NamedTuple

import numpy as np
import pytest

from commedia.geometry.meshes import smooth_normals
from commedia.render.rasterize_numpy import BACKGROUND, Keep, interpolate, rasterize
from commedia.render.scene import Surface, View, framing_view
from commedia.render.shade_numpy import render_mesh


class Fragments(NamedTuple):
    triangle: np.ndarray
    barycentric: np.ndarray


def slow_rasterize(
    vertices: np.ndarray, triangles: np.ndarray, height: int, width: int, keep: Keep | None = None
) -> Fragments:
    """The definition, one pixel and one triangle at a time."""
    owner = np.full((height, width), BACKGROUND, dtype=np.int32)
    weights = np.zeros((height, width, 3), dtype=np.float32)
    nearest = np.full((height, width), -np.inf)
    for index, corners in enumerate(vertices[triangles]):
        frame = np.vstack([corners[:, :2].T, np.ones(3)])
        if abs(np.linalg.det(frame)) < 1e-12:
            continue
        for y in range(height):
            for x in range(width):
                barycentric = np.linalg.solve(frame, [x + 0.5, y + 0.5, 1])
                depth = barycentric @ corners[:, 2]
                solid = keep is None or keep(np.array([index]), barycentric[None].astype(np.float32))[0]
                if barycentric.min() >= 0 and depth > nearest[y, x] and solid:
                    nearest[y, x], owner[y, x], weights[y, x] = depth, index, barycentric
    return Fragments(owner, weights)


def random_soup(rng: np.random.Generator, count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    centers = rng.uniform(-4, size + 4, (count, 1, 2))
    flat = centers + rng.normal(scale=rng.uniform(0.3, 9, (count, 1, 1)), size=(count, 3, 2))
    depth = rng.uniform(-1, 1, (count, 3, 1))
    return np.concatenate([flat, depth], axis=2).reshape(-1, 3), np.arange(3 * count, dtype=np.int32).reshape(-1, 3)


@pytest.mark.parametrize("seed", range(4))
def test_fast_and_slow_agree_on_random_triangles(seed: int) -> None:
    vertices, triangles = random_soup(np.random.default_rng(seed), count=90, size=24)
    fast, slow = rasterize(vertices, triangles, 20, 28), slow_rasterize(vertices, triangles, 20, 28)
    assert (slow.triangle >= 0).mean() > 0.5, "a picture with nothing in it would prove nothing"
    np.testing.assert_array_equal(fast.triangle, slow.triangle)
    np.testing.assert_allclose(fast.barycentric, slow.barycentric, atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_through_many_layers_of_cut_outs_the_nearest_solid_one_is_seen(seed: int) -> None:
    def keep(triangle: np.ndarray, barycentric: np.ndarray) -> np.ndarray:
        return (triangle % 7 == 0) | (barycentric[:, 0] > 0.6)

    vertices, triangles = random_soup(np.random.default_rng(seed), count=140, size=24)
    fast = rasterize(vertices, triangles, 20, 28, keep=keep)
    slow = slow_rasterize(vertices, triangles, 20, 28, keep)
    assert (slow.triangle != rasterize(vertices, triangles, 20, 28).triangle).mean() > 0.3
    np.testing.assert_array_equal(fast.triangle, slow.triangle)


def test_neighbours_share_every_pixel_without_cracks() -> None:
    # A fan whose spokes run exactly through pixel centres, where rounding could make both sides say no.
    angles = np.linspace(0, 2 * np.pi, 33)[:-1]
    rim = np.stack([16.5 + 12 * np.cos(angles), 16.5 + 12 * np.sin(angles), np.zeros(32)], axis=1)
    vertices = np.vstack([[16.5, 16.5, 0.0], rim])
    triangles = np.array([[0, 1 + i, 1 + (i + 1) % 32] for i in range(32)], dtype=np.int32)
    seen = rasterize(vertices, triangles, 33, 33).triangle >= 0
    y, x = np.mgrid[:33, :33] + 0.5
    assert seen[(x - 16.5) ** 2 + (y - 16.5) ** 2 < 11.9**2].all()
    assert not seen[(x - 16.5) ** 2 + (y - 16.5) ** 2 > 12.0**2].any()


def test_larger_z_is_nearer_and_ties_go_to_the_first() -> None:
    square = np.array([[0, 0, 0], [0, 9, 0], [9, 0, 0]], dtype=np.float64)
    vertices = np.vstack([square + np.array([0, 0, nearer]) for nearer in (0, 2, 2, 1)])
    triangles = np.arange(12, dtype=np.int32).reshape(4, 3)
    assert rasterize(vertices, triangles, 4, 4).triangle[1, 1] == 1


def test_culling_drops_what_turns_its_back() -> None:
    # Anticlockwise in the picture: down the left side, then to the right, as y points down.
    vertices = np.array([[0, 0, 0], [0, 8, 0], [8, 8, 0]], dtype=np.float64)
    front, back = np.array([[0, 1, 2]], dtype=np.int32), np.array([[0, 2, 1]], dtype=np.int32)
    assert (rasterize(vertices, front, 8, 8, cull_back=True).triangle >= 0).sum() > 20
    assert (rasterize(vertices, back, 8, 8, cull_back=True).triangle == BACKGROUND).all()


def test_nothing_to_draw_is_a_picture_of_background() -> None:
    outside = np.array([[50, 50, 0], [50, 60, 0], [60, 60, 0]], dtype=np.float64)
    for triangles in (np.zeros((0, 3), dtype=np.int32), np.array([[0, 1, 2]], dtype=np.int32)):
        fragments = rasterize(outside, triangles, 6, 7)
        assert fragments.triangle.shape == (6, 7)
        assert (fragments.triangle == BACKGROUND).all()
        assert (fragments.barycentric == 0).all()


def test_interpolation_is_linear_in_the_picture(rng: np.random.Generator) -> None:
    vertices, triangles = random_soup(rng, count=12, size=20)
    fragments = rasterize(vertices, triangles, 20, 20)
    y, x = np.nonzero(fragments.triangle >= 0)
    points = interpolate(
        vertices[:, :2].astype(np.float32), triangles, fragments.triangle[y, x], fragments.barycentric[y, x]
    )
    np.testing.assert_allclose(points, np.stack([x, y], axis=1) + 0.5, atol=1e-3)


QUAD = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], dtype=np.float64)
QUAD_TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32)
QUAD_UV = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], dtype=np.float32)
WHOLE = View((0.0, 0.0), 16.0, 32, 32)


def test_a_texture_lands_the_right_way_up() -> None:
    texture = np.zeros((2, 2, 3), dtype=np.uint8)
    texture[0, 0], texture[0, 1], texture[1, 0] = (200, 0, 0), (0, 200, 0), (0, 0, 200)
    texture = np.kron(texture, np.ones((8, 8, 1), dtype=np.uint8))
    picture = render_mesh(Surface(QUAD, QUAD_TRIANGLES, uv=QUAD_UV, texture=texture, gloss=0.0), WHOLE)
    assert picture[8, 8].argmax() == 0
    assert picture[8, 24].argmax() == 1
    assert picture[24, 8].argmax() == 2
    assert picture[24, 24].max() < 10


def test_a_cut_out_shows_what_is_behind_it() -> None:
    texture = np.full((4, 4, 4), 255, dtype=np.uint8)
    texture[:, :2, 3] = 0
    leaf = Surface(QUAD + np.array([0, 0, 1]), QUAD_TRIANGLES, uv=QUAD_UV, texture=texture, alpha_cutoff=0.5)
    wall = Surface(QUAD, QUAD_TRIANGLES, colours=np.tile([1.0, 0, 0], (4, 1)), gloss=0.0)
    picture = render_mesh([leaf, wall], WHOLE)
    assert picture[16, 8, 1] < 20
    assert picture[16, 24, 1] > 150


def test_a_cut_out_beside_the_picture_is_no_trouble() -> None:
    texture = np.full((4, 4, 4), 255, dtype=np.uint8)
    leaf = Surface(QUAD + np.array([9, 0, 1]), QUAD_TRIANGLES, uv=QUAD_UV, texture=texture, alpha_cutoff=0.5)
    wall = Surface(QUAD, QUAD_TRIANGLES, colours=np.tile([1.0, 0, 0], (4, 1)), gloss=0.0)
    np.testing.assert_array_equal(render_mesh([leaf, wall], WHOLE), render_mesh(wall, WHOLE))


def test_supersampling_smooths_outlines_and_changes_nothing_inside(rng: np.random.Generator) -> None:
    angle = 0.3
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    square = Surface(0.6 * QUAD @ turn.T, QUAD_TRIANGLES, colours=np.ones((4, 3)), gloss=0.0)
    sharp, smooth, finer = (
        render_mesh(square, WHOLE, supersample=count, background=(0, 0, 0))[..., 0].astype(int) for count in (1, 2, 4)
    )
    assert set(np.unique(sharp)) <= {0, sharp.max()}
    between = (smooth > 20) & (smooth < smooth.max() - 20)
    assert between.sum() > 20, "pixels that an edge crosses are neither full nor empty"
    assert abs(smooth.mean() - finer.mean()) < 0.01 * smooth.max()
    assert np.abs(smooth - finer).max() <= smooth.max() / 3
    np.testing.assert_array_equal(sharp[finer == finer.max()], sharp.max())


def test_light_comes_from_the_upper_left() -> None:
    angle = np.linspace(0, 2 * np.pi, 25)[:-1]
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    dome = np.vstack(
        [[[0, 0, 1]], np.column_stack([ring * 0.7, np.full(24, 0.7)]), np.column_stack([ring, ring[:, 0] * 0])]
    )
    triangles = [[0, 1 + i, 1 + (i + 1) % 24] for i in range(24)]
    for i in range(24):
        a, b = 1 + i, 1 + (i + 1) % 24
        triangles += [[a, a + 24, b + 24], [a, b + 24, b]]
    mesh = np.array(triangles, dtype=np.int32)
    assert (smooth_normals(dome, mesh)[:, 2] >= -1e-6).all()
    surface = Surface(dome, mesh, colours=np.full((49, 3), 0.7))
    picture = render_mesh(surface, framing_view(dome, 64, 64), cull_back=True).astype(float).sum(axis=2)
    assert picture[20, 20] > picture[20, 44] > picture[44, 44]


def test_background_and_opacity() -> None:
    photo = np.tile(np.arange(32, dtype=np.uint8)[:, None, None] * 7, (1, 32, 3))
    half = Surface(QUAD * [0.5, 0.5, 1], QUAD_TRIANGLES, colours=np.ones((4, 3)), gloss=0.0)
    full, clear = (render_mesh(half, WHOLE, background=photo, opacity=opacity) for opacity in (1.0, 0.0))
    np.testing.assert_array_equal(clear, photo)
    np.testing.assert_array_equal(full[:6], photo[:6])
    blended = render_mesh(half, WHOLE, background=photo, opacity=0.5)
    np.testing.assert_allclose(blended, (full.astype(float) + photo) / 2, atol=1)


@pytest.mark.parametrize("cull", [False, True])
def test_agrees_with_the_torch_rasteriser_when_torch_is_there(rng: np.random.Generator, cull: bool) -> None:
    torch = pytest.importorskip("torch")
    module = pytest.importorskip("commedia.render.rasterize")
    vertices, triangles = random_soup(rng, count=150, size=24)
    ours = rasterize(vertices, triangles, 24, 24, cull_back=cull).triangle
    # There, depth grows away from the viewer.
    points = torch.tensor(vertices * np.array([1, 1, -1]), dtype=torch.float32)[None]
    theirs = module.visible_triangles(points, torch.tensor(triangles, dtype=torch.int64), (24, 24), cull=cull)
    assert (ours >= 0).mean() > 0.5
    assert (theirs[0].numpy() != ours).mean() < 0.005
