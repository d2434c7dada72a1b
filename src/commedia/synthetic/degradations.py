"""What cameras and files do to pictures: shadows, blur, low resolution, noise, JPEG, exposure. Labels stay true."""

import cv2
import numpy as np
from jaxtyping import UInt8


def degrade(
    rng: np.random.Generator, image: UInt8[np.ndarray, "h w 3"], face_px: float, *, strength: float = 1.0
) -> UInt8[np.ndarray, "h w 3"]:
    """Make a clean picture look taken; of a face `face_px` large at least 20 pixels of detail are left."""
    if rng.uniform() < 0.15 * strength:
        image = _shadowed(rng, image)
    if rng.uniform() < 0.6:
        image = _toned(rng, image)
    if rng.uniform() < 0.45 * strength:
        image = _blurred(rng, image)
    if rng.uniform() < 0.35 * strength and face_px > 24:
        image = _coarse(rng, image, face_px)
    if rng.uniform() < 0.6 * strength:
        noise = np.zeros(image.shape, np.int16)
        deviation = np.full(3, rng.uniform(1, 4 if rng.uniform() < 0.75 else 14))
        cv2.setRNGSeed(int(rng.integers(2**31)))
        cv2.randn(noise, np.zeros(3), deviation)
        image = cv2.add(image, noise, dtype=cv2.CV_8U)
    if rng.uniform() < 0.5 * strength:
        image = _recompressed(image, int(rng.integers(18, 85)))
    if rng.uniform() < 0.05:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return image


def _shadowed(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Put one side of a line in the shade of something."""
    height, width = image.shape[:2]
    rows, columns = (np.arange(count, dtype=np.float32) / count - 0.5 for count in (height, width))
    angle = rng.uniform(0, 2 * np.pi)
    along = columns * np.float32(np.cos(angle)) + rows[:, None] * np.float32(np.sin(angle))
    edge = np.clip((along - rng.uniform(-0.25, 0.25)) / rng.uniform(0.01, 0.2) + 0.5, 0, 1)
    factor = (1 - rng.uniform(0.2, 0.6) * edge)[..., None] * (1 + rng.normal(0, 0.02, 3)).astype(np.float32)
    return np.clip(image * factor, 0, 255).astype(np.uint8)


def _toned(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Gamma, contrast and white balance, by one table per channel."""
    ramp = np.linspace(0, 1, 256)[:, None] ** np.exp(rng.normal(0, 0.22))
    ramp = (ramp - 0.5) * np.exp(rng.normal(0, 0.15)) + 0.5 + rng.normal(0, 0.04)
    ramp = ramp * (1 + rng.normal(0, 0.05, 3))
    image = cv2.LUT(image, np.clip(ramp * 255, 0, 255).astype(np.uint8)[:, None])
    if rng.uniform() < 0.3:
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]
        amount = rng.uniform(0.3, 1.5)
        image = np.clip(gray + (image.astype(np.float32) - gray) * amount, 0, 255).astype(np.uint8)
    return image


def _blurred(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    if rng.uniform() < 0.6:
        return cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.8)))
    length = int(rng.integers(3, 10))
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * (length - 1) / 2
    middle = np.array([(length - 1) / 2] * 2)
    first, second = ((middle + sign * reach).round().astype(int).tolist() for sign in (-1, 1))
    cv2.line(kernel, first, second, 1.0, 1, cv2.LINE_AA)
    # An even kernel would move the picture by half a pixel against its label.
    kernel = cv2.copyMakeBorder(kernel, 0, 1 - length % 2, 0, 1 - length % 2, cv2.BORDER_CONSTANT)
    moments = cv2.moments(kernel)
    center = [moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]]
    columns, rows = kernel.shape[1], kernel.shape[0]
    shift = np.array([[1, 0, columns // 2 - center[0]], [0, 1, rows // 2 - center[1]]], np.float32)
    kernel = cv2.warpAffine(kernel, shift, (columns, rows))
    return cv2.filter2D(image, -1, np.asarray(kernel / max(float(kernel.sum()), 1e-6), np.float32))


def _coarse(rng: np.random.Generator, image: np.ndarray, face_px: float) -> np.ndarray:
    """Shrink until the face has as little as 20 pixels, and blow it up again."""
    target = np.exp(rng.uniform(np.log(20), np.log(face_px)))
    height, width = image.shape[:2]
    factor = target / face_px
    small = cv2.resize(
        image, (max(4, round(width * factor)), max(4, round(height * factor))), interpolation=cv2.INTER_AREA
    )
    if rng.uniform() < 0.4:
        small = _recompressed(small, int(rng.integers(40, 90)))
    up = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)[rng.choice(3, p=[0.55, 0.35, 0.1])]
    return cv2.resize(small, (width, height), interpolation=up)


def _recompressed(image: np.ndarray, quality: int) -> np.ndarray:
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded
