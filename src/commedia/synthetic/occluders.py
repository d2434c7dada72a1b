"""Things in front of faces: hands, sticks, cards, patches of photographs. Drawn in two dimensions, over the picture."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from commedia.structures import Box


def occlude(rng: np.random.Generator, image: np.ndarray, box: Box, patch: np.ndarray) -> None:
    """Cover part of a face in place; `patch` is any photograph, of which some occluders are cut.

    At most about half of the face is covered, mostly from an edge: a label must stay guessable.
    """
    kind = rng.choice(["hand", "stick", "card", "blob"], p=[0.45, 0.15, 0.2, 0.2])
    side = max(box.width_px, box.height_px)
    center = np.array(box.center_px)
    angle = rng.uniform(0, 2 * np.pi) if kind != "hand" else rng.normal(np.pi / 2, 0.9)
    toward = np.array([np.cos(angle), np.sin(angle)])
    at = center + toward * side * rng.uniform(0.28, 0.6)
    mask = np.zeros(image.shape[:2], np.uint8)
    if kind == "hand":
        _hand(rng, mask, at, toward, side)
        paint = _skin(rng, image)
    elif kind == "stick":
        cv2.line(mask, _pixel(at), _pixel(at + toward * side * 2), 255, max(1, int(side * rng.uniform(0.03, 0.10))), 16)
        cv2.circle(mask, _pixel(at), max(1, int(side * rng.uniform(0.03, 0.13))), 255, -1, 16)
        paint = np.full_like(image, rng.uniform(0, 255, 3).astype(np.uint8) * rng.choice([0.2, 1.0]))
    else:
        _shape(rng, mask, at, side, rectangle=kind == "card")
        paint = patch if rng.uniform() < 0.6 else np.full_like(image, rng.integers(0, 256, 3).astype(np.uint8))
    soft = cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(0.4, 1.5)))
    left, top, width, height = cv2.boundingRect(soft)
    where = np.s_[top : top + height, left : left + width]
    share = soft[where][..., None].astype(np.float32) / 255
    image[where] = (image[where] * (1 - share) + paint[where] * share).astype(np.uint8)


def _hand(
    rng: np.random.Generator, mask: UInt8[np.ndarray, "h w"], at: np.ndarray, toward: np.ndarray, side: float
) -> None:
    """A palm, fingers that reach for the face, and an arm that leaves it."""
    across = np.array([-toward[1], toward[0]])
    width = side * rng.uniform(0.05, 0.075)
    palm = at + toward * side * 0.2
    cv2.ellipse(mask, _pixel(palm), (int(width * 2.6), int(width * 2.4)), 0, 0, 360, 255, -1, 16)
    spread = rng.uniform(0.05, 0.5)
    for finger in range(4):
        place = (finger - 1.5) * width * 1.15
        direction = -toward + across * (finger - 1.5) * spread * 0.5
        tip = palm + across * place + direction * side * rng.uniform(0.22, 0.38) * (1 - 0.06 * abs(finger - 1.2))
        cv2.line(mask, _pixel(palm + across * place), _pixel(tip), 255, max(1, int(width)), 16)
    cv2.line(mask, _pixel(palm), _pixel(palm + toward * side * 1.5), 255, max(1, int(width * 3.6)), 16)


def _skin(rng: np.random.Generator, image: np.ndarray) -> Float[np.ndarray, "h w 3"]:
    height, width = image.shape[:2]
    tone = np.array([225, 175, 145]) * rng.uniform(0.3, 1.1) * (1 + rng.normal(0, 0.04, 3))
    rows, columns = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)
    slope = rng.uniform(-0.6, 0.6, 2)
    light = 0.85 + slope[0] * (rows / height - 0.5) + slope[1] * (columns / width - 0.5)
    folds = 0.05 * np.sin(columns * rng.uniform(0.2, 0.8) + rows * rng.uniform(0.2, 0.8))
    return np.clip(tone.astype(np.float32) * (light + folds)[..., None], 0, 255)


def _shape(rng: np.random.Generator, mask: np.ndarray, at: np.ndarray, side: float, *, rectangle: bool) -> None:
    half = side * rng.uniform(0.12, 0.35, 2)
    if rectangle:
        corners = cv2.boxPoints(
            ((float(at[0]), float(at[1])), (float(half[0] * 2), float(half[1] * 2)), rng.uniform(0, 180))
        )
    else:
        angle = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(5, 10))))
        corners = at + np.stack([np.cos(angle), np.sin(angle)], -1) * half * rng.uniform(0.6, 1.2, (len(angle), 1))
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 255, 16)


def _pixel(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
