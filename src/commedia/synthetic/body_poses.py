"""Plausible poses of whole people: a skeleton and a seed to the turn of every joint, down to the fingers.

Angles are in degrees, places in metres of the head frame. Ranges were set by looking at contact sheets.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from commedia.synthetic.skeleton import FINGERS, SIDES, Moved, Reach, Skeleton, facing, reached, turn, unit

Pose = dict[str, Float[np.ndarray, "3 3"]]

FACE_SHARE = 0.3
"""How many people hold a hand before or against their face."""
_SPINE = ("Spine", "Spine1", "Spine2")
_FORWARD, _UP = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])


class FaceMarks(NamedTuple):
    """Points of a face at rest, for hands to go to."""

    chin: Float[np.ndarray, "3"]
    nose: Float[np.ndarray, "3"]
    eyes: Float[np.ndarray, "3"]
    """Between them."""


def sample_pose(rng: np.random.Generator, skeleton: Skeleton, face: FaceMarks) -> Pose:
    """Draw a pose: trunk and head first, then legs, then where each hand goes."""
    pose = {"Hips": _turned(rng, (0, 0, 0), (0, 8, 4))}
    bow, sideways, twist = rng.normal(4, 9), rng.normal(0, 6), rng.normal(0, 12)
    pose |= {bone: facing(twist / 3, bow / 3, sideways / 3) for bone in _SPINE}
    looks = np.clip(rng.normal(0, (32, 13, 11)), (-75, -35, -35), (75, 40, 35))
    pose |= {"Neck": facing(*(0.4 * looks)), "Head": facing(*(0.6 * looks))}
    sits = rng.random() < 0.25
    for side in SIDES:
        pose |= _leg(rng, side, sits)
    moved = skeleton.moved(pose)
    for side, reach in _reaches(rng, moved, face, sits).items():
        pose |= reached(moved, side, reach) | _hand(rng, skeleton, side)
    return pose


def _turned(rng: np.random.Generator, mean: tuple, deviation: tuple) -> Float[np.ndarray, "3 3"]:
    return facing(*rng.normal(mean, deviation))


def _leg(rng: np.random.Generator, side: str, sits: bool) -> Pose:
    """Stand, stride or sit."""
    out, hip = SIDES[side] * rng.uniform(0, 14), rng.normal(0, 13)
    knee = rng.uniform(0, 12) + max(0.0, hip) * rng.uniform(0.2, 1.2)
    if sits:
        out, hip = SIDES[side] * rng.uniform(0, 25), rng.uniform(60, 100)
        knee = hip + rng.normal(0, 18)
    upper = facing(SIDES[side] * rng.uniform(-5, 15), -hip, out)
    return {
        f"{side}UpLeg": upper,
        f"{side}Leg": facing(0.0, max(0.0, knee), 0.0),
        f"{side}Foot": _turned(rng, (0, 0, 0), (6, 8, 4)),
    }


def _reaches(rng: np.random.Generator, moved: Moved, face: FaceMarks, sits: bool) -> dict[str, Reach]:
    """Where the two hands go."""
    pair = rng.random()
    if pair < FACE_SHARE:
        one = str(rng.choice(list(SIDES)))
        both = rng.random() < 0.25
        return {side: (_at_face if both or side == one else _anywhere)(rng, moved, side, face) for side in SIDES}
    if pair < FACE_SHARE + 0.16:
        kind = (_clasped, _crossed, _behind_head)[int(rng.choice(3, p=[0.5, 0.3, 0.2]))]
        return {side: kind(rng, moved, side, face) for side in SIDES}
    if sits and rng.random() < 0.6:
        return {side: _on_knee(rng, moved, side, face) for side in SIDES}
    return {side: _anywhere(rng, moved, side, face) for side in SIDES}


def _anywhere(rng: np.random.Generator, moved: Moved, side: str, face: FaceMarks) -> Reach:
    kind = (_hanging, _on_hip, _raised, _free)[int(rng.choice(4, p=[0.38, 0.14, 0.2, 0.28]))]
    return kind(rng, moved, side, face)


_Kind = Callable[[np.random.Generator, Moved, str, FaceMarks], Reach]


def _near(rng: np.random.Generator, vector: tuple[float | int, ...], side: str, noise: float) -> np.ndarray:
    """A direction or a step, told for the left side, with some noise."""
    return np.array(vector) * (SIDES[side], 1, 1) + rng.normal(0, noise, 3)


def _hanging(rng: np.random.Generator, moved: Moved, side: str, face: FaceMarks) -> Reach:
    palm = moved.place(f"{side}Arm") + _near(rng, (0.11, -0.55, 0.04), side, 0.06)
    return Reach(
        palm,
        _near(rng, (-1, 0, -0.2), side, 0.3),
        _near(rng, (0, -1, 0.1), side, 0.2),
        _near(rng, (0.3, 0, -1), side, 0.2),
    )


def _on_hip(rng: np.random.Generator, moved: Moved, side: str, face: FaceMarks) -> Reach:
    palm = moved.carried("Hips", moved.skeleton.place("Hips") + _near(rng, (0.17, 0.1, 0.04), side, 0.02))
    return Reach(
        palm,
        _near(rng, (-1, 0, 0), side, 0.1),
        _near(rng, (-0.5, -0.5, 0.7), side, 0.2),
        _near(rng, (1, 0, -0.6), side, 0.2),
    )


def _raised(rng: np.random.Generator, moved: Moved, side: str, face: FaceMarks) -> Reach:
    """Wave, swear, cheer."""
    palm = moved.place(f"{side}Arm") + _near(rng, (0.2, 0.3, 0.22), side, 0.12)
    return Reach(
        palm,
        _near(rng, (0, 0, 1), side, 0.4),
        _near(rng, (0, 1, 0), side, 0.35),
        _near(rng, (0.7, -1, -0.2), side, 0.2),
    )


def _free(rng: np.random.Generator, moved: Moved, side: str, face: FaceMarks) -> Reach:
    """Talk with the hands, point, hold something."""
    way = unit(_near(rng, (0.25, -0.35, 0.8), side, 0.4))
    palm = moved.place(f"{side}Arm") + rng.uniform(0.3, 0.6) * way
    return Reach(palm, rng.normal(0, 1, 3), way + rng.normal(0, 0.4, 3), _near(rng, (0.5, -1, -0.3), side, 0.3))


def _clasped(rng: np.random.Generator, moved: Moved, side: str, face: FaceMarks) -> Reach:
    """One hand on the other before the belly or the chest."""
    middle = moved.carried("Spine", moved.skeleton.place("Spine") + np.array([0, 0.14, 0.21]))
    palm = middle + _near(rng, (0.025, 0.0, 0.0), side, 0.012)
    return Reach(
        palm,
        _near(rng, (-1, 0, -0.5), side, 0.2),
        _near(rng, (-0.7, -0.1, 0.5), side, 0.2),
        _near(rng, (1, -0.7, -0.2), side, 0.1),
    )


def _crossed(rng: np.random.Generator, moved: Moved, side: str, face: FaceMarks) -> Reach:
    high = 0.05 * (side == "Left")
    palm = moved.carried(
        "Spine2", moved.skeleton.place("Spine2") + _near(rng, (-0.14, 0.02 + high, 0.14 + high), side, 0.015)
    )
    return Reach(
        palm,
        _near(rng, (0, -0.2, -1), side, 0.2),
        _near(rng, (-1, 0.2, -0.1), side, 0.15),
        _near(rng, (1, -0.8, 0.1), side, 0.1),
    )


def _behind_head(rng: np.random.Generator, moved: Moved, side: str, face: FaceMarks) -> Reach:
    back = face.eyes + _near(rng, (0.04, 0.02, -0.19), side, 0.015)
    palm, head = moved.carried("Head", back), moved.turn("Head")
    return Reach(
        palm,
        head @ _near(rng, (0, 0, 1), side, 0.1),
        head @ _near(rng, (-1, 0.3, 0), side, 0.1),
        _near(rng, (1, 0.2, 0.2), side, 0.2),
    )


def _on_knee(rng: np.random.Generator, moved: Moved, side: str, face: FaceMarks) -> Reach:
    thigh, shin = moved.place(f"{side}UpLeg"), moved.place(f"{side}Leg")
    palm = shin + rng.uniform(0, 0.4) * (thigh - shin) + _near(rng, (0, 0.09, 0), side, 0.02)
    return Reach(
        palm,
        _near(rng, (0, -1, 0), side, 0.2),
        unit(shin - thigh) + rng.normal(0, 0.3, 3),
        _near(rng, (1, -0.5, -0.5), side, 0.2),
    )


_SPOTS: tuple[tuple[str, tuple[float, float, float]], ...] = (
    ("nose", (0.0, -0.02, 0.05)),
    ("chin", (0.01, -0.035, 0.02)),
    ("chin", (0.05, 0.03, 0.0)),
    ("chin", (0.085, 0.045, -0.05)),
    ("eyes", (0.02, 0.0, 0.06)),
)
"""Where a palm goes, from a mark of the face: before the mouth, at the chin, on a cheek, at an ear, over the eyes."""


def _at_face(rng: np.random.Generator, moved: Moved, side: str, face: FaceMarks) -> Reach:
    mark, step = _SPOTS[int(rng.integers(len(_SPOTS)))]
    palm = moved.carried("Head", getattr(face, mark) + _near(rng, step, side, 0.018))
    head, inward = moved.turn("Head"), -0.6 if mark == "eyes" else -0.15
    towards = head @ _near(rng, (-14 * step[0], 0.1, -1), side, 0.2)
    fingers = head @ _near(rng, (inward, 1, -0.1), side, 0.25)
    return Reach(palm, towards, fingers, _near(rng, (0.6, -1, 0.1), side, 0.25))


_GRIPS = {
    # Bend of the first, second and third joint of index, middle, ring and pinky; of the thumb; spread of the fingers.
    "flat": ((4, 4, 3), (4, 4, 3), (4, 4, 3), (4, 4, 3), 0, 0),
    "spread": ((2, 3, 2), (0, 3, 2), (0, 3, 2), (2, 3, 2), -8, 11),
    "relaxed": ((18, 22, 12), (24, 27, 14), (29, 30, 16), (33, 32, 17), 6, 1),
    "fist": ((74, 92, 58), (78, 95, 60), (80, 94, 60), (80, 90, 60), 26, -2),
    "point": ((5, 6, 4), (74, 92, 58), (78, 92, 60), (80, 90, 60), 22, 0),
    "two": ((3, 4, 3), (3, 4, 3), (76, 92, 60), (80, 90, 60), 24, 6),
    "thumb": ((74, 92, 58), (78, 95, 60), (80, 94, 60), (80, 90, 60), -14, -2),
    "hold": ((40, 42, 25), (42, 45, 26), (44, 46, 27), (46, 46, 28), 14, 0),
}
_GRIP_ODDS = (0.16, 0.16, 0.22, 0.16, 0.08, 0.05, 0.05, 0.12)


def _hand(rng: np.random.Generator, skeleton: Skeleton, side: str) -> Pose:
    """Close a hand: some way between two grips."""
    grips = [np.concatenate([np.ravel(row) for row in grip]) for grip in _GRIPS.values()]
    first, second = (grips[int(rng.choice(len(grips), p=_GRIP_ODDS))] for _ in range(2))
    share = 0.25 * rng.random() ** 2
    drawn = (1 - share) * first + share * second
    bends = drawn[:12].reshape(4, 3) + rng.normal(0, 3, (4, 3)) + rng.normal(0, 4, (4, 1))
    bends = np.clip(bends, -5, (90, 105, 70))
    spread = drawn[13] + rng.normal(0, 1.5)
    pose: Pose = {}
    down = np.array([0.0, -1.0, 0.0])
    for number, finger in enumerate(FINGERS):
        aside = turn(down, SIDES[side] * (1.4 - number) * spread)
        for joint in (1, 2, 3):
            name = f"{side}Hand{finger}{joint}"
            way = skeleton.way(f"{side}Hand{finger}{min(joint, 2)}", f"{side}Hand{finger}{min(joint, 2) + 1}")
            bend = turn(np.cross(way, down), float(bends[number, joint - 1]))
            pose[name] = aside @ bend if joint == 1 else bend
    return pose | _thumb(skeleton, side, float(drawn[12] + rng.normal(0, 4)))


def _thumb(skeleton: Skeleton, side: str, bend: float) -> Pose:
    """Bring a thumb across the palm, or away from it."""
    across = skeleton.way(f"{side}HandIndex1", f"{side}HandPinky1") + 0.5 * skeleton.way(
        f"{side}Hand", f"{side}HandIndex1"
    )
    pose = {}
    for joint, share in ((1, 0.8), (2, 1.0), (3, 1.2)):
        way = skeleton.way(f"{side}HandThumb{min(joint, 2)}", f"{side}HandThumb{min(joint, 2) + 1}")
        pose[f"{side}HandThumb{joint}"] = turn(np.cross(way, across), share * bend)
    return pose
