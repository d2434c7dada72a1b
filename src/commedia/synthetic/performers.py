"""Who performs, by seed and stream (training, test apart): identity, expression, pose, camera, look, light, clothes."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.synthetic.appearance import Appearance, Light, sample_appearance, sample_light
from commedia.synthetic.deviations import ALIKE, BOTH_SIDES, GROUP, sample_deviations
from commedia.synthetic.expressions import sample_expressions
from commedia.synthetic.hair import HairStyle, sample_style
from commedia.synthetic.wardrobe import Glasses, Outfit, sample_glasses, sample_outfit

Stream = Literal["train", "test"]
STREAMS: tuple[Stream, ...] = ("train", "test")


@dataclass(frozen=True)
class Truth:
    """What a network is asked to say about a face, before the picture decides where it is."""

    name: str
    identity: Float[np.ndarray, "50"]
    expression: Float[np.ndarray, "52"]
    wxyz: Float[np.ndarray, "4"]
    """As seen along the ray to the face."""


@dataclass(frozen=True)
class Performer:
    """One face, dressed and lit."""

    truth: Truth
    sizes: Float[np.ndarray, "52"]
    """How far each blendshape goes on this person at weight 1, over how far it goes on the head model."""
    deviations: Float[np.ndarray, "52 4 8"]
    """How its shape differs, see `deviations.py`."""
    distance_m: float
    """From the camera; infinite is weak perspective."""
    appearance: Appearance
    light: Light
    hair: HairStyle | None
    glasses: Glasses | None
    outfit: Outfit
    seed: int
    """Of the small accidents: frizz, where a wave begins."""


def stream_rng(stream: Stream, seed: int) -> np.random.Generator:
    """Randomness of one seed of one stream."""
    return np.random.default_rng([20, STREAMS.index(stream), seed])


def sample_performers(
    rng: np.random.Generator, count: int, *, name: str, light: Light | None = None
) -> list[Performer]:
    """Draw a troupe; with `light` they all stand in it, else each has its own."""
    identity = sample_identities(rng, count)
    expression = sample_expressions(rng, count)
    wxyz = sample_poses(rng, count)
    return [
        Performer(
            truth=Truth(f"{name}-{k:05d}", identity[k], expression[k], wxyz[k]),
            sizes=sample_sizes(rng),
            deviations=sample_deviations(rng),
            distance_m=sample_distance(rng),
            appearance=sample_appearance(rng),
            light=light or sample_light(rng),
            hair=sample_style(rng),
            glasses=sample_glasses(rng),
            outfit=sample_outfit(rng),
            seed=int(rng.integers(2**31)),
        )
        for k in range(count)
    ]


def filmed_again(rng: np.random.Generator, performer: Performer, count: int) -> list[Performer]:
    """The same person `count` times: other expressions, poses and light, each from another distance."""
    expression, wxyz = sample_expressions(rng, count), sample_poses(rng, count)
    return [
        replace(
            performer,
            truth=replace(performer.truth, expression=expression[k], wxyz=wxyz[k]),
            distance_m=sample_distance(rng),
            light=sample_light(rng),
        )
        for k in range(count)
    ]


def sample_identities(rng: np.random.Generator, count: int) -> Float[np.ndarray, "count 50"]:
    """Draw from the unit normal; one in six is half as far again from the mean as it came out."""
    stretch = np.where(rng.uniform(size=(count, 1)) < 1 / 6, 1.5, 1.0)
    return np.clip(rng.normal(size=(count, IDENTITY_COUNT)) * stretch, -4, 4).astype(np.float32)


def sample_sizes(rng: np.random.Generator) -> Float[np.ndarray, "52"]:
    """Draw how far each blendshape goes on one person, 0.7 to 1.3; both sides nearly alike.

    A blink closes everybody's eyes and the gaze is an angle: these stay. `mouthClose` undoes what `jawOpen` does.
    """
    person = rng.normal(0, 0.08)
    drawn = person + rng.normal(0, 0.12, len(BOTH_SIDES))[GROUP] + rng.normal(0, 0.04, EXPRESSION_COUNT)
    sizes = np.exp(np.clip(drawn, np.log(0.7), np.log(1.3)))
    sizes[ALIKE] = 1.0
    sizes[EXPRESSION_INDEX["mouthClose"]] = sizes[EXPRESSION_INDEX["jawOpen"]]
    return sizes.astype(np.float32)


def sample_poses(rng: np.random.Generator, count: int) -> Float[np.ndarray, "count 4"]:
    """Draw rotations: most heads near the camera, a quarter anywhere up to 90 degrees of yaw."""
    anywhere = rng.uniform(size=count) < 0.25
    yaw = np.where(anywhere, rng.uniform(-90, 90, count), np.clip(rng.normal(0, 20, count), -90, 90))
    pitch = np.clip(rng.normal(0, 12, count) + 2, -35, 35)
    roll = np.clip(rng.normal(0, 10, count), -30, 30)
    wide = rng.uniform(size=(2, count)) < 0.12
    pitch = np.where(wide[0], rng.uniform(-35, 35, count), pitch)
    roll = np.where(wide[1], rng.uniform(-30, 30, count), roll)
    return wxyz_from_yaw_pitch_roll(np.radians(np.stack([yaw, pitch, roll], -1))).astype(np.float32)


def sample_distance(rng: np.random.Generator) -> float:
    """Draw metres to the camera: arm's length to across a room, one in three infinitely far."""
    return float("inf") if rng.uniform() < 1 / 3 else float(np.clip(np.exp(rng.normal(-0.15, 0.55)), 0.33, 6.0))
