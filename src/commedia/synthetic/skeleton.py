"""The bones of a whole person: turns of joints to where every bone takes what hangs on it, and arms that reach a place.

Everything is in the axes of the character at rest, arms held out sideways, palms down: x to its left, y up, z forward.
A joint's turn is said in these axes as well, as its parent carries them, so that one pose fits bones of any file.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from commedia.characters.character import Character
from commedia.characters.posing import local_matrix
from commedia.errors import BadCharacter
from commedia.geometry.similarity import Similarity

Turns = Mapping[str, Float[np.ndarray, "3 3"]]
"""Rotation of each bone that is not as at rest."""

_X, _Y, _Z = np.eye(3)
SIDES = {"Left": 1.0, "Right": -1.0}
"""Which way along x."""
FINGERS = ("Index", "Middle", "Ring", "Pinky")
NEEDED = (
    *("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head"),
    *(f"{side}{bone}" for side in SIDES for bone in ("Shoulder", "Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot")),
    *(f"{side}Hand{finger}{joint}" for side in SIDES for finger in (*FINGERS, "Thumb") for joint in (1, 2, 3)),
)
"""Bones without which a character cannot be posed, by the names that motion capture uses."""

WRIST_DEG, SUPINATION_DEG = 55.0, (-25.0, 160.0)
"""How far a hand bends against its forearm, and how far both turn about it from palm down to palm up."""


@dataclass(frozen=True)
class Skeleton:
    """Joints of a character at rest."""

    names: tuple[str, ...]
    """Parents before their children."""
    parents: Int[np.ndarray, "b"]
    """-1 for a root."""
    places: Float[np.ndarray, "b 3"]

    def index(self, name: str) -> int:
        return self.names.index(name)

    def place(self, name: str) -> Float[np.ndarray, "3"]:
        return self.places[self.index(name)]

    def way(self, first: str, second: str) -> Float[np.ndarray, "3"]:
        """Unit vector from one joint to another, at rest."""
        return unit(self.place(second) - self.place(first))

    def moved(self, turns: Turns) -> "Moved":
        """Where each bone takes what hangs on it."""
        rotation, shift = np.zeros((len(self.names), 3, 3)), np.zeros((len(self.names), 3))
        for bone, name in enumerate(self.names):
            parent, place = int(self.parents[bone]), self.places[bone]
            above = (np.eye(3), np.zeros(3)) if parent < 0 else (rotation[parent], shift[parent])
            rotation[bone] = above[0] @ turns[name] if name in turns else above[0]
            shift[bone] = above[0] @ place + above[1] - rotation[bone] @ place
        return Moved(self, rotation, shift)


class Moved(NamedTuple):
    """A pose: each bone's map from the character at rest to the posed one."""

    skeleton: Skeleton
    rotation: Float[np.ndarray, "b 3 3"]
    shift: Float[np.ndarray, "b 3"]

    def turn(self, name: str) -> Float[np.ndarray, "3 3"]:
        return self.rotation[self.skeleton.index(name)]

    def place(self, name: str) -> Float[np.ndarray, "3"]:
        """Where a joint is now."""
        return self.carried(name, self.skeleton.place(name))

    def carried(self, name: str, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Where a bone takes points of the character at rest."""
        bone = self.skeleton.index(name)
        return points @ self.rotation[bone].T + self.shift[bone]


def skeleton_of(character: Character, head_from_scene: Similarity) -> Skeleton:
    """Read a character's bones, in its head frame; raises BadCharacter when one of `NEEDED` is missing."""
    world: dict[int, np.ndarray] = {}
    for node in character.node_order:
        local, parent = local_matrix(character.nodes[node]), character.nodes[node].parent
        world[node] = world[parent] @ local if parent >= 0 else local
    nodes = list(character.node_order)
    names = tuple(character.nodes[node].name.rpartition(":")[2] for node in nodes)
    if missing := [name for name in NEEDED if name not in names]:
        raise BadCharacter(
            f"{character.name} has no whole body: of the {len(NEEDED)} bones of a person it lacks {len(missing)}, "
            f"'{missing[0]}' first"
        )
    parents = [nodes.index(parent) if (parent := character.nodes[node].parent) >= 0 else -1 for node in nodes]
    places = head_from_scene.points(np.stack([world[node][:3, 3] for node in nodes]))
    return Skeleton(names, np.array(parents), places)


class Reach(NamedTuple):
    """Where a palm should be."""

    palm: Float[np.ndarray, "3"]
    facing: Float[np.ndarray, "3"]
    """Where the palm looks, and ..."""
    fingers: Float[np.ndarray, "3"]
    """... where the fingers point, as far as the wrist allows."""
    elbow: Float[np.ndarray, "3"]
    """To which side of the arm the elbow goes."""


def reached(moved: Moved, side: str, reach: Reach) -> dict[str, Float[np.ndarray, "3 3"]]:
    """Turn a shoulder, an elbow and a wrist so that the palm comes to a place, or as near as the arm is long."""
    rest = moved.skeleton
    upper, fore, hand = f"{side}Arm", f"{side}ForeArm", f"{side}Hand"
    start = moved.place(upper)
    lengths = [float(np.linalg.norm(rest.place(b) - rest.place(a))) for a, b in ((upper, fore), (fore, hand))]
    half = 0.5 * float(np.linalg.norm(rest.place(f"{side}HandMiddle1") - rest.place(hand))) + 0.03
    wrist = reach.palm - half * unit(reach.fingers) - 0.025 * unit(reach.facing)
    along, distance = unit(wrist - start), float(np.linalg.norm(wrist - start))
    distance = float(np.clip(distance, 1.2 * abs(lengths[0] - lengths[1]) + 0.09, 0.995 * sum(lengths)))
    forth = (lengths[0] ** 2 - lengths[1] ** 2 + distance**2) / (2 * distance)
    aside = np.sqrt(max(lengths[0] ** 2 - forth**2, 0.0))
    out = unit(reach.elbow - (reach.elbow @ along) * along)
    elbow, end, hinge = start + forth * along + aside * out, start + distance * along, np.cross(out, along)
    shoulder = _carrying(rest.way(upper, fore), unit(elbow - start), hinge)
    forearm = _carrying(rest.way(fore, hand), unit(end - elbow), hinge)
    return _arm(moved, side, reach, shoulder, forearm)


def _carrying(rest_way: np.ndarray, way: np.ndarray, hinge: np.ndarray) -> Float[np.ndarray, "3 3"]:
    """Turn a bone of an arm to point some way, its elbow bending about `hinge`: at rest it would bend forward."""
    return _frame(way, hinge) @ _frame(rest_way, np.cross(rest_way, _Z)).T


def _arm(moved: Moved, side: str, reach: Reach, shoulder: np.ndarray, forearm: np.ndarray) -> dict[str, np.ndarray]:
    """The turns of three joints, from where upper arm and forearm should point: the hand's turn is shared by both."""
    rest = moved.skeleton
    along = forearm @ rest.way(f"{side}ForeArm", f"{side}Hand")
    bend = np.cross(along, unit(reach.fingers))
    angle = np.degrees(np.arctan2(np.linalg.norm(bend), along @ unit(reach.fingers)))
    swing = turn(bend, min(float(angle), WRIST_DEG))
    down, axis = swing @ forearm @ -_Y, swing @ forearm @ -_X
    flat = reach.facing - (reach.facing @ axis) * axis
    wanted = np.degrees(np.arctan2(np.cross(down, flat) @ axis, down @ flat))
    middle = sum(SUPINATION_DEG) / 2
    nearer = middle + (wanted - middle + 180) % 360 - 180
    twist = float(np.clip(nearer, *SUPINATION_DEG))
    above = moved.turn(rest.names[int(rest.parents[rest.index(f"{side}Arm")])])
    turned = forearm @ turn(-_X, twist / 2)
    return {
        f"{side}Arm": above.T @ shoulder,
        f"{side}ForeArm": shoulder.T @ turned,
        f"{side}Hand": turned.T @ swing @ forearm @ turn(-_X, twist),
    }


def unit(vector: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """Scale to length 1."""
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9)


def turn(axis: Float[np.ndarray, "3"], degrees: float) -> Float[np.ndarray, "3 3"]:
    """Rotation about an axis of any length (Rodrigues): a pose has sixty of them."""
    x, y, z = axis
    length = max(math.sqrt(x * x + y * y + z * z), 1e-9)
    x, y, z = x / length, y / length, z / length
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    rest = 1 - cosine
    return np.array(
        [
            [cosine + x * x * rest, x * y * rest - z * sine, x * z * rest + y * sine],
            [y * x * rest + z * sine, cosine + y * y * rest, y * z * rest - x * sine],
            [z * x * rest - y * sine, z * y * rest + x * sine, cosine + z * z * rest],
        ]
    )


def facing(yaw: float, pitch: float, roll: float) -> Float[np.ndarray, "3 3"]:
    """Rotation from degrees of yaw, pitch and roll, in the order of `conventions.py`."""
    return turn(_Y, yaw) @ turn(_X, pitch) @ turn(_Z, roll)


def _frame(first: np.ndarray, second: np.ndarray) -> Float[np.ndarray, "3 3"]:
    """Columns: the first, what is left of the second, and what is square to both."""
    first = unit(first)
    second = unit(second - (second @ first) * first)
    return np.stack([first, second, np.cross(first, second)], axis=1)
