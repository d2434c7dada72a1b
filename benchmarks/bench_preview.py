"""What a page of the preview costs, stage by stage, with the compiled loops and without them.

    python benchmarks/bench_preview.py [--repeats 20] [--character big.glb]

For one, two and six people whose faces move, on one core: medians of processor time, so that a busy machine disturbs
them little. The aim is a page of two people, drawn and encoded, in 30 ms.
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from statistics import median
from time import process_time
from unittest.mock import patch

import cv2
import numpy as np
from rich.console import Console

from commedia.characters.character import Character
from commedia.characters.default_head import default_head_character
from commedia.characters.open import open_character
from commedia.characters.posing import Poser
from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.evaluation.report import Goal, Table, origin_of, show
from commedia.face_model.landmarks import face_box_from_params, landmarks_from_params
from commedia.outputs.preview import found, page, player
from commedia.outputs.preview.page import STYLES, PreviewPage
from commedia.outputs.preview.writer import VideoFile
from commedia.structures import FaceParams, Frame, HeadPose, Moment, RigPose, TrackedFace, TrackedFrame

GOAL_MS = 30.0
PEOPLE = (1, 2, 6)
SOURCE_PX = (1280, 720)
STAGES: tuple[tuple[str, object, str], ...] = (
    ("pose the characters", Poser, "pose"),
    ("draw the characters", player, "draw_scene"),
    ("draw the masks", found.FaceMask, "draw"),
    ("scale pictures", found, "resized"),
    ("scale the source", page, "resized"),
    ("marks", page, "draw_marks"),
    ("bare faces", page, "draw_bare_face"),
)
"""What is timed: a name, and the function it stands for; what a page does besides is `composition`."""
WITHOUT = (
    "commedia.render.shade_numpy.compiled_shading",
    "commedia.render.rasterize_numpy.compiled_zbuffer",
    "commedia.geometry.meshes._compiled_normals",
    "commedia.characters.posing._compiled_skin",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--character", type=Path, default=None)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    character = default_head_character() if options.character is None else open_character(options.character)
    rows, console = [], Console()
    with patch("os.cpu_count", lambda: 1):
        for people in PEOPLE:
            for style in STYLES:
                compiled = page_ms(people, style, character, options.repeats)
                with without_loops():
                    plain = page_ms(people, style, character, max(3, options.repeats // 4))
                rows += [_row(f"{style}, {people}: {stage}", plain[stage], compiled[stage]) for stage in compiled]
                if (people, style) == (2, "side"):
                    goal = Goal("a page of two people, drawn and encoded, ms", compiled["all"], GOAL_MS, at_most=True)
    columns = ("style, people: stage", "numpy ms", "compiled ms", "ratio")
    show(Table("preview", f"A page with {character.name}, median processor time", columns, rows, (), (goal,)), console)
    origin = origin_of([], seed=0)
    console.print(f"{origin.machine}; commit {origin.commit}; {origin.date}")


def page_ms(people: int, style: str, character: Character, repeats: int) -> dict[str, float]:
    """Milliseconds of each stage of a page, of its encoding, and of all."""
    moments = moving(scene(people, character), repeats + 1)
    drawn = PreviewPage(*SOURCE_PX, lambda face: character, style=style)
    drawn.draw(next(moments))
    spent: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder, timed_stages() as stages:
        file = VideoFile(Path(folder) / "a.mp4", drawn.layout.width, drawn.layout.height, Fraction(1, 25))
        for moment in moments:
            stages.clear()
            start = process_time()
            picture = drawn.draw(moment)
            between = process_time()
            file.add(picture, moment.tracked.time_s)
            file.wait()
            end = process_time()
            for stage, seconds in stages.items():
                spent[stage].append(seconds)
            spent["composition"].append(between - start - sum(stages.values()))
            spent["encode"].append(end - between)
            spent["all"].append(end - start)
        file.close()
    return {stage: median(seconds) * 1000 for stage, seconds in spent.items()}


@contextmanager
def timed_stages() -> Iterator[dict[str, float]]:
    """Sum up the processor time of each of `STAGES`, but for what a stage within it takes."""
    spent: dict[str, float] = defaultdict(float)
    inner: list[float] = []

    def timed(stage: str, work: Callable[..., object]) -> Callable[..., object]:
        def run(*given: object, **settings: object) -> object:
            inner.append(0.0)
            start = process_time()
            try:
                return work(*given, **settings)
            finally:
                took = process_time() - start
                spent[stage] += took - inner.pop()
                if inner:
                    inner[-1] += took

        return run

    patches = [patch.object(owner, name, timed(stage, getattr(owner, name))) for stage, owner, name in STAGES]
    for each in patches:
        each.start()
    try:
        yield spent
    finally:
        for each in patches:
            each.stop()


@contextmanager
def without_loops() -> Iterator[None]:
    """Draw as where numba is not installed."""
    patches = [patch(name, lambda: None) for name in WITHOUT]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


def scene(people: int, character: Character) -> Moment:
    """A noisy picture with so many faces side by side."""
    width, height = SOURCE_PX
    faces = []
    for index in range(people):
        center = np.array([(index + 0.5) * width / people, height / 2], dtype=np.float32)
        pose = HeadPose(np.array([1, 0, 0, 0], np.float32), center, min(0.4 * width / people, 0.35 * height) / 0.17)
        identity, expression = np.zeros(IDENTITY_COUNT, np.float32), np.zeros(EXPRESSION_COUNT, np.float32)
        params = FaceParams(identity, expression, pose)
        box, points = face_box_from_params(params), landmarks_from_params(params)
        faces.append(TrackedFace(index + 1, "tracked", box, params, points, 0.9))
    small = np.random.default_rng(0).integers(60, 120, (height // 8, width // 8, 3)).astype(np.uint8)
    image = cv2.resize(small, SOURCE_PX, interpolation=cv2.INTER_CUBIC)
    tracked = TrackedFrame(0, Fraction(0), tuple(faces))
    rest = np.array(character.rig.rest_weights, dtype=np.float64)
    no_turn = np.array([1.0, 0, 0, 0])
    poses = {face.id: RigPose(rest, no_turn, no_turn, no_turn) for face in faces}
    return Moment(Frame(np.asarray(image, np.uint8), 0, Fraction(0)), tracked, tracked, poses)


def moving(moment: Moment, count: int) -> Iterator[Moment]:
    """The same people in other poses: half of all morphs change, and the head turns."""
    rng = np.random.default_rng(0)
    for index in range(count):
        poses: Mapping[int, RigPose] = {
            person: replace(pose, weights=_moved(pose.weights, rng), head_wxyz=_turned(0.01 * (index % 20)))
            for person, pose in moment.poses.items()
        }
        tracked = replace(moment.tracked, index=index, time_s=Fraction(index, 25))
        yield Moment(moment.frame, tracked, tracked, poses)


def _moved(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    moved, chosen = weights.copy(), rng.permutation(len(weights))[: len(weights) // 2]
    moved[chosen] = rng.uniform(0, 0.5, len(chosen))
    return moved


def _turned(angle: float) -> np.ndarray:
    return np.array([np.cos(angle), 0, np.sin(angle), 0])


def _row(name: str, plain: float, compiled: float) -> tuple[str, float, float, float]:
    return name, plain, compiled, plain / max(compiled, 1e-3)


if __name__ == "__main__":
    main()
