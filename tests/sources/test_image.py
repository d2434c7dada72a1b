"""Photographs of every kind come out as the picture their author saw."""

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commedia.errors import UnreadableMedia
from commedia.sources.image import MAX_PIXELS
from commedia.sources.open import open_source
from commedia.sources.source import MAX_SIDE_PX


@pytest.fixture(scope="module")
def reference() -> np.ndarray:
    """Smooth, without symmetry: red grows to the right, green downwards, blue on the diagonal."""
    y, x = np.mgrid[0:48, 0:64]
    return np.stack([x * 4, y * 5, (x + y) * 2], axis=-1).astype(np.uint8)


def read(path: Path) -> np.ndarray:
    with open_source(path) as source:
        frames = list(source)
    assert [(frame.index, frame.time_s) for frame in frames] == [(0, Fraction(0))]
    assert frames[0].image.shape == (source.info.height_px, source.info.width_px, 3)
    assert source.info.is_still
    assert source.notes == []
    return frames[0].image


@pytest.mark.parametrize("suffix", ["png", "webp", "bmp", "tif", "ppm"])
def test_lossless_formats_are_exact(tmp_path: Path, reference: np.ndarray, suffix: str):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(reference).save(path, **({"lossless": True} if suffix == "webp" else {}))
    np.testing.assert_array_equal(read(path), reference)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(tmp_path: Path, reference: np.ndarray, orientation: int):
    # What a camera held that way stores: the inverse of what a viewer does, written here with numpy.
    stored = {
        1: reference,
        2: reference[:, ::-1],
        3: reference[::-1, ::-1],
        4: reference[::-1],
        5: reference.transpose(1, 0, 2),
        6: np.rot90(reference, 1),
        7: reference[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(reference, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read(tmp_path / "a.png"), reference)


def test_grey_and_two_level_pictures_get_three_equal_channels(tmp_path: Path, reference: np.ndarray):
    grey = Image.fromarray(reference).convert("L")
    grey.save(tmp_path / "grey.jpg", quality=100)
    found = read(tmp_path / "grey.jpg")
    assert np.abs(found.astype(int) - np.asarray(grey)[..., None]).max() <= 3
    grey.convert("1").save(tmp_path / "two.png")
    np.testing.assert_array_equal(np.unique(read(tmp_path / "two.png")), [0, 255])


def test_transparency_lies_on_white(tmp_path: Path, reference: np.ndarray):
    alpha = np.zeros((48, 64, 1), np.uint8)
    alpha[:, 32:] = 255
    alpha[:, :8] = 128
    Image.fromarray(np.concatenate([reference, alpha], axis=-1)).save(tmp_path / "a.png")
    found = read(tmp_path / "a.png").astype(float)
    expected = reference * (alpha / 255.0) + 255 * (1 - alpha / 255.0)
    assert np.abs(found - expected).max() <= 1


def test_palettes_with_and_without_a_transparent_entry(tmp_path: Path):
    palette = Image.new("P", (4, 2), 1)
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.putpixel((0, 0), 0)
    palette.save(tmp_path / "plain.png")
    palette.save(tmp_path / "clear.png", transparency=0)
    assert read(tmp_path / "plain.png")[0, 0].tolist() == [10, 20, 30]
    assert read(tmp_path / "clear.png")[0, 0].tolist() == [255, 255, 255]
    assert read(tmp_path / "clear.png")[1, 1].tolist() == [200, 100, 50]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_grey_keeps_its_tones(tmp_path: Path, suffix: str):
    deep = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / f"a.{suffix}")
    found = read(tmp_path / f"a.{suffix}").astype(float)
    assert np.abs(found - (deep / 257.0)[..., None]).max() <= 1


def test_sixteen_bit_colour_keeps_its_tones(tmp_path: Path, reference: np.ndarray):
    (tmp_path / "a.png").write_bytes(sixteen_bit_png(reference.astype(np.uint16) * 257))
    assert np.abs(read(tmp_path / "a.png").astype(int) - reference).max() <= 1


def test_floating_grey_has_white_at_one(tmp_path: Path):
    Image.fromarray(np.linspace(0, 1, 64 * 48, dtype=np.float32).reshape(48, 64)).save(tmp_path / "a.tif")
    found = read(tmp_path / "a.tif")
    assert found[0, 0].tolist() == [0, 0, 0]
    assert found[-1, -1].tolist() == [255, 255, 255]


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk_is_not_inverted(tmp_path: Path, reference: np.ndarray, suffix: str):
    Image.fromarray(reference).convert("CMYK").save(tmp_path / f"a.{suffix}")
    assert np.abs(read(tmp_path / f"a.{suffix}").astype(int) - reference).mean() <= 4


def test_long_pictures_are_reduced_and_say_by_how_much(tmp_path: Path):
    stripes = np.zeros((600, 20000, 3), np.uint8)
    stripes[:, 10000:] = (200, 100, 50)
    Image.fromarray(stripes).save(tmp_path / "long.jpg")
    with open_source(tmp_path / "long.jpg") as source:
        (frame,) = source
    assert frame.image.shape == (round(600 * MAX_SIDE_PX / 20000), MAX_SIDE_PX, 3)
    assert source.info.scale == MAX_SIDE_PX / 20000
    assert np.abs(frame.image[:, 10:2000].astype(int)).max() <= 4
    assert np.abs(frame.image[:, 2100:].astype(int) - (200, 100, 50)).max() <= 4


def test_a_picture_beyond_the_limit_is_refused_before_it_is_decoded(tmp_path: Path):
    side = 30_000
    assert side * side > MAX_PIXELS
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    (tmp_path / "bomb.png").write_bytes(png([(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]))
    with pytest.raises(UnreadableMedia, match=r"30000 x 30000 pixels; pictures of up to 400 million"):
        open_source(tmp_path / "bomb.png")
    assert Image.MAX_IMAGE_PIXELS is not None, "Pillow's own limit was not put back"


def test_a_photograph_that_is_cut_short_is_an_error(tmp_path: Path, reference: np.ndarray):
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.jpg")
    data = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(UnreadableMedia, match=r"half\.jpg' is damaged or cut short"):
        list(open_source(tmp_path / "half.jpg"))


def test_content_decides_not_the_name(tmp_path: Path, reference: np.ndarray):
    Image.fromarray(reference).save(tmp_path / "really_a.png")
    (tmp_path / "really_a.png").rename(tmp_path / "a.mp4")
    np.testing.assert_array_equal(read(tmp_path / "a.mp4"), reference)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_animations_keep_their_own_times(tmp_path: Path, suffix: str):
    colours = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0)]
    pages = [Image.new("RGB", (24, 16), colour) for colour in colours]
    settings = {"lossless": True} if suffix == "webp" else {}
    durations = [40, 120, 200, 60]
    pages[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=pages[1:], duration=durations, **settings)
    with open_source(tmp_path / f"a.{suffix}") as source:
        frames = list(source)
        again = list(source)
    assert not source.info.is_still
    assert (source.info.width_px, source.info.height_px, source.info.frame_count) == (24, 16, 4)
    assert source.info.frame_rate == 25
    assert [frame.time_s for frame in frames] == [Fraction(ms, 1000) for ms in (0, 40, 160, 360)]
    assert [frame.image[8, 12].tolist() for frame in frames] == [list(colour) for colour in colours]
    assert [frame.time_s for frame in again] == [frame.time_s for frame in frames]


def test_a_gif_without_delays_plays_like_in_a_browser(tmp_path: Path):
    pages = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (0, 120, 240)]
    pages[0].save(tmp_path / "a.gif", save_all=True, append_images=pages[1:])
    assert [frame.time_s for frame in open_source(tmp_path / "a.gif")] == [0, Fraction(1, 10), Fraction(1, 5)]


def test_an_animation_that_is_cut_short_gives_what_is_there(tmp_path: Path, rng: np.random.Generator):
    pages = [Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)) for _ in range(6)]
    pages[0].save(tmp_path / "a.gif", save_all=True, append_images=pages[1:], duration=50)
    data = (tmp_path / "a.gif").read_bytes()
    (tmp_path / "cut.gif").write_bytes(data[: len(data) * 6 // 10])
    with open_source(tmp_path / "cut.gif") as source:
        frames = list(source)
    assert 3 <= len(frames) <= 4
    assert [frame.index for frame in frames] == list(range(len(frames)))


def png(chunks: list[tuple[bytes, bytes]]) -> bytes:
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def sixteen_bit_png(image: np.ndarray) -> bytes:
    """Pillow cannot write 16-bit colour; the format is simple enough to write here."""
    height, width, _ = image.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in image)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return png([(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")])
