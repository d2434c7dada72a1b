"""What a detector takes for faces and should not: limbs, backs of heads and scraps of faces, painted between the faces.

Skin and hair come from the single faces, so that neither colour nor texture tells a face from a knee. Nothing is drawn
inside a labelled box, and nothing that holds an eye: half a face is still a face.
"""

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from commedia.training.pictures import FaceCrops

DECOYS_MAX = 4
"""In a picture that has any; half of the pictures have none."""
MARGIN = 0.08
"""Of its longer side that each box is kept clear of decoys."""

_SIDE = 112
"""Decoys are made upright on a square of this side, then turned and scaled into the picture."""
_PROBE = 9
"""Distance on that square of the points that look for a free place."""
_PLACES = 16

Rgb = Float[np.ndarray, "112 112 3"]
Mask = UInt8[np.ndarray, "112 112"]


def add_decoys(
    canvas: UInt8[np.ndarray, "h w 3"], boxes: Float[np.ndarray, "n 4"], face_crops: FaceCrops, rng: np.random.Generator
) -> None:
    """Paint up to four decoys into the canvas where no box is; crowded pictures get fewer."""
    if rng.random() < 0.5:
        return
    for _ in range(int(rng.integers(1, DECOYS_MAX + 1))):
        row = int(rng.integers(len(face_crops)))
        kind = _KINDS[int(rng.choice(len(_KINDS), p=_SHARES))]
        pixels, mask = kind(face_crops.images[row], face_crops.faces.landmarks[row].astype(np.float64), rng)
        if not mask.any():
            continue
        soft, drawn = cv2.GaussianBlur(mask, (5, 5), 0), np.clip(pixels, 0, 255).astype(np.uint8)
        places = _places(canvas.shape[:2], rng)
        for affine in places[_free(places, mask, boxes)]:
            if _blended(canvas, boxes, affine, drawn, soft):
                break


def _arm(image: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> tuple[Rgb, Mask]:
    """Two tapered pieces with an elbow, often out of a sleeve."""
    start, elbow = np.array([56 + rng.uniform(-20, 20), 4.0]), np.array([56 + rng.uniform(-26, 26), 56.0])
    end = np.array([56 + rng.uniform(-36, 36), rng.uniform(70, 104)])
    thick = rng.uniform(7, 17)
    thin = thick * rng.uniform(0.6, 0.9)
    mask = _blank()
    _capsule(mask, start, elbow, (thick, (thick + thin) / 2))
    _capsule(mask, elbow, end, ((thick + thin) / 2, thin))
    pixels = _skin(image, points, rng)
    if rng.random() < 0.5:
        pixels[: int(rng.uniform(10, 50))] = rng.uniform(20, 235, size=3)
    return _round(pixels, mask, rng), mask


def _hand(image: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> tuple[Rgb, Mask]:
    """Fingers side by side, spread or closed, mostly on a palm with a wrist."""
    mask, palm, count = _blank(), np.array([56.0, 72.0]), int(rng.integers(3, 6))
    spread, length, radius = rng.uniform(0.05, 0.3), rng.uniform(14, 44), rng.uniform(5, 7.5)
    if rng.random() < 0.7:
        cv2.ellipse(mask, (56, 74), (int(count * radius), 22), 0, 0, 360, 255, -1)
        _capsule(mask, palm, np.array([56 + rng.uniform(-14, 14), 108]), (16.0, rng.uniform(10, 16)))
    for finger in range(count):
        offset = finger - (count - 1) / 2
        root = palm + np.array([offset * 2.05 * radius, -14.0])
        reach = length * (1 - 0.06 * offset**2) * rng.uniform(0.8, 1.1)
        tip = root + reach * np.array([np.sin(spread * offset), -np.cos(spread * offset)])
        # A gap around each finger becomes the crease between them.
        _capsule(mask, root, tip, (radius + 1, radius), value=0)
        _capsule(mask, root, tip, (radius, 0.85 * radius))
    return _round(_skin(image, points, rng), mask, rng), mask


def _joint(image: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> tuple[Rgb, Mask]:
    """A knee, a shoulder, a bald head: round, with a broad limb below."""
    mask, half = _blank(), rng.uniform(24, 40, size=2)
    cv2.ellipse(mask, (56, 46), half.astype(int).tolist(), rng.uniform(-20, 20), 0, 360, 255, -1)
    foot = np.array([56 + rng.uniform(-30, 30), 100.0])
    _capsule(mask, np.array([56.0, 50.0]), foot, (0.9 * half[0], rng.uniform(0.4, 0.9) * half[0]))
    pixels = _skin(image, points, rng)
    if rng.random() < 0.4:
        pixels[int(rng.uniform(74, 100)) :] = rng.uniform(20, 235, size=3)
    return _round(pixels, mask, rng), mask


def _back_of_head(image: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> tuple[Rgb, Mask]:
    """Hair in an ellipse over a neck, sometimes with ears and shoulders."""
    hair, skin, cloth, half = _blank(), _blank(), _blank(), rng.uniform((26, 32), (34, 42))
    neck = rng.uniform(11, 18)
    _capsule(skin, np.array([56.0, 60.0]), np.array([56.0, 96.0]), (neck, neck))
    if rng.random() < 0.5:
        for side in (-1, 1):
            cv2.ellipse(skin, (round(56 + side * half[0]), 54), (5, 9), -10 * side, 0, 360, 255, -1)
    if rng.random() < 0.6:
        cv2.ellipse(cloth, (56, 122), (int(rng.uniform(40, 56)), 32), 0, 0, 360, 255, -1)
    cv2.ellipse(hair, (56, 46), half.astype(int).tolist(), 0, 0, 360, 255, -1)
    up = points[27] - points[33]
    pixels = _patch(image, points[[19, 24]].mean(0) + rng.uniform(0.9, 1.3) * up, 0.3 * float(np.linalg.norm(up)))
    streaks = cv2.GaussianBlur(rng.normal(1, 0.25, (4, _SIDE)).astype(np.float32), (0, 0), 1.2)
    pixels = _round(pixels * cv2.resize(streaks, (_SIDE, _SIDE))[..., None], hair, rng)
    skin[hair > 0] = 0
    cloth[(hair | skin) > 0] = 0
    pixels[skin > 0] = _round(_skin(image, points, rng), skin, rng)[skin > 0]
    pixels[cloth > 0] = rng.uniform(20, 235, size=3)
    return pixels, hair | skin | cloth


def _scrap(image: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> tuple[Rgb, Mask]:
    """A strip from ear to cheek, or chin and neck, as it is in the photograph, either way up."""
    if rng.random() < 0.5:
        jaw = max((points[1:6], points[15:10:-1]), key=lambda side: _distance(side.mean(0), points[33]))
        outer, inner = jaw + 0.35 * (jaw - points[33]), jaw + 0.22 * (points[33] - jaw)
    else:
        jaw = points[5:12]
        outer, inner = jaw - rng.uniform(0.4, 0.8) * (points[27] - points[33]), jaw + 0.35 * (points[57] - jaw)
    outline = np.clip(np.concatenate([outer, inner[::-1]]), 0, image.shape[0])
    low, high = outline.min(0), outline.max(0)
    linear = (_SIDE - 6) / max(1.0, float((high - low).max())) * np.diag(rng.choice([-1.0, 1.0], size=2))
    affine = np.concatenate([linear, (_SIDE / 2 - linear @ (low + high) / 2)[:, None]], axis=1)
    mask = _blank()
    cv2.fillPoly(mask, [np.round(outline @ linear + affine[:, 2]).astype(np.int32)], 255)
    pixels = cv2.warpAffine(image, affine, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return pixels.astype(np.float32), mask


_Kind = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[Rgb, Mask]]
_KINDS: tuple[_Kind, ...] = (_arm, _hand, _joint, _back_of_head, _scrap)
_SHARES = (0.25, 0.25, 0.2, 0.15, 0.15)


def _blank() -> Mask:
    return np.zeros((_SIDE, _SIDE), dtype=np.uint8)


def _distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.linalg.norm(first - second))


def _skin(image: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> Rgb:
    """Blow up a patch of the nearer cheek, of forehead or neck, a little lighter or darker."""
    up = points[27] - points[33]
    cheeks = (points[2] + points[31]) / 2, (points[14] + points[35]) / 2
    cheek = max(cheeks, key=lambda at: _distance(at, points[33]))
    forehead, neck = points[[21, 22]].mean(0) + 0.35 * up, points[8] - 0.4 * up
    center = (cheek, cheek, cheek, forehead, forehead, neck)[int(rng.integers(6))]
    patch = _patch(image, center, rng.uniform(0.12, 0.24) * max(float(np.linalg.norm(up)), 8.0))
    grain = cv2.resize(rng.standard_normal((_SIDE // 2, _SIDE // 2), dtype=np.float32), (_SIDE, _SIDE))
    return patch * np.float32(rng.uniform(0.75, 1.2)) + 4 * grain[..., None]


def _patch(image: np.ndarray, center: np.ndarray, half: float) -> Rgb:
    """Cut a square and enlarge it; a centre outside the picture gives the nearest part of it."""
    reach = max(2, round(half))
    x, y = np.clip(np.round(center).astype(int), reach, image.shape[0] - reach).tolist()
    patch = image[y - reach : y + reach, x - reach : x + reach]
    return cv2.resize(patch, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR).astype(np.float32)


def _round(pixels: Rgb, mask: Mask, rng: np.random.Generator) -> Rgb:
    """Shade a flat shape as if it bulged: light from one side, darker towards its outline."""
    depth = cv2.distanceTransform(np.ascontiguousarray(mask[::2, ::2]), cv2.DIST_L2, 3)
    rise = np.minimum(depth / max(1.0, 0.9 * float(depth.max())), 1)
    height = cv2.GaussianBlur(np.sqrt(1 - (1 - rise) ** 2), (5, 5), 1)
    angle, floor = rng.uniform(0, 2 * np.pi), rng.uniform(0.45, 0.8)
    across, down = cv2.Sobel(height, -1, 1, 0), cv2.Sobel(height, -1, 0, 1)
    light = rng.uniform(0.1, 0.5) * (np.cos(angle) * across + np.sin(angle) * down)
    shade = np.clip(floor + (1 - floor) * height + light, 0.25, 1.35).astype(np.float32)
    return pixels * cv2.resize(shade, (_SIDE, _SIDE))[..., None]


def _capsule(mask: Mask, start: np.ndarray, end: np.ndarray, radii: tuple[float, float], *, value: int = 255) -> None:
    along = (end - start) / max(1e-6, _distance(start, end))
    across = np.array([-along[1], along[0]])
    corners = [start + radii[0] * across, start - radii[0] * across, end - radii[1] * across, end + radii[1] * across]
    cv2.fillConvexPoly(mask, np.round(corners).astype(np.int32), value)
    for point, radius in ((start, radii[0]), (end, radii[1])):
        cv2.circle(mask, np.round(point).astype(int).tolist(), round(radius), value, -1)


def _places(shape: tuple[int, int], rng: np.random.Generator) -> Float[np.ndarray, "p 2 3"]:
    """Draw sizes from a tenth of the picture to most of it, turns and centres."""
    scales = np.exp(rng.uniform(np.log(0.1), np.log(0.9), _PLACES)) * max(shape) / _SIDE
    turns = rng.normal(0, 0.5, _PLACES) if rng.random() < 0.5 else rng.uniform(-np.pi, np.pi, _PLACES)
    cosine, sine = scales * np.cos(turns), scales * np.sin(turns)
    linear = np.stack([cosine, sine, -sine, cosine], axis=1).reshape(-1, 2, 2)
    shift = rng.uniform(0.05, 0.95, (_PLACES, 2)) * shape[::-1] - linear.sum(2) * _SIDE / 2
    return np.concatenate([linear, shift[..., None]], axis=2)


def _free(places: Float[np.ndarray, "p 2 3"], mask: Mask, boxes: Float[np.ndarray, "n 4"]) -> Bool[np.ndarray, "p"]:
    """Tell which placements put no probe of the shape into a box or its margin."""
    probes = _PROBE * np.argwhere(mask[::_PROBE, ::_PROBE])[:, ::-1]
    at = probes @ places[:, :, :2].transpose(0, 2, 1) + places[:, None, :, 2]
    margin = 2 + MARGIN * (boxes[:, 2:] - boxes[:, :2]).max(1, keepdims=True)
    x, y, low, high = at[:, :, None, 0], at[:, :, None, 1], boxes[:, :2] - margin, boxes[:, 2:] + margin
    inside = (x > low[:, 0]) & (x < high[:, 0]) & (y > low[:, 1]) & (y < high[:, 1])
    return ~inside.any((1, 2))


def _blended(canvas: np.ndarray, boxes: np.ndarray, affine: np.ndarray, pixels: np.ndarray, mask: np.ndarray) -> bool:
    """Draw at one place, or tell that a pixel would have landed in a box."""
    corners = np.array([[0, 0], [0, _SIDE], [_SIDE, 0], [_SIDE, _SIDE]]) @ affine[:, :2].T + affine[:, 2]
    low = np.maximum(np.floor(corners.min(0)), 0).astype(int)
    high = np.minimum(np.ceil(corners.max(0)), canvas.shape[1::-1]).astype(int)
    scale = _distance(affine[:, 0], np.zeros(2))
    if scale < 0.6:  # bilinear sampling alone would alias
        small = max(4, round(_SIDE * scale))
        pixels, mask = (cv2.resize(part, (small, small), interpolation=cv2.INTER_AREA) for part in (pixels, mask))
        affine = np.concatenate([affine[:, :2] * _SIDE / small, affine[:, 2:]], axis=1)
    moved = affine - np.array([[0, 0, low[0]], [0, 0, low[1]]])
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    alpha = cv2.warpAffine(mask, moved, size, flags=cv2.INTER_LINEAR)
    for box in boxes - np.tile(low, 2):
        left, top, right, bottom = np.maximum([*np.floor(box[:2]), *np.ceil(box[2:])], 0).astype(int).tolist()
        if alpha[top:bottom, left:right].any():
            return False
    drawn = cv2.warpAffine(pixels, moved, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    weight = alpha.astype(np.float32) / 255
    part = canvas[low[1] : high[1], low[0] : high[0]]
    part[:] = cv2.blendLinear(drawn, np.ascontiguousarray(part), weight, 1 - weight)
    return True
