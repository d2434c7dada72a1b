"""Two public-domain NASA and US Navy portraits in motion, read where scikit-image and matplotlib installed them."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from commedia.errors import MissingExtra
from commedia.sources.open import open_frames

PANEL_WIDTH_PX, PANEL_HEIGHT_PX = 640, 720
FRAME_RATE = 24
DURATION_S = 4.5


@dataclass(frozen=True)
class Portrait:
    """Where a picture is, and how the virtual camera looks at it."""

    package: str
    file: str
    face_px: tuple[float, float]
    """Middle of the face in the picture."""
    zoom: float
    """Panel pixels per picture pixel, on average."""
    swing: tuple[float, float, float, float]
    """Largest pan right and down in panel pixels, zoom as a share, turn in degrees."""


PORTRAITS: tuple[Portrait, ...] = (
    Portrait("skimage", "data/astronaut.png", (224.0, 118.0), 2.2, (45.0, 12.0, 0.08, 8.0)),
    Portrait("matplotlib", "mpl-data/sample_data/grace_hopper.jpg", (258.0, 170.0), 1.5, (-35.0, 12.0, 0.08, -7.0)),
)


def portrait_frames() -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """Yield the moving clip, frame by frame; `MissingExtra` where a package that ships a picture is not installed."""
    pictures = [(portrait, _enlarged(_read(portrait), portrait.zoom)) for portrait in PORTRAITS]
    for index in range(round(DURATION_S * FRAME_RATE)):
        phase = 2 * np.pi * index / (DURATION_S * FRAME_RATE)
        yield np.concatenate([_panel(image, portrait, phase) for portrait, image in pictures], axis=1)


def _panel(image: UInt8[np.ndarray, "h w 3"], portrait: Portrait, phase: float) -> UInt8[np.ndarray, "a b 3"]:
    right_px, down_px, zoom_share, turn_deg = portrait.swing
    face_x, face_y = (portrait.zoom * at for at in portrait.face_px)
    zoom = 1 + zoom_share * np.sin(phase)
    panel_from_picture = cv2.getRotationMatrix2D((face_x, face_y), turn_deg * np.sin(2 * phase), zoom)
    panel_from_picture[0, 2] += PANEL_WIDTH_PX / 2 - face_x + right_px * np.sin(phase)
    panel_from_picture[1, 2] += PANEL_HEIGHT_PX * 0.3 - face_y + down_px * np.sin(2 * phase)
    size = (PANEL_WIDTH_PX, PANEL_HEIGHT_PX)
    return cv2.warpAffine(image, panel_from_picture, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _enlarged(image: UInt8[np.ndarray, "h w 3"], times: float) -> UInt8[np.ndarray, "a b 3"]:
    """Once and well, so that each frame can be turned quickly."""
    return np.asarray(cv2.resize(image, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _read(portrait: Portrait) -> UInt8[np.ndarray, "h w 3"]:
    spec = find_spec(portrait.package)
    path = Path(
        *(spec.submodule_search_locations if spec and spec.submodule_search_locations else ["."]), portrait.file
    )
    if not path.is_file():
        raise MissingExtra("the demo's portraits", portrait.package, "demo")
    return next(iter(open_frames(path))).image
