"""From afar a texture is read in a smaller size, of which two texels never lie in one pixel; holes keep theirs."""

import numpy as np
import pytest

from commedia.render.scene import Surface, View
from commedia.render.shade_numpy import render_mesh
from commedia.render.textures import Texture, texels_per_unit

SQUARE = np.array([[0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0]], dtype=np.float64)
UV = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], dtype=np.float64)
TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32)


def stripes(width: int, height: int = 64) -> np.ndarray:
    """Black and white columns, one texel wide each."""
    return np.tile(np.array([0, 255], np.uint8)[None, :, None], (height, width // 2, 3))


def test_texels_are_counted_along_a_unit_of_the_surface() -> None:
    assert texels_per_unit(SQUARE, UV, TRIANGLES, (64, 64)) == pytest.approx(32)
    assert texels_per_unit(SQUARE, UV / 2, TRIANGLES, (64, 64)) == pytest.approx(16)
    assert texels_per_unit(SQUARE * 0, UV, TRIANGLES, (64, 64)) == 0
    assert texels_per_unit(SQUARE * np.nan, UV, TRIANGLES, (64, 64)) == 0


@pytest.mark.parametrize(
    ("px_per_unit", "side"), [(100.0, 64), (17.0, 64), (16.0, 32), (8.1, 32), (8.0, 16), (1e-6, 1)]
)
def test_a_pixel_is_never_as_wide_as_two_texels_while_a_half_can_be_made(px_per_unit: float, side: int) -> None:
    texture = Texture(stripes(64), 32.0)
    for _ in range(2):
        assert texture.seen(px_per_unit).shape == (side, side, 3)
    assert Texture(stripes(64), 32.0, has_holes=True).seen(px_per_unit).shape == (64, 64, 3)


def test_thin_stripes_from_afar_are_grey_and_no_pattern() -> None:
    surface = Surface(SQUARE, TRIANGLES, uv=UV, texture=stripes(64))
    near = render_mesh(surface, View((1.0, 1.0), 100.0, 120, 120), background=(0, 0, 0), supersample=1)[..., 0]
    afar = render_mesh(surface, View((1.0, 1.0), 11.0, 12, 12), background=(0, 0, 0), supersample=1)[..., 0]
    assert int(near.max()) - int(near.min()) > 100
    assert int(afar.max()) - int(afar.min()) < 20
