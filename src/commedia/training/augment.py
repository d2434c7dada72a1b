"""How pixels are varied: colour, sharpness, noise, compression, covered patches; labels, untouched, are in `labels.py`.

Cheap on purpose (about 0.3 ms for 128 x 128): one thread must feed a network on the same two cores.
"""

import cv2
import numpy as np
from jaxtyping import UInt8

from commedia.training.config import Augmentation

LUMA = np.array([0.299, 0.587, 0.114])


def varied(
    image: UInt8[np.ndarray, "h w 3"], config: Augmentation, rng: np.random.Generator
) -> UInt8[np.ndarray, "h w 3"]:
    """Apply every variation that chance and the recipe allow."""
    if config.erase and rng.random() < config.erase:
        image = erased(image, rng)
    image = recoloured(image, config, rng)
    for change in (low_resolution, blurred, noisy, compressed):
        if config.degrade and rng.random() < config.degrade:
            image = change(image, rng)
    return image


def recoloured(
    image: UInt8[np.ndarray, "h w 3"], config: Augmentation, rng: np.random.Generator
) -> UInt8[np.ndarray, "h w 3"]:
    """Change contrast, brightness, saturation and the tint as one 3 x 4 colour matrix."""
    if config.colour == 0 and config.grey == 0:
        return image
    amount = config.colour
    saturation = 0.0 if rng.random() < config.grey else 1 + rng.uniform(-amount, amount)
    matrix = saturation * np.eye(3) + (1 - saturation) * LUMA
    contrast = 1 + rng.uniform(-amount, amount)
    tint = contrast * (1 + rng.uniform(-amount, amount, size=3) / 2)
    offset = 128 * (1 - contrast) + 255 * rng.uniform(-amount, amount) / 2
    return cv2.transform(image, np.concatenate([tint[:, None] * matrix, np.full((3, 1), offset)], axis=1))


def low_resolution(image: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator) -> UInt8[np.ndarray, "h w 3"]:
    """Shrink to a quarter at least, and enlarge again."""
    height, width = image.shape[:2]
    factor = rng.uniform(0.25, 0.8)
    small = cv2.resize(image, (round(width * factor), round(height * factor)), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def blurred(image: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator) -> UInt8[np.ndarray, "h w 3"]:
    """Blur as an unfocused lens, or along a line as a moving head."""
    if rng.random() < 0.5:
        return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 2.0) * image.shape[0] / 128)
    length = int(rng.integers(3, max(4, image.shape[0] // 16)))
    kernel = np.zeros((length, length), dtype=np.float32)
    angle = rng.uniform(0, np.pi)
    reach = (length - 1) / 2 * np.array([np.cos(angle), np.sin(angle)])
    middle = np.full(2, (length - 1) / 2)
    first, second = np.rint(middle - reach).astype(int), np.rint(middle + reach).astype(int)
    cv2.line(kernel, first.tolist(), second.tolist(), 1.0)
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def noisy(image: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator) -> UInt8[np.ndarray, "h w 3"]:
    """Add sensor noise of 2 to 15 grey levels."""
    return cv2.add(image, rng.standard_normal(image.shape, dtype=np.float32) * rng.uniform(2, 15), dtype=cv2.CV_8U)


def compressed(image: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator) -> UInt8[np.ndarray, "h w 3"]:
    """Save as JPEG of quality 20 to 80 and read again."""
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 80))])
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded


def erased(image: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator) -> UInt8[np.ndarray, "h w 3"]:
    """Cover one patch with a colour, with noise, or with another part of the picture."""
    height, width = image.shape[:2]
    patch_h, patch_w = (int(side * rng.uniform(0.1, 0.45)) for side in (height, width))
    top, left = int(rng.integers(0, height - patch_h)), int(rng.integers(0, width - patch_w))
    image = image.copy()
    where = (slice(top, top + patch_h), slice(left, left + patch_w))
    kind = rng.random()
    if kind < 0.4:
        image[where] = rng.integers(0, 256, size=3)
    elif kind < 0.7:
        image[where] = rng.integers(0, 256, size=(patch_h, patch_w, 3))
    else:
        other_top, other_left = int(rng.integers(0, height - patch_h)), int(rng.integers(0, width - patch_w))
        image[where] = image[other_top : other_top + patch_h, other_left : other_left + patch_w].copy()
    return image
