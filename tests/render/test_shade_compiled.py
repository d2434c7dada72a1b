"""Lit pictures in one compiled pass against numpy's, surface by surface: textures, holes, folds, opacity."""

from dataclasses import replace

import numpy as np
import pytest

from commedia.characters.default_head import default_head_character
from commedia.characters.posing import Poser
from commedia.render import rasterize_numpy, shade_numpy
from commedia.render.scene import Scene, Surface, View, framing_view
from commedia.render.shade_numpy import draw_scene, render_mesh
from commedia.structures import RigPose

pytest.importorskip("numba", reason="numba is not installed, so nothing is compiled")
VIEW = View((0.0, 0.0), 30.0, 61, 83)
ROUNDING = 2
"""Levels of 255 by which the two may differ where they agree on what is seen."""


def both(monkeypatch: pytest.MonkeyPatch, surfaces: list[Surface], view: View = VIEW, **settings) -> np.ndarray:
    """The compiled picture and numpy's, (2, h, w, 3)."""
    backdrop = np.random.default_rng(9).integers(0, 256, (view.height, view.width, 3)).astype(np.uint8)
    pictures = [render_mesh(surfaces, view, background=backdrop, **settings)]
    with monkeypatch.context() as patch:
        patch.setattr(shade_numpy, "compiled_shading", lambda: None)
        patch.setattr(rasterize_numpy, "compiled_zbuffer", lambda: None)
        pictures.append(render_mesh(surfaces, view, background=backdrop, **settings))
    assert (pictures[1] != backdrop).any(axis=2).mean() > 0.1
    return np.array(pictures).astype(int)


def assert_alike(pictures: np.ndarray, share: float = 0.0) -> None:
    """Equal but for rounding, except in a share of the pixels: those through whose middle an edge runs."""
    assert (np.abs(pictures[0] - pictures[1]).max(axis=2) > ROUNDING).mean() <= share


def soup(seed: int, count: int, channels: int = 3, **settings) -> Surface:
    rng = np.random.default_rng(seed)
    middle = rng.uniform([-1.4, -1, -1], [1.4, 1, 1], (count, 1, 3))
    vertices = (middle + rng.normal(0, 0.25, (count, 3, 3))).reshape(-1, 3)
    texture = rng.integers(0, 256, (16, 24, channels)).astype(np.uint8)
    uv = rng.uniform(-1.5, 2.5, (len(vertices), 2))
    triangles = np.arange(len(vertices), dtype=np.int32).reshape(-1, 3)
    return Surface(vertices, triangles, uv=uv, texture=texture, **settings)


@pytest.mark.parametrize("supersample", [1, 2])
@pytest.mark.parametrize("opacity", [1.0, 0.4])
def test_textures_colours_gloss_and_bare_surfaces(
    monkeypatch: pytest.MonkeyPatch, supersample: int, opacity: float
) -> None:
    colours = np.random.default_rng(4).uniform(0, 1, (60, 3))
    bare = Surface(soup(3, 20).vertices, soup(3, 20).triangles)
    surfaces = [soup(0, 20, gloss=0.9), soup(1, 20, 4, colours=colours), soup(2, 20, gloss=np.linspace(0, 1, 60)), bare]
    assert_alike(both(monkeypatch, surfaces, supersample=supersample, opacity=opacity), share=0.001)
    culled = both(monkeypatch, surfaces, supersample=supersample, opacity=opacity, cull_back=True)
    assert_alike(culled, share=0.001)


def test_through_holes_both_see_what_lies_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    leaf, wall = soup(5, 30, 4, alpha_cutoff=0.6), soup(6, 40, 3)
    through = both(monkeypatch, [leaf, wall])
    # A texel's alpha within a rounding of the cutoff is a hole for one of them only.
    assert_alike(through, share=0.01)
    solid = soup(5, 30, 4)
    assert (np.abs(through[0] - both(monkeypatch, [solid, wall])[0]).max(axis=2) > 20).mean() > 0.1


def test_arrays_in_any_order_of_memory_are_drawn_alike() -> None:
    plain = soup(8, 20, 4, alpha_cutoff=0.4, normals=np.tile([0.0, 0.0, 1.0], (60, 1)))
    turned = replace(plain, **{name: np.asfortranarray(getattr(plain, name))
                               for name in ("vertices", "triangles", "normals", "uv", "texture")})  # fmt: skip
    np.testing.assert_array_equal(render_mesh([turned], VIEW), render_mesh([plain], VIEW))


def test_numbers_that_are_none_draw_nothing_and_lead_nowhere() -> None:
    surface = soup(7, 40, 4, alpha_cutoff=0.3, normals=np.full((120, 3), np.nan))
    assert surface.uv is not None
    surface.uv[::5], surface.uv[1::5], surface.uv[2::5] = np.inf, np.nan, 1e30
    render_mesh([surface], VIEW)
    surface.vertices[:] *= np.random.default_rng(0).choice([np.nan, np.inf, 1e200, 1e30, 0.0], surface.vertices.shape)
    nothing = render_mesh([surface], VIEW, background=(7, 7, 7))
    assert (nothing == 7).all()


def test_the_default_head_moves_from_picture_to_picture_as_numpy_draws_it(monkeypatch: pytest.MonkeyPatch) -> None:
    character = default_head_character()
    poser, no_turn = Poser(character), np.array([1.0, 0, 0, 0])
    weights = np.zeros(len(character.rig.morph_names))
    at_rest, moved = (
        [
            Surface(p.positions, p.triangles, p.normals, uv=p.uv, texture=p.material.image)
            for p in poser.pose(RigPose(weights + level, no_turn, no_turn, no_turn))
        ]
        for level in (0.0, 0.2)
    )
    view = framing_view(at_rest[0].vertices, 120, 100)
    pictures = both(monkeypatch, moved, view)
    assert_alike(pictures, share=0.0005)
    scene = Scene(at_rest)
    first, second = (np.zeros((120, 100, 3), np.uint8) for _ in range(2))
    draw_scene(scene, view, first)
    scene.vertices[:] = np.concatenate([surface.vertices for surface in moved])
    scene.normals[:] = np.concatenate([surface.normals for surface in moved if surface.normals is not None])
    draw_scene(scene, view, second)
    assert (first != second).any(axis=2).mean() > 0.05
    np.testing.assert_array_equal(second, render_mesh(moved, view, background=(0, 0, 0)))


def test_a_scene_that_was_drawn_before_draws_as_a_new_one() -> None:
    surfaces = [soup(3, 80)]
    kept, pictures = Scene(surfaces), []
    for view in (VIEW, View((0.2, 0.1), 55.0, 90, 120), View((0.0, 0.0), 12.0, 20, 31), VIEW):
        for scene in (kept, Scene(surfaces)):
            pictures.append(np.zeros((view.height, view.width, 3), np.uint8))
            draw_scene(scene, view, pictures[-1])
        assert pictures[-1].any()
        np.testing.assert_array_equal(pictures[-2], pictures[-1])
