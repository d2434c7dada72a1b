"""How long the preview takes: the rasteriser, one head, whole pages, and writing them.

    python benchmarks/bench_preview.py [--repeats 20]

Numbers are medians of processor time, so that a busy machine disturbs them little.
The aim is a 9,600-triangle head at 360 px in less than 40 ms.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from statistics import median
from time import process_time

import cv2
import numpy as np
from rich.console import Console

from commedia.characters.character import Character
from commedia.characters.default_head import default_head_character
from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.evaluation.report import Goal, Table, origin_of, show
from commedia.face_model.landmarks import face_box_from_params, landmarks_from_params
from commedia.face_model.model import load_head
from commedia.outputs.preview.page import PreviewPage
from commedia.outputs.preview.writer import PreviewSink
from commedia.outputs.sink import StreamInfo
from commedia.render.rasterize_numpy import rasterize
from commedia.render.scene import Surface, framing_view
from commedia.render.shade_numpy import render_mesh
from commedia.retarget.cast import Cast
from commedia.sources.source import MediaInfo
from commedia.structures import FaceParams, Frame, HeadPose, Moment, RigPose, TrackedFace, TrackedFrame

NO_TURN = np.array([1.0, 0, 0, 0])
HEAD_PX = 360
HEAD_GOAL_MS = 40.0
PEOPLE = (1, 2, 6)
SOURCE_PX = (1280, 720)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    cv2.setNumThreads(1)
    rows = [*head_rows(repeats), *page_rows(repeats)]
    once = next(milliseconds for name, milliseconds in rows if name.startswith("rasterise and shade"))
    goal = Goal("one head, rasterised and shaded, ms", once, HEAD_GOAL_MS, at_most=True)
    console = Console()
    show(Table("preview", "Preview, median processor time", ("step", "ms"), tuple(rows), (), (goal,)), console)
    origin = origin_of([], seed=0)
    console.print(f"{origin.machine}; commit {origin.commit}; {origin.date}")


def head_rows(repeats: int) -> list[tuple[str, float]]:
    """The mean head alone."""
    model = load_head().model
    size = f"{len(model.triangles):,} triangles, {HEAD_PX} px"
    view = framing_view(model.mean, HEAD_PX, HEAD_PX)
    pixels = model.mean * np.array([1, -1, 1]) * view.px_per_unit
    pixels[:, 0] += HEAD_PX / 2 - view.center[0] * view.px_per_unit
    pixels[:, 1] += HEAD_PX / 2 + view.center[1] * view.px_per_unit
    surface = Surface(model.mean, model.triangles, colours=np.full(model.mean.shape, 0.7))
    return [
        (f"rasterise, {size}", timed(lambda: rasterize(pixels, model.triangles, HEAD_PX, HEAD_PX), repeats)),
        (f"rasterise and shade, {size}", timed(lambda: render_mesh(surface, view, supersample=1), repeats)),
        (f"the same, supersampled twice, {size}", timed(lambda: render_mesh(surface, view), repeats)),
    ]


def page_rows(repeats: int) -> list[tuple[str, float]]:
    """Whole pages for a few people, without and with writing them to a video."""
    character = default_head_character()
    rows = []
    for people in PEOPLE:
        page = PreviewPage(*SOURCE_PX, lambda face: character)
        moment = scene(people, character)
        rows.append((f"page, {people} people", timed(lambda: page.draw(moment), repeats)))  # noqa: B023
    rows.append((f"page and file, {PEOPLE[-1]} people", written_ms(character, repeats)))
    return rows


def written_ms(character: Character, repeats: int) -> float:
    """Milliseconds per page of a video file."""
    info = MediaInfo(*SOURCE_PX, Fraction(25), repeats, is_still=False)
    moment = scene(PEOPLE[-1], character)
    with tempfile.TemporaryDirectory() as folder:
        start = process_time()
        sink = PreviewSink(Path(folder))
        sink.open(StreamInfo(Path("clip.mp4"), info, Cast(character)))
        for index in range(repeats):
            sink.send(replace(moment, tracked=replace(moment.tracked, index=index, time_s=Fraction(index, 25))))
        sink.close()
        return (process_time() - start) / repeats * 1000


def scene(people: int, character: Character) -> Moment:
    """A grey picture with so many faces side by side."""
    width, height = SOURCE_PX
    faces = []
    for index in range(people):
        center = np.array([(index + 0.5) * width / people, height / 2], dtype=np.float32)
        pose = HeadPose(NO_TURN.astype(np.float32), center, 0.6 * width / people / 0.17)
        identity, expression = np.zeros(IDENTITY_COUNT, np.float32), np.zeros(EXPRESSION_COUNT, np.float32)
        params = FaceParams(identity, expression, pose)
        box, points = face_box_from_params(params), landmarks_from_params(params)
        faces.append(TrackedFace(index + 1, "tracked", box, params, points, 0.9))
    weights = np.array(character.rig.rest_weights, dtype=np.float64)
    poses = {face.id: RigPose(weights, NO_TURN, NO_TURN, NO_TURN) for face in faces}
    image = np.full((height, width, 3), 90, dtype=np.uint8)
    tracked = TrackedFrame(0, Fraction(0), tuple(faces))
    return Moment(Frame(image, 0, Fraction(0)), tracked, tracked, poses)


def timed(work: Callable[[], object], repeats: int) -> float:
    """Median milliseconds, after one run that fills what is remembered."""
    work()
    durations = []
    for _ in range(repeats):
        start = process_time()
        work()
        durations.append(process_time() - start)
    return median(durations) * 1000


if __name__ == "__main__":
    main()
