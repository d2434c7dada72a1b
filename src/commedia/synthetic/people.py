"""Pictures of whole people, some near, some cropped, seen from all sides, and close-ups in which there is no face.

Where it would be a matter of taste whether a face is there to be found, the picture is drawn again: training knows no
"perhaps".
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.data.sample import FaceSample, PictureSample
from commedia.data.shards import write_shard
from commedia.errors import BadCharacter
from commedia.structures import Box
from commedia.synthetic.appearance import sample_light
from commedia.synthetic.avatars import held_back
from commedia.synthetic.backgrounds import Backgrounds, load_backgrounds
from commedia.synthetic.bodies import Body, read_body
from commedia.synthetic.body_poses import sample_pose
from commedia.synthetic.degradations import degrade
from commedia.synthetic.expressions import sample_expressions
from commedia.synthetic.outfits import sample_outfit
from commedia.synthetic.people_drawing import Camera, Person, Sight, look, seen_of_face, shaded, shown_alone, truth_of
from commedia.synthetic.performers import Stream, sample_sizes, stream_rng
from commedia.synthetic.shards import LICENCE, paste
from commedia.synthetic.skeleton import facing

PEOPLE_SEEDS = 2_000_000
"""Added to the seed."""
PEOPLE_PX, CLOSE_UP_PX = 448, 320
MOST_TURNED_DEG, LEAST_AWAY_DEG = 98.0, 128.0
"""A face is asked for up to the first, and none is there from the second: between them a cheek, a nose, a lash show."""
LEAST_SEEN, MOST_STRAY = 0.42, 0.04
"""Shares of what a head alone would show of its face: what is asked for, and what is not worth asking for."""
LEAST_SKIN = 0.3
"""Share of a box that shows skin of the face, or else hair hides it: who bows, aside, is seen from above."""
LEAST_INSIDE = 0.6
"""Share of a box within the picture."""
FACE_M = 0.19
"""Longer side of a face's box, in the head frame."""
_TRIES = 40


def people_pictures(
    stream: Stream, seed: int, count: int, backgrounds: Backgrounds, bodies: Sequence[Body], *, size: int = PEOPLE_PX
) -> Iterator[PictureSample]:
    """Make pictures of one to four people, with the truth about each face that shows."""
    for number in range(count):
        rng = stream_rng(stream, (PEOPLE_SEEDS + seed) * 100_000 + number)
        people, camera, sight, faces = scene(rng, bodies, size)
        face_px = min((max(_extent(face.box)) for face in faces), default=60.0)
        image = _photographed(rng, people, camera, sight, backgrounds, face_px)
        yield PictureSample(image, faces, f"people-{stream}-{seed}/{number}", LICENCE, "synthetic")


def close_up_pictures(
    stream: Stream, seed: int, count: int, backgrounds: Backgrounds, bodies: Sequence[Body], *, size: int = CLOSE_UP_PX
) -> Iterator[PictureSample]:
    """Make pictures of hands, feet, knees, shirts, backs of heads: nothing of a face is seen."""
    for number in range(count):
        rng = stream_rng(stream, (2 * PEOPLE_SEEDS + seed) * 100_000 + number)
        people, camera, sight = close_up(rng, bodies, size)
        image = _photographed(rng, people, camera, sight, backgrounds, size / 4)
        yield PictureSample(image, (), f"close-ups-{stream}-{seed}/{number}", LICENCE, "synthetic")


def generate_people_shard(
    path: Path,
    characters: Sequence[Path],
    count: int,
    *,
    close_ups: bool,
    stream: Stream = "train",
    seed: int = 0,
    backgrounds: Path | None = None,
    size: int | None = None,
) -> int:
    """Make `count` pictures of people, or close-ups without a face, and write them; returns how many.

    Raises BadCharacter for one that is held back from training, or has no whole body.
    """
    for character in characters:
        if stream == "train" and held_back(character.stem):
            raise BadCharacter(f"{character.stem} tests how heads that are not ours are read, and is never trained on")
    bodies, loaded = [read_body(character) for character in characters], load_backgrounds(backgrounds, stream)
    if close_ups:
        return write_shard(path, close_up_pictures(stream, seed, count, loaded, bodies, size=size or CLOSE_UP_PX))
    return write_shard(path, people_pictures(stream, seed, count, loaded, bodies, size=size or PEOPLE_PX))


def scene(
    rng: np.random.Generator, bodies: Sequence[Body], size: int
) -> tuple[list[Person], Camera, Sight, tuple[FaceSample, ...]]:
    """Place people until it is certain of each whether there is a face to find."""
    for _ in range(_TRIES):
        camera, tilt = (
            _camera(rng, size, np.exp(rng.uniform(np.log(20), np.log(170))) * size / PEOPLE_PX / FACE_M),
            _tilt(rng),
        )
        people = _group(rng, bodies, camera, tilt)
        sight = look(people, camera)
        faces = certain_faces(people, camera, sight)
        if faces is not None and len(sight.own) > 0.03 * size**2:
            return people, camera, sight, faces
    raise AssertionError(f"{_TRIES} groups of people in a row had a face that is hardly to be seen")


def certain_faces(people: list[Person], camera: Camera, sight: Sight) -> tuple[FaceSample, ...] | None:
    """Say the truth about every face to be found, or None where one is neither to be found nor out of sight."""
    faces = []
    for number, person in enumerate(people):
        turned, seen = person.turned_deg(camera), seen_of_face(person, number, sight)
        if turned >= LEAST_AWAY_DEG or seen <= MOST_STRAY * (alone := shown_alone(person, camera)):
            continue
        truth = truth_of(person, camera)
        inside = _inside(truth.box, camera.size)
        skin = seen / max(inside * truth.box.width_px * truth.box.height_px, 1e-6)
        if turned > MOST_TURNED_DEG or seen < LEAST_SEEN * alone or inside < LEAST_INSIDE or skin < LEAST_SKIN:
            return None
        faces.append(truth)
    return tuple(faces)


def _inside(box: Box, size: int) -> float:
    """Share of a box that lies in the picture."""
    width = min(box.right_px, size) - max(box.left_px, 0)
    height = min(box.bottom_px, size) - max(box.top_px, 0)
    return max(width, 0.0) * max(height, 0.0) / max(box.width_px * box.height_px, 1e-6)


def _extent(box: Box) -> tuple[float, float]:
    return box.width_px, box.height_px


def _camera(rng: np.random.Generator, size: int, px_per_m: float) -> Camera:
    """Near enough that what fills the picture is distorted, or far away."""
    shown_m = size / px_per_m
    return Camera(size, max(0.9, shown_m * np.exp(rng.normal(0.5, 0.4))), float(px_per_m))


def _tilt(rng: np.random.Generator) -> Float[np.ndarray, "3 3"]:
    """How the camera is held: mostly level, one in five rolled, a few any way up."""
    roll = rng.choice([rng.normal(0, 3), rng.normal(0, 25), rng.uniform(-180, 180)], p=[0.78, 0.16, 0.06])
    return facing(0.0, rng.normal(4, 11), roll)


def _group(rng: np.random.Generator, bodies: Sequence[Body], camera: Camera, tilt: np.ndarray) -> list[Person]:
    """One to four people side by side and behind one another, each looking their own way."""
    count = int(rng.choice([1, 2, 3, 4], p=[0.4, 0.3, 0.18, 0.12]))
    order = rng.permutation(len(bodies))
    focus = str(rng.choice(["Head", "Spine2", "Hips"], p=[0.74, 0.16, 0.1]))
    reach = 0.5 * camera.size / camera.px_per_m
    start = np.array([*rng.uniform(-0.7, 0.7, 2) * reach, 0.0])
    side = float(rng.choice([-1, 1]))
    people: list[Person] = []
    for number in range(count):
        step = number * rng.uniform(0.4, 0.75) * side
        if number == 2 and rng.random() < 0.5:
            step, side = -step / 2, -side
        at = start + tilt @ np.array([step, rng.normal(0, 0.06), -abs(rng.normal(0, 0.35)) * (number > 0)])
        people.append(standing(rng, bodies[order[number % len(bodies)]], focus, at, tilt, _facing(rng)))
    return people


def _facing(rng: np.random.Generator) -> float:
    """Degrees of yaw: fronts, sides and backs."""
    kind, sign = rng.choice(3, p=[0.44, 0.38, 0.18]), rng.choice([-1, 1])
    return float(sign * (abs(rng.normal(0, 25)), rng.uniform(35, 115), rng.uniform(115, 180))[kind])


def standing(
    rng: np.random.Generator, body: Body, focus: str, at: np.ndarray, tilt: np.ndarray, yaw_deg: float
) -> Person:
    """Somebody in some pose, a joint of theirs at a place before the camera."""
    placed = tilt @ facing(yaw_deg, 0.0, 0.0)
    while True:
        moved = body.skeleton.moved(sample_pose(rng, body.skeleton, body.face))
        head = placed @ moved.turn("Head")
        if not np.cos(np.radians(LEAST_AWAY_DEG + 4)) < head[2, 2] < np.cos(np.radians(MOST_TURNED_DEG - 4)):
            break
    expression = sample_expressions(rng, 1)[0]
    weights = (expression * sample_sizes(rng) * body.looks.has).astype(np.float32)
    vertices, normals = body.posed(moved, weights)
    turned, start = placed.T.astype(np.float32), moved.place(focus)
    origin = (moved.carried("Head", np.zeros(3)) - start) @ placed.T + at
    vertices = (vertices - start.astype(np.float32)) @ turned + at.astype(np.float32)
    return Person(body, expression, vertices, normals @ turned, head, origin)


_PARTS: tuple[tuple[str, float, float], ...] = (
    ("Hand", 0.33, 0.34),
    ("ForeArm", 0.06, 0.5),
    ("Arm", 0.05, 0.5),
    ("Leg", 0.14, 0.5),
    ("Foot", 0.07, 0.4),
    ("UpLeg", 0.04, 0.6),
    ("Spine2", 0.11, 0.6),
    ("Hips", 0.06, 0.7),
    ("Head", 0.14, 0.42),
)
"""What close-ups are of: a joint, how often, and about how many metres the picture shows."""


def close_up(rng: np.random.Generator, bodies: Sequence[Body], size: int) -> tuple[list[Person], Camera, Sight]:
    for _ in range(_TRIES):
        part, _, shown = _PARTS[int(rng.choice(len(_PARTS), p=[odds for _, odds, _ in _PARTS]))]
        camera = _camera(rng, size, size / (shown * np.exp(rng.normal(0.1, 0.35))))
        reach = 0.5 * size / camera.px_per_m
        at = np.array([*rng.uniform(-0.5, 0.5, 2) * reach, 0.0])
        yaw = rng.uniform(120, 240) if part == "Head" else rng.uniform(-180, 180)
        paired = part if part in ("Spine2", "Hips", "Head") else str(rng.choice(["Left", "Right"])) + part
        person = standing(rng, bodies[int(rng.integers(len(bodies)))], paired, at, _tilt(rng), yaw)
        sight = look([person], camera)
        if len(sight.own) > 0.12 * size**2 and not person.body.of_face[sight.own].any():
            return [person], camera, sight
    raise AssertionError(f"{_TRIES} close-ups in a row showed a face or nothing")


def _photographed(
    rng: np.random.Generator,
    people: list[Person],
    camera: Camera,
    sight: Sight,
    backgrounds: Backgrounds,
    face_px: float,
) -> np.ndarray:
    """Dress, light and draw them before a background, as a camera sees it."""
    outfits = [sample_outfit(rng, backgrounds) for _ in people]
    drawn = shaded(people, outfits, sight, sample_light(rng), camera.size)
    return degrade(rng, paste(drawn, backgrounds.window(rng, camera.size, camera.size)), face_px, strength=0.7)
