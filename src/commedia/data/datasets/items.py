"""What every reader yields: a picture that is decoded when somebody looks, and what its data set says of the faces.

    DatasetItem                       picture, where it belongs, licence
      └ DatasetFace                   what is published, nothing inferred: box, points, rotation, name, action units

Truth is in our conventions already: pixels of the picture *as stored*, corner of the first pixel at (0, 0). Annotators'
tools ignore EXIF orientation, so it is ignored here too, unlike in `sources`, which serves photographs for their looks.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, UnidentifiedImageError

from commedia.data.datasets.scans import StoredScan
from commedia.data.sample import LandmarkKind
from commedia.errors import UnreadableMedia
from commedia.geometry.boxes import tight_box
from commedia.sources.image import FORMATS, MAX_PIXELS
from commedia.sources.source import MAX_SIDE_PX
from commedia.sources.video import VideoSource
from commedia.structures import Box, Frame

IBUG68, FIVE = "ibug68", "five"
"""Numbering of points: iBUG's 68, or eyes, nose tip and mouth corners (the subject's right before the left)."""


@dataclass(frozen=True)
class StoredPicture:
    """A picture file."""

    path: Path

    def size_px(self) -> tuple[int, int]:
        """Width and height as stored; reads the header only. Raises UnreadableMedia."""
        with _opened(self.path) as picture:
            return picture.size

    def decoded(self) -> UInt8[np.ndarray, "h w 3"]:
        """Decode to RGB as stored. Raises UnreadableMedia."""
        with _opened(self.path) as picture:
            return np.array(picture.convert("RGB"))

    def encoded(self) -> bytes:
        """Return bytes that `sources` decodes to these pixels: the file itself unless it would be turned or reduced."""
        with _opened(self.path) as picture:
            as_stored = picture.getexif().get(0x0112, 1) == 1 and max(picture.size) <= MAX_SIDE_PX
        return self.path.read_bytes() if as_stored else _png(self.decoded())


class Clip:
    """A video that is decoded forwards: frames asked for in order are decoded once."""

    def __init__(self, path: Path):
        self.path = path
        self._frames: Iterator[Frame] = iter(())
        self._last: Frame | None = None

    @cached_property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the frames. Raises UnreadableMedia."""
        info = VideoSource(self.path).info
        return info.width_px, info.height_px

    def frame(self, index: int) -> UInt8[np.ndarray, "h w 3"] | None:
        """Decode one frame; None behind the end. Raises UnreadableMedia."""
        if self._last is None or index < self._last.index:
            source = VideoSource(self.path)
            if source.info.scale != 1:
                raise UnreadableMedia(f"'{self.path}' has frames longer than {MAX_SIDE_PX} pixels")
            self._frames, self._last = iter(source), None
        while self._last is None or self._last.index < index:
            following = next(self._frames, None)
            if following is None:
                return None
            self._last = following
        return self._last.image


@dataclass(frozen=True)
class ClipFrame:
    """One frame of a video."""

    clip: Clip
    index: int
    """From 0."""

    @property
    def path(self) -> Path:
        return self.clip.path

    def size_px(self) -> tuple[int, int]:
        """Width and height. Raises UnreadableMedia."""
        return self.clip.size_px

    def decoded(self) -> UInt8[np.ndarray, "h w 3"]:
        """Decode to RGB. Raises UnreadableMedia, also for a frame behind the end of the video."""
        image = self.clip.frame(self.index)
        if image is None:
            raise UnreadableMedia(f"'{self.path}' ends before frame {self.index}")
        return image

    def encoded(self) -> bytes:
        """Encode without loss."""
        return _png(self.decoded())


@dataclass(frozen=True)
class MarkedPoints:
    """Landmarks, and who vouches for them."""

    points_px: Float[np.ndarray, "l 2"]
    scheme: str
    """`IBUG68` or `FIVE`."""
    kind: LandmarkKind


@dataclass(frozen=True)
class DatasetFace:
    """What a data set says of one face; None is what it does not say."""

    box: Box | None = None
    """As published: every data set draws boxes in its own way."""
    marked: MarkedPoints | None = None
    wxyz: Float[np.ndarray, "4"] | None = None
    """camera_from_head."""
    identity_name: str | None = None
    action_units: Float[np.ndarray, "24"] | None = None
    """FEAFA's, in the order of `assets/mappings/feafa.toml`."""
    flags: frozenset[str] = frozenset()
    """What annotators noted, such as `invalid` or `blurred`."""
    mask: StoredPicture | None = None
    """Visible skin, in ..."""
    mask_box: Box | None = None
    """... this square of the picture, which may reach beyond its edges."""
    scan: StoredScan | None = None
    """The face in 3D, as it is in this picture."""

    @property
    def bounds(self) -> Box | None:
        """The box, or else the tight box of the 68 points; five points bound no face."""
        if self.box is None and self.marked is not None and self.marked.scheme == IBUG68:
            return tight_box(self.marked.points_px)
        return self.box


@dataclass(frozen=True)
class ClipMoment:
    """Where in which clip a picture was taken."""

    clip: str
    frame: str


@dataclass(frozen=True)
class DatasetItem:
    """One picture of a data set."""

    dataset: str
    key: str
    """Unique within the data set: the picture's path in it, with the frame for videos."""
    picture: StoredPicture | ClipFrame
    faces: tuple[DatasetFace, ...]
    licence: str
    split: str | None
    moment: ClipMoment | None
    all_faces: bool
    """Every face of the picture is listed, so whatever else a detector finds is wrong."""

    @property
    def source(self) -> str:
        """Data set and key."""
        return f"{self.dataset}/{self.key}"


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Recognise a picture by its content; whatever Pillow says of a broken one becomes one sentence."""
    Image.init()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN]) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise UnreadableMedia(f"'{path}' has {picture.width} x {picture.height} pixels: too many")
                yield picture
    except UnidentifiedImageError as error:
        raise UnreadableMedia(f"'{path}' is not a picture: its content is in no known format") from error
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise UnreadableMedia(f"the picture '{path}' is damaged or cut short: {error}") from error


def _png(image: UInt8[np.ndarray, "h w 3"]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
