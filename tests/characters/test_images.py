"""Large pictures of every kind come out small, upright and in their colours."""

import io

import numpy as np
import pytest
from hostile import textured
from PIL import Image

from commedia.characters.gltf import character_from_bytes
from commedia.characters.images import PREVIEW_SIDE_PX

RED, BLUE = (230, 10, 20), (10, 30, 220)


def halves(width: int, height: int) -> Image.Image:
    """Red on the left, blue on the right, the top tenth white."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2], pixels[:, width // 2 :] = RED, BLUE
    pixels[: height // 10] = 255
    return Image.fromarray(pixels)


def flat(picture: Image.Image) -> Image.Image:
    """With a palette, no two colours mixed."""
    return picture.quantize(4, dither=Image.Dither.NONE)


def worn(picture: Image.Image, kind: str = "PNG") -> np.ndarray:
    packed = io.BytesIO()
    picture.save(packed, kind)
    character = character_from_bytes(textured(packed.getvalue)(), "textured")
    image = character.materials[0].image
    assert image is not None
    return image


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA"])
def test_what_is_large_becomes_small_and_stays_itself(mode: str) -> None:
    picture = flat(halves(3000, 1500)) if mode == "P" else halves(3000, 1500).convert(mode)
    image = worn(picture)
    assert image.shape == (PREVIEW_SIDE_PX // 2, PREVIEW_SIDE_PX, 4)
    small = np.asarray(picture.convert("RGBA"))
    for row, column in ((20, 40), (20, 960), (300, 40), (300, 960), (500, 505), (500, 519)):
        expected = small[round((row + 0.5) * 3000 / 1024), round((column + 0.5) * 3000 / 1024)]
        np.testing.assert_allclose(image[row, column].astype(int), expected.astype(int), atol=3)


def test_a_small_picture_is_left_alone() -> None:
    picture = halves(64, 32)
    np.testing.assert_array_equal(worn(picture), np.asarray(picture.convert("RGBA")))


def test_a_clear_colour_of_a_palette_stays_clear() -> None:
    picture = flat(halves(2100, 2100))
    clear = int(np.asarray(picture)[1500, 100])
    packed = io.BytesIO()
    picture.save(packed, "PNG", transparency=clear)
    image = worn(Image.open(io.BytesIO(packed.getvalue())))
    assert image[800, 100, 3] == 0
    assert image[800, 900, 3] == 255
