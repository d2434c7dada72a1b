"""Crowds: 0 to 20 performers of very different sizes in one picture, nearer ones in front, each with its truth."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np

from commedia.data.sample import FaceSample, PictureSample
from commedia.face_model.model import HeadModel
from commedia.structures import Box, HeadPose
from commedia.synthetic.appearance import sample_light
from commedia.synthetic.backgrounds import Backgrounds
from commedia.synthetic.degradations import degrade
from commedia.synthetic.heads import DrawnHead, draw_heads
from commedia.synthetic.occluders import occlude
from commedia.synthetic.performers import Performer, Stream, sample_performers, stream_rng

MOST_FACES = 20
_SMALLEST_PX, _LARGEST_PX = 14.0, 250.0
_DRAWN_AT_LEAST_PX = 56.0
"""Smaller faces are drawn this large and shrunk, since the z-buffer does not anti-alias."""
_DRAWN_AT_MOST_PX = 150.0
"""Larger faces are drawn this large and blown up, since cost grows with area."""
_TILE_MARGIN = 2.3
_REUSE, _EXTRAS = 0.7, 256
_BODY = 2.2
"""How far below a face's middle its chest goes on, in sizes of the face: people do not end in mid-air."""
_MOST_HIDDEN = 0.35
"""A face more covered than this by nearer ones is not placed."""
_LEAST_SEEN = 0.45
"""A face of which less is left in the end, against what was there when it was painted, is no face to find."""
_BATCH = 8


Draw = Callable[..., list[DrawnHead]]
"""`draw_heads`, told where and with which head."""


class Spot(NamedTuple):
    """Where a face goes: middle and longer side of its landmark box."""

    x: float
    y: float
    face_px: float


def crowd_pictures(
    stream: Stream,
    seed: int,
    count: int,
    backgrounds: Backgrounds,
    *,
    size: int | None = None,
    head: HeadModel | None = None,
) -> Iterator[PictureSample]:
    """Make pictures of `size` x `size` pixels, or of 288 to 320 pixels when no size is given."""
    rng = stream_rng(stream, seed + 500_000)
    name = f"crowd-{stream}-{seed}"
    extras, draw = _Extras(), partial(draw_heads, head=head)
    for number in range(count):
        side = size or int(rng.integers(288, 321))
        spots = _spots(rng, side)
        heads = _cast(rng, spots, extras, name=f"{name}-{number:06d}", draw=draw)
        image, faces = _assembled(rng, backgrounds.window(rng, side, side).copy(), spots, heads, backgrounds)
        image = degrade(rng, image, min((spot.face_px for spot in spots), default=60.0), strength=0.7)
        yield PictureSample(image, faces, f"{name}/{number}", "Apache-2.0", "synthetic")


def _assembled(
    rng: np.random.Generator, image: np.ndarray, spots: list[Spot], heads: list[DrawnHead], backgrounds: Backgrounds
) -> tuple[np.ndarray, tuple[FaceSample, ...]]:
    """Paint the heads in order, the farthest (that is the smallest) first; say which faces are still to be seen."""
    side = len(image)
    owner = np.full((side, side), -1, np.int16)
    faces, sizes = [], []
    for number, (spot, head) in enumerate(zip(spots, heads, strict=True)):
        _place(image, owner, number, head, spot)
        face = _shifted(head.face, spot.x, spot.y, 1.0, len(head.rgba))
        if rng.uniform() < 0.06:
            occlude(rng, image, face.box, backgrounds.window(rng, side, side))
        faces.append(face)
        sizes.append(_share_owned(owner, number, face.box))
    kept = (f for k, f in enumerate(faces) if _share_owned(owner, k, f.box) > _LEAST_SEEN * max(sizes[k], 0.5))
    return image, tuple(kept)


def _share_owned(owner: np.ndarray, number: int, box: Box) -> float:
    """Share of a box's area that belongs to one face; what lies outside the picture belongs to nobody."""
    left, top = max(int(box.left_px), 0), max(int(box.top_px), 0)
    inside = owner[top : max(int(box.bottom_px), 0), left : max(int(box.right_px), 0)]
    return float((inside == number).sum()) / max(box.width_px * box.height_px, 1.0)


def _spots(rng: np.random.Generator, side: int) -> list[Spot]:
    """Choose centre and landmark size of each face, smallest first, so that no face is much covered by nearer ones."""
    wanted = 0 if rng.uniform() < 0.05 else int(np.clip(np.ceil(rng.exponential(8)), 1, MOST_FACES))
    largest = min(_LARGEST_PX, side * (0.75 if wanted < 3 else 1.1 / np.sqrt(wanted)))
    placed: list[Spot] = []
    common = np.exp(rng.uniform(np.log(_SMALLEST_PX * 1.3), np.log(largest)))
    for attempt in range(wanted * 12):
        if len(placed) == wanted:
            break
        # Who finds no room is tried smaller and smaller.
        face = float(np.clip(common * np.exp(rng.normal(-0.1 * attempt / wanted, 0.4)), _SMALLEST_PX, largest))
        x, y = rng.uniform(-0.08 * face, side + 0.08 * face, 2).tolist()
        if rng.uniform() < 0.9:
            x, y = np.clip([x, y], 0.55 * face, side - 0.55 * face).tolist()
        if all(_clear(Spot(x, y, face), other) for other in placed):
            placed.append(Spot(x, y, face))
    return sorted(placed, key=lambda spot: spot.face_px)


def _clear(first: Spot, second: Spot) -> bool:
    """Whether the smaller of two faces stays in sight beside the larger one's head and above its chest."""
    far, near = sorted((first, second), key=lambda spot: spot.face_px)
    across = (far.face_px + near.face_px) * 0.62 - abs(far.x - near.x)
    head = (far.face_px + near.face_px) * 0.66 - abs(far.y - near.y)
    if across > 0 and head > 0 and across * head > _MOST_HIDDEN * 0.5 * far.face_px**2:
        return False
    below_head = far.y + 0.5 * far.face_px > near.y and far.y - 0.5 * far.face_px < near.y + _BODY * near.face_px
    beside_chest = abs(far.x - near.x) > 1.15 * near.face_px + 0.35 * far.face_px
    return beside_chest or not below_head


class _Extras:
    """Small heads drawn for earlier pictures, who may appear again: a far face costs as much to draw as a near one."""

    def __init__(self) -> None:
        self._heads: list[DrawnHead] = []

    def take(self, rng: np.random.Generator, face_px: float) -> DrawnHead | None:
        """Return somebody for a small face, mostly; the more there are, the better."""
        known = len(self._heads)
        if face_px > _DRAWN_AT_LEAST_PX or rng.uniform() > _REUSE * min(1.0, known / 64):
            return None
        return self._heads[rng.integers(known)]

    def keep(self, rng: np.random.Generator, head: DrawnHead) -> None:
        if len(self._heads) < _EXTRAS:
            self._heads.append(head)
        else:
            self._heads[rng.integers(_EXTRAS)] = head


def _cast(rng: np.random.Generator, spots: list[Spot], extras: _Extras, *, name: str, draw: Draw) -> list[DrawnHead]:
    """Find or draw everyone at the size of their spot; faces of like size share a batch."""
    found = [extras.take(rng, spot.face_px) for spot in spots]
    new = [number for number, head in enumerate(found) if head is None]
    drawn: list[DrawnHead] = []
    if new:
        light = sample_light(rng)
        performers = sample_performers(rng, len(new), name=name)
        performers = [replace(p, light=light) if rng.uniform() < 0.8 else p for p in performers]
        sides = [float(np.clip(spots[number].face_px, _DRAWN_AT_LEAST_PX, _DRAWN_AT_MOST_PX)) for number in new]
        drawn = _drawn(performers, sides, draw)
    for number, head, side in zip(new, drawn, sides if new else [], strict=True):
        found[number] = head
        if side == _DRAWN_AT_LEAST_PX:
            extras.keep(rng, head)
    return [_resized(head, spot.face_px) for head, spot in zip(found, spots, strict=True) if head is not None]


def _drawn(performers: list[Performer], sides: list[float], draw: Draw) -> list[DrawnHead]:
    heads: list[DrawnHead] = []
    while len(heads) < len(sides):
        # Sizes are sorted; a batch's last, its largest, is at most a third larger than its first.
        start = len(heads)
        batch = [side for side in sides[start : start + _BATCH] if side <= sides[start] * 1.35]
        size = int(np.ceil(batch[-1] * _TILE_MARGIN / 2) * 2)
        crew = performers[start : start + len(batch)]
        heads += draw(crew, size, np.array(batch), np.zeros((len(batch), 2)))
    return heads


def _resized(head: DrawnHead, face_px: float) -> DrawnHead:
    marks = head.face.landmarks_px
    return _scaled(head, face_px / float((marks.max(0) - marks.min(0)).max()))


def _scaled(head: DrawnHead, factor: float) -> DrawnHead:
    if abs(factor - 1) < 1e-3:
        return head
    before = head.rgba.shape[0]
    after = max(8, round(before * factor / 2) * 2)
    opacity = head.rgba[..., 3:].astype(np.float32) / 255
    weighted = np.concatenate([head.rgba[..., :3] * opacity, opacity * 255], -1)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    small = cv2.resize(weighted, (after, after), interpolation=how)
    small[..., :3] /= np.maximum(small[..., 3:] / 255, 1e-3)
    rgba = np.clip(small + 0.5, 0, 255).astype(np.uint8)
    return DrawnHead(rgba, _shifted(head.face, after / 2, after / 2, after / before, before))


def _place(image: np.ndarray, owner: np.ndarray, number: int, head: DrawnHead, spot: Spot) -> None:
    """Blend a head into the picture with its tile's middle at a whole pixel, and sign what it covers."""
    left, top = _corner(spot.x, len(head.rgba)), _corner(spot.y, len(head.rgba))
    tile = _with_chest(head.rgba)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + tile.shape[1], image.shape[1]), min(top + tile.shape[0], image.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    tile = tile[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = tile[..., 3:].astype(np.float32) / 255
    image[y0:y1, x0:x1] = (tile[..., :3] * alpha + image[y0:y1, x0:x1] * (1 - alpha) + 0.5).astype(np.uint8)
    owner[y0:y1, x0:x1][alpha[..., 0] > 0.5] = number


def _with_chest(rgba: np.ndarray) -> np.ndarray:
    """Stretch the lowest rows of a bust downward to a chest."""
    size = len(rgba)
    rows = max(2, size // 16)
    length = round(size * (_BODY / _TILE_MARGIN - 0.5))
    return np.concatenate([rgba[:-rows], cv2.resize(rgba[-rows:], (size, length + rows))])


def _corner(middle: float, size: int) -> int:
    return round(middle) - size // 2


def _shifted(face: FaceSample, x: float, y: float, factor: float, size: int) -> FaceSample:
    """Carry a truth from its tile of `size` pixels to where the tile's middle lands, `factor` times as large."""
    corner = np.array([x, y]) - size / 2 * factor if factor != 1.0 else np.array([_corner(x, size), _corner(y, size)])
    corner = corner.astype(np.float32)
    low = corner + factor * np.array([face.box.left_px, face.box.top_px], np.float32)
    high = corner + factor * np.array([face.box.right_px, face.box.bottom_px], np.float32)
    pose = HeadPose(face.pose.wxyz, corner + np.float32(factor) * face.pose.origin_px, face.pose.px_per_m * factor)
    return replace(
        face,
        box=Box(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
        landmarks_px=(corner + np.float32(factor) * face.landmarks_px).astype(np.float32),
        pose=pose,
    )
