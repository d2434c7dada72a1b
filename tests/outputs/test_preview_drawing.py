"""Text on a page is Pillow's, though its digits are drawn one by one; a scaled picture lies where it lay."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from commedia.outputs.preview.drawing import draw_text, text_width
from commedia.outputs.preview.found import resized


@pytest.mark.parametrize("size_px", [11, 14, 18])
@pytest.mark.parametrize("text", ["00:12.345   frame 1171", "person 12", "2 people", "nobody", "7"])
def test_a_text_is_what_pillow_draws_at_once(text: str, size_px: int) -> None:
    font = ImageFont.load_default(size_px)
    whole = Image.new("L", (text_width(text, size_px), round(size_px * 1.3)), 0)
    ImageDraw.Draw(whole).text((0, round(size_px * 1.02)), text, fill=255, font=font, anchor="ls")
    picture = np.zeros((*whole.size[::-1], 3), np.uint8)
    draw_text(picture, text, (0.0, picture.shape[0] / 2), size_px=size_px, colour=(255, 255, 255))
    assert picture.any()
    np.testing.assert_allclose(picture[..., 0].astype(int), np.asarray(whole).astype(int), atol=1)


@pytest.mark.parametrize("size", [(64, 48), (30, 20), (200, 111), (7, 5)])
def test_a_scaled_picture_keeps_its_colours_in_place(size: tuple[int, int]) -> None:
    y, x = np.mgrid[:96, :128]
    image = np.stack([2 * x, 2 * y, np.full_like(x, 77)], axis=-1).astype(np.uint8)
    scaled = resized(image, *size).astype(float)
    assert scaled.shape == (size[1], size[0], 3)
    expected_x = 2 * ((np.arange(size[0]) + 0.5) * 128 / size[0] - 0.5)
    inner = slice(1, -1)
    np.testing.assert_allclose(scaled[inner, inner, 0], np.tile(expected_x, (size[1], 1))[inner, inner], atol=5)
    np.testing.assert_allclose(scaled[..., 2], 77, atol=1)
