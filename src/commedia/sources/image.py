"""Photographs and animated pictures through Pillow: what OpenCV gets wrong (orientation, CMYK, 16 bit, alpha) is right.

Transparent pixels lie on white, as a page would show them. Colour profiles are not applied. A picture is recognised by
its content, never by its name. Videos belong to `video.py`.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from commedia.errors import MissingExtra, UnreadableMedia, optional
from commedia.sources.source import MAX_SIDE_PX, FrameSource, MediaInfo, reduced_size
from commedia.structures import Frame

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF", "QOI")
"""Others that Pillow knows need outside programs, hold no pixels, or are recognised too easily."""

HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""How photographs of phones begin, after `ftyp`. FFmpeg would read single tiles of one and call them frames."""

ANIMATED_FORMATS = ("GIF", "WEBP", "PNG", "AVIF")
"""In TIFF and MPO further pictures are pages and previews, not moments."""

MAX_PIXELS = 400_000_000
"""Larger pictures are refused: decoded they would take more than a gigabyte."""

STILL_FRAME_RATE = Fraction(30)
"""A single picture has no rate; its one frame is written with this timecode base."""

SHORTEST_DELAY_MS = 10
DEFAULT_DELAY_MS = 100
"""Browsers play an animation frame of at most 10 ms for 100 ms, and authors rely on it."""


class PictureSource(FrameSource):
    """One photograph: a single frame at time 0."""

    def __init__(self, path: Path, picture: Image.Image, rate: Fraction = STILL_FRAME_RATE, count: int = 1):
        """`picture` is the opened file, `rate` and `count` are of its frames."""
        self.path = path
        self.notes: list[str] = []
        width_px, height_px, scale = reduced_size(*_upright_size(picture))
        self.info = MediaInfo(width_px, height_px, rate, count, is_still=count == 1, scale=scale)

    def __iter__(self) -> Iterator[Frame]:
        with _decoding(self.path), _opened(self.path) as picture:
            image = rgb_from_picture(picture)
        yield Frame(image, 0, Fraction(0))


class AnimationSource(PictureSource):
    """An animated GIF, WebP, PNG or AVIF: each frame complete, at the time a browser would show it."""

    def __init__(self, path: Path, picture: Image.Image):
        """`picture` is the opened file."""
        picture.load()
        super().__init__(path, picture, Fraction(1000, _delay_ms(picture)), _frame_count(picture))

    def __iter__(self) -> Iterator[Frame]:
        time_s = Fraction(0)
        with _opened(self.path) as picture:
            for index in range(_frame_count(picture)):
                try:
                    with _decoding(self.path):
                        picture.seek(index)
                        image, delay_ms = rgb_from_picture(picture.copy()), _delay_ms(picture)
                except UnreadableMedia:
                    self.notes[:] = [f"'{self.path.name}' is cut short: {index} of {_frame_count(picture)} frames read"]
                    return
                yield Frame(image, index, time_s)
                time_s += Fraction(delay_ms, 1000)


def picture_source(path: Path) -> FrameSource | None:
    """Open a picture or animation; None when the content is no picture at all."""
    try:
        return _recognised(path)
    except UnidentifiedImageError:
        if not _is_heif(path):
            return None
    _register_heif(path)
    try:
        return _recognised(path)
    except UnidentifiedImageError:
        raise UnreadableMedia(f"the picture '{path}' is damaged or cut short: it only begins like HEIC") from None


def _recognised(path: Path) -> FrameSource:
    with _decoding(path), _opened(path) as picture:
        animated = picture.format in ANIMATED_FORMATS and _frame_count(picture) > 1
        return AnimationSource(path, picture) if animated else PictureSource(path, picture)


def _is_heif(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(12)
    return head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS


def _register_heif(path: Path) -> None:
    """Teach Pillow to read HEIC; said as of this picture where the package is not there."""
    try:
        optional("pi_heif", "a HEIC photo", "heic", "pi-heif").register_heif_opener()
    except MissingExtra as error:
        raise UnreadableMedia(f"'{path}': {error}, or save it as JPEG or PNG") from None


def rgb_from_picture(picture: Image.Image) -> UInt8[np.ndarray, "h w 3"]:
    """Decode upright, 8 bit, at most `MAX_SIDE_PX` long; a JPEG is reduced while it is decoded."""
    orientation = picture.getexif().get(0x0112, 1)
    if picture.mode in ("L", "LA", "RGB", "RGBA", "CMYK", "YCbCr"):
        picture.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), reducing_gap=2.0)
    colour = _eight_bit_rgb(picture)
    colour.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), reducing_gap=2.0)
    # The conversions above drop or keep the EXIF block as they please: hand the number over.
    colour.getexif()[0x0112] = orientation
    return np.array(ImageOps.exif_transpose(colour))


def _eight_bit_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith(("I", "F")):
        return Image.fromarray(_eight_bit_grey(np.asarray(picture))).convert("RGB")
    if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, (255, 255, 255, 255)), layer).convert("RGB")
    return picture.convert("RGB")


def _eight_bit_grey(values: np.ndarray) -> UInt8[np.ndarray, "h w"]:
    """Bring 16-bit, 32-bit and floating grey to 8 bit; the white level is 1, 255, 65535 or the brightest pixel."""
    finite = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    brightest = float(finite.max(initial=0.0))
    levels = (1.0, 255.0, 65535.0) if values.dtype.kind == "f" else (65535.0,)
    white = next((level for level in levels if brightest <= level), brightest)
    return np.clip(finite * (255.0 / white) + 0.5, 0, 255).astype(np.uint8)


def _upright_size(picture: Image.Image) -> tuple[int, int]:
    width_px, height_px = picture.size
    return (height_px, width_px) if picture.getexif().get(0x0112, 1) in (5, 6, 7, 8) else (width_px, height_px)


def _delay_ms(picture: Image.Image) -> int:
    delay_ms = round(picture.info.get("duration", 0))
    return delay_ms if delay_ms > SHORTEST_DELAY_MS else DEFAULT_DELAY_MS


def _frame_count(picture: Image.Image) -> int:
    return getattr(picture, "n_frames", 1)


def _opened(path: Path) -> Image.Image:
    """Recognise a picture by its content, under our own size limit instead of Pillow's."""
    Image.init()
    pillow_limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        picture = Image.open(path, formats=[name for name in (*FORMATS, "HEIF") if name in Image.OPEN])
    finally:
        Image.MAX_IMAGE_PIXELS = pillow_limit
    if picture.width * picture.height > MAX_PIXELS:
        picture.close()
        raise UnreadableMedia(
            f"'{path}' has {picture.width} x {picture.height} pixels; "
            f"pictures of up to {MAX_PIXELS // 10**6} million pixels can be read"
        )
    return picture


@contextmanager
def _decoding(path: Path) -> Iterator[None]:
    """Turn what Pillow says of a broken picture into one sentence, and silence its remarks on odd metadata."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    except (UnidentifiedImageError, UnreadableMedia):
        raise
    except Exception as error:
        # Pillow's readers say what they like of damage: OSError, ValueError, SyntaxError, IndexError, struct.error, ...
        raise UnreadableMedia(f"the picture '{path}' is damaged or cut short: {error}") from error
