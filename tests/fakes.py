"""People who move as told, in front of a detector and a regressor that know where they are.

`World.frame` draws a picture and stands at that moment; the detector and the regressor then answer for that moment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache, lru_cache

import numpy as np

from commedia.conventions import (
    EXPRESSION_COUNT,
    EXPRESSION_INDEX,
    EXPRESSION_MIRROR,
    IDENTITY_COUNT,
    LANDMARK_COUNT,
    LANDMARK_MIRROR,
)
from commedia.faces.crop import Crop, crop_from_landmarks
from commedia.geometry.rotations import canonical_wxyz, mirrored_wxyz, wxyz_from_yaw_pitch_roll
from commedia.structures import Box, Face, FaceParams, Frame, HeadPose

FACE_WIDTH_M, FACE_HEIGHT_M = 0.16, 0.2
FPS = 30
NEUTRAL = np.zeros(EXPRESSION_COUNT, dtype=np.float32)


@cache
def face_shape() -> np.ndarray:
    """68 points of a face-like, mirror-symmetric figure in metres, y up."""
    rng = np.random.default_rng(68)
    points = rng.uniform([-0.07, -0.09], [0.07, 0.05], (LANDMARK_COUNT, 2))
    mirrored = points[list(LANDMARK_MIRROR)] * [-1, 1]
    return frozen(((points + mirrored) / 2).astype(np.float32))


@cache
def identity_of(seed: int) -> np.ndarray:
    return frozen(np.random.default_rng(seed).normal(size=IDENTITY_COUNT).astype(np.float32))


def frozen(values: np.ndarray) -> np.ndarray:
    values.setflags(write=False)
    return values


def fake_landmarks(faces: Sequence[FaceParams]) -> list[np.ndarray]:
    """Stand in for the head model: a flat figure that does not turn or deform."""
    return [(face.pose.origin_px + face.pose.px_per_m * face_shape() * [1, -1]).astype(np.float32) for face in faces]


def fake_params(origin_px: np.ndarray, width_px: float, expression: np.ndarray = NEUTRAL, seed: int = 0) -> FaceParams:
    """A face of a given width at a place; the seed is its identity."""
    pose = HeadPose(np.array([1, 0, 0, 0], np.float32), np.asarray(origin_px, np.float32), width_px / FACE_WIDTH_M)
    return FaceParams(identity_of(seed), expression.astype(np.float32), pose)


def fake_box(params: FaceParams) -> Box:
    x, y = (float(value) for value in params.pose.origin_px)
    half_width, half_height = (params.pose.px_per_m * size / 2 for size in (FACE_WIDTH_M, FACE_HEIGHT_M))
    return Box(x - half_width, y - half_height, x + half_width, y + half_height)


@dataclass(frozen=True)
class Person:
    """Somebody who is somewhere at any time."""

    seed: int
    """Looks and identity."""
    place: Callable[[float], tuple[float, float] | None]
    """Time in seconds to the head's origin in pixels; None while absent."""
    width_px: float = 40.0
    expression: Callable[[float], np.ndarray] = field(default=lambda time_s: NEUTRAL)
    yaw_pitch_roll: Callable[[float], tuple[float, float, float]] = field(default=lambda time_s: (0.0, 0.0, 0.0))
    distance: float = 1.0
    """Nearer people hide others."""

    @lru_cache(maxsize=256)  # noqa: B019 (a few people, asked for by every crop of a frame)
    def params(self, time_s: float) -> FaceParams | None:
        place = self.place(time_s)
        if place is None:
            return None
        flat = fake_params(np.array(place), self.width_px, self.expression(time_s), self.seed)
        wxyz = wxyz_from_yaw_pitch_roll(np.array(self.yaw_pitch_roll(time_s), np.float32))
        return FaceParams(flat.identity, flat.expression, HeadPose(wxyz, flat.pose.origin_px, flat.pose.px_per_m))


@dataclass
class World:
    """A stage of people; the answers of the fakes are for the frame drawn last."""

    people: list[Person]
    size: tuple[int, int] = (240, 320)
    mirrored: bool = False
    background: Callable[[float], int] = field(default=lambda time_s: 90)
    now_s: float = 0.0

    def frame(self, index: int, time_s: Fraction | None = None) -> Frame:
        """Draw the picture at a time (by default index / 30 s) and stand there."""
        time_s = Fraction(index, FPS) if time_s is None else time_s
        self.now_s = float(time_s)
        image = np.full((*self.size, 3), self.background(self.now_s), dtype=np.uint8)
        for person in sorted(self.people, key=lambda person: -person.distance):
            params = person.params(self.now_s)
            if params is not None:
                draw(image, person.seed, fake_box(params))
        return Frame(image[:, ::-1].copy() if self.mirrored else image, index, time_s)

    def visible(self) -> list[FaceParams]:
        """Everyone in the picture whose face nobody nearer hides."""
        shown: list[FaceParams] = []
        for person in sorted(self.people, key=lambda person: person.distance):
            params = person.params(self.now_s)
            if params is None or any(_hides(other, params) for other in shown) or not self._contains(params):
                continue
            shown.append(params)
        return [mirrored_params(params, self.size[1]) for params in shown] if self.mirrored else shown

    def _contains(self, params: FaceParams) -> bool:
        x, y = params.pose.origin_px
        return 0 <= x <= self.size[1] and 0 <= y <= self.size[0]


def _hides(nearer: FaceParams, farther: FaceParams) -> bool:
    distance = np.linalg.norm(nearer.pose.origin_px - farther.pose.origin_px)
    return bool(distance < 0.6 * FACE_WIDTH_M * nearer.pose.px_per_m)


def mirrored_params(params: FaceParams, width_px: float) -> FaceParams:
    """What a mirrored picture shows of a face (whose identity is taken to be symmetric)."""
    x, y = params.pose.origin_px
    pose = HeadPose(
        canonical_wxyz(mirrored_wxyz(params.pose.wxyz)), np.array([width_px - x, y], np.float32), params.pose.px_per_m
    )
    return FaceParams(params.identity, params.expression[list(EXPRESSION_MIRROR)], pose)


@cache
def paint_of(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The cells of a head, and the colour of the clothes."""
    rng = np.random.default_rng(1000 + seed)
    pattern = rng.integers(40, 255, (6, 5))
    return frozen((pattern + pattern[:, ::-1]) // 2), frozen(rng.integers(0, 255, 3))


def draw(image: np.ndarray, seed: int, box: Box) -> None:
    """Paint a head with its own pattern, and clothes of its own colour below."""
    shade, clothes = paint_of(seed)
    left, right = max(0, int(box.left_px - box.width_px)), int(box.right_px + box.width_px)
    top = max(0, int(box.top_px))
    image = image[top:, left:right]
    across = (np.arange(image.shape[1]) + left + 0.5 - box.left_px) / box.width_px
    down = (np.arange(image.shape[0])[:, None] + top + 0.5 - box.top_px) / box.height_px
    head = (across >= 0) & (across < 1) & (down >= 0) & (down < 1)
    cells = shade[(down * 6).astype(int).clip(0, 5), (across * 5).astype(int).clip(0, 4)]
    image[(abs(across - 0.5) < 1) & (down >= 1)] = clothes
    image[head] = cells[head][:, None]


@dataclass
class FakeDetector:
    """Finds everyone visible, with a little noise if asked; implements `DetectorProtocol`."""

    world: World
    confidence: float = 0.8
    jitter_px: float = 0.0
    calls: int = 0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))

    def detect(self, image: np.ndarray) -> list[Face]:
        self.calls += 1
        return [self._face(params) for params in self.world.visible()]

    def _face(self, params: FaceParams) -> Face:
        pose = params.pose
        shaken = pose.origin_px + self.rng.normal(size=2).astype(np.float32) * self.jitter_px
        params = FaceParams(params.identity, params.expression, HeadPose(pose.wxyz, shaken, pose.px_per_m))
        return Face(fake_box(params), self.confidence, params, fake_landmarks([params])[0])


@dataclass
class FakeRegressor:
    """Reads the person nearest to the crop's centre, or a face that nobody has; implements `RegressorProtocol`."""

    world: World
    judges: bool = False
    """Whether it says which of the two it was."""
    crops: list[Crop] = field(default_factory=list)
    """Of the last call."""

    def regress(self, image: np.ndarray, crops: list[Crop]) -> list[FaceParams]:
        self.crops = crops
        return [self._read(crop) for crop in crops]

    def _read(self, crop: Crop) -> FaceParams:
        people = self.world.visible()
        distances = [float(np.linalg.norm(face.pose.origin_px - crop.center_px)) for face in people]
        nobody = not people or min(distances) > crop.side_px / 2
        read = self._imagined(crop) if nobody else people[int(np.argmin(distances))]
        return replace(read, presence=0.0 if nobody else 1.0) if self.judges else read

    @staticmethod
    def _imagined(crop: Crop) -> FaceParams:
        """A face that fills the crop as it should, with a wide open jaw: SFN reads that much into any background."""
        jaw_open = NEUTRAL.copy()
        jaw_open[EXPRESSION_INDEX["jawOpen"]] = 1
        face = fake_params(np.zeros(2), 100.0, jaw_open, seed=99)
        usual = crop_from_landmarks(fake_landmarks([face])[0])
        growth = crop.side_px / usual.side_px
        return fake_params(crop.center_px - growth * usual.center_px, 100.0 * growth, jaw_open, seed=99)
