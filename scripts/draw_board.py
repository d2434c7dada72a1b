"""Draw what two trackings make of the same moments of clips: the actor, the character before, the character after.

python scripts/draw_board.py take DATA/clips/*.mp4 --data DATA --teacher-cache CACHE --out BEFORE
python scripts/draw_board.py draw BEFORE AFTER --data DATA --teacher-cache CACHE --output board.jpg

`take` writes a JSON file a clip, and runs on any checkout, so that older weights are read by their own code and head:
what is read of the actor, with smoothing, from 1.5 s before each moment. `draw` plays both on today's head: BEFORE as
it was read, AFTER as `retarget` plays what it reads.
Moments are chosen by MediaPipe's readings, the same in every run. `draw` shows the outlines of MediaPipe's points;
`--photographs` shows the actors, which is for your own eyes where a clip may not be passed on.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES, IDENTITY_COUNT
from commedia.errors import CommediaError
from commedia.evaluation.mediapipe import ClipReading, read_clip
from commedia.evaluation.sheets import BACKDROP, Stage, write_sheet
from commedia.geometry.placement import fixed_point
from commedia.sources.open import open_frames
from commedia.structures import Box, FaceParams, HeadPose, TrackedFace
from commedia.tracking.models import open_models
from commedia.tracking.tracker import Tracker

LANDMARKER = "face_landmarker_v2_with_blendshapes.task"
BLENDSHAPES = {
    "blink": ("eyeBlinkLeft", "eyeBlinkRight"), "smile": ("mouthSmileLeft", "mouthSmileRight"), "jaw": ("jawOpen",),
    "brows up": ("browInnerUp",), "brows down": ("browDownLeft", "browDownRight"), "pucker": ("mouthPucker",),
    "funnel": ("mouthFunnel",), "mouth left": ("mouthLeft",), "mouth right": ("mouthRight",),
}  # fmt: skip
"""By kind of moment, blendshapes of which the weaker one counts."""
SOUGHT = (("blink",), ("smile",), ("jaw",), tuple(BLENDSHAPES)[3:])
"""Four moments a clip: the strongest of each of these kinds."""
CLEAR = 0.3
"""MediaPipe's least score of such a moment; without one the face at rest takes its place."""
APART = 5
"""Frames between two moments, and before the first."""
SETTLE_S = Fraction(3, 2)
"""How long the tracker sees the actor before a moment."""
LINES = ((0, 17), (17, 22), (22, 27), (27, 31), (31, 36), (36, 42), (42, 48), (48, 60), (60, 68))
RINGS = LINES[5:]
"""The iBUG-68 points as lines; those of eyes and lips are closed."""


@dataclass(frozen=True)
class Shown:
    """A moment, and what was tracked in it; None where nobody was."""

    moment: str
    frame: int
    expression: list[float] | None = None
    wxyz: list[float] | None = None


def strength(moment: str, expressions: Float[np.ndarray, "n 52"]) -> Float[np.ndarray, " n"]:
    """How strongly faces do this, 0 to 1; of `rest`, one less the mean over all but gaze."""
    if moment == "rest":
        kept = [not name.startswith("eyeLook") for name in EXPRESSION_NAMES]
        return 1 - expressions[:, kept].mean(axis=1)
    return expressions[:, [EXPRESSION_INDEX[name] for name in BLENDSHAPES[moment]]].min(axis=1)


def moments(scores: Float[np.ndarray, "n 52"]) -> list[Shown]:
    """Choose four frames by MediaPipe's scores; rows of NaN are frames without a face."""
    free = np.isfinite(scores[:, 0])
    free[:APART] = False
    chosen = []
    for kinds in SOUGHT:
        values = {kind: np.where(free, strength(kind, scores), -1.0) for kind in (*kinds, "rest")}
        best = max(kinds, key=lambda kind: values[kind].max())
        moment = best if values[best].max() >= CLEAR else "rest"
        frame = int(values[moment].argmax())
        free[max(0, frame - APART) : frame + APART + 1] = False
        chosen.append(Shown(moment, frame))
    return chosen


def happening(reading: ClipReading) -> float:
    """How much a clip shows: the sum of its moments' scores, faces at rest left out; 0 where hardly anybody is."""
    if not reading.shows_somebody or reading.seen.sum() < 10 * APART:
        return 0.0
    chosen = [shown for shown in moments(reading.scores) if shown.moment != "rest"]
    return float(sum(strength(shown.moment, reading.scores)[shown.frame] for shown in chosen))


def followed(path: Path, chosen: list[Shown], tracker: Tracker) -> list[Shown]:
    """Track the actor of one clip up to each moment; moments that are near each other in one go."""
    faces, last = {}, -2
    with open_frames(path) as source:
        settle = round(source.info.frame_rate * SETTLE_S)
        wanted = {frame for shown in chosen for frame in range(shown.frame - settle, shown.frame + 1) if frame >= 0}
        for frame in islice(source, max(wanted) + 1):
            if frame.index not in wanted:
                continue
            if frame.index != last + 1:
                tracker.reset()
            seen, last = tracker.step(frame.image, frame.time_s).faces, frame.index
            faces[last] = max(seen, key=lambda face: (face.status == "tracked", face.box.width_px), default=None)
    said = {index: _numbers(face.params) for index, face in faces.items() if face is not None}
    return [replace(shown, **said.get(shown.frame, {})) for shown in chosen]


def _numbers(params: FaceParams) -> dict[str, list[float]]:
    parts = {"expression": params.expression, "wxyz": params.pose.wxyz}
    return {name: part.astype(float).round(4).tolist() for name, part in parts.items()}


def take(given: argparse.Namespace) -> None:
    """Track the clips in which most happens; one JSON file each."""
    readings = {path: read_clip(path, given.data / "models" / LANDMARKER, given.teacher_cache) for path in given.files}
    most = sorted(readings, key=lambda path: (-happening(readings[path]), path.name))[: given.count]
    tracker = Tracker(open_models(given.mfn, given.sfn))
    given.out.mkdir(parents=True, exist_ok=True)
    for path in most:
        rows = [asdict(shown) for shown in followed(path, moments(readings[path].scores), tracker)]
        said = {"clip": path.name, "sfn": given.sfn, "mfn": given.mfn, "moments": rows}
        (given.out / f"{path.stem}.json").write_text(json.dumps(said) + "\n")
        print(f"{happening(readings[path]):.2f} {path.name}", *(f"{row['moment']} {row['frame']}" for row in rows))


def draw(given: argparse.Namespace) -> None:
    """Draw every clip that both folders hold, a row each."""
    names = sorted(path.name for path in given.before.glob("*.json") if (given.after / path.name).is_file())
    if not names:
        raise CommediaError(f"no clip was taken in both '{given.before}' and '{given.after}'")
    stage, tiles = Stage(150), []
    for name in names:
        path, before, after = _taken(given.data / "clips", given.before / name, given.after / name)
        after = [_played(shown) for shown in after]
        reading = read_clip(path, given.data / "models" / LANDMARKER, given.teacher_cache)
        kept = {shown.frame for shown in before}
        with open_frames(path) as source:
            frames = {frame.index: frame.image for frame in islice(source, max(kept) + 1) if frame.index in kept}
        for both in zip(before, after, strict=True):
            frame = both[0].frame
            points = reading.points_px[frame]
            actor = stage.actor(frames[frame], points) if given.photographs else outlined(points, stage)
            tiles.append(_tile(stage, actor, both, f"{path.stem} {frame}", reading.scores[frame].tolist()))
    write_sheet(given.output, tiles, columns=len(SOUGHT))


def _taken(clips: Path, *files: Path) -> tuple[Path, list[Shown], list[Shown]]:
    said = [json.loads(file.read_text()) for file in files]
    before, after = ([Shown(**row) for row in part["moments"]] for part in said)
    if [(shown.moment, shown.frame) for shown in before] != [(shown.moment, shown.frame) for shown in after]:
        raise CommediaError(f"'{files[0]}' and '{files[1]}' hold different moments; take both by the same readings")
    return clips / said[0]["clip"], before, after


def _played(shown: Shown) -> Shown:
    from commedia.retarget.strength import READ_STRENGTH, strengthened  # `take` runs on checkouts without

    if shown.expression is None:
        return shown
    return replace(shown, expression=strengthened(np.array(shown.expression), READ_STRENGTH).tolist())


def _tile(stage: Stage, actor: np.ndarray, both: tuple[Shown, ...], title: str, theirs: list[float]) -> np.ndarray:
    nobody = [float("nan")] * len(theirs)
    rows = np.array([theirs, *(shown.expression or nobody for shown in both)])
    values = strength(both[0].moment, rows)
    below = "{}: MediaPipe {:.2f}, before {:.2f}, after {:.2f}".format(both[0].moment, *values)
    return stage.labelled([actor, *(stage.character(_face(shown)) for shown in both)], title, below)


def _face(shown: Shown) -> TrackedFace | None:
    """What was tracked, on the mean head."""
    if shown.expression is None:
        return None
    pose = HeadPose(np.array(shown.wxyz, np.float32), np.zeros(2, np.float32), 1.0)
    params = FaceParams(np.zeros(IDENTITY_COUNT, np.float32), np.array(shown.expression, np.float32), pose)
    return TrackedFace(1, "tracked", Box(0, 0, 1, 1), params, np.zeros((68, 2), np.float32), 1.0)


def outlined(points: Float[np.ndarray, "68 2"], stage: Stage) -> UInt8[np.ndarray, "s s 3"]:
    """Points to lines, where `Stage.actor` shows the face."""
    around = stage.around(points)
    picture = np.full((stage.side_px, stage.side_px, 3), BACKDROP, dtype=np.uint8)
    places = ((points - around.center_px) / around.side_px + 0.5) * stage.side_px
    for ends in LINES:
        line = fixed_point(places[slice(*ends)], 4)
        cv2.polylines(picture, [line], ends in RINGS, (230, 232, 236), 1, cv2.LINE_AA, shift=4)
    return picture


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    taking, drawing = verbs.add_parser("take"), verbs.add_parser("draw")
    taking.add_argument("files", nargs="+", type=Path)
    taking.add_argument("--sfn", default="sfn-desktop", help="name or file; likewise --mfn")
    taking.add_argument("--mfn", default="mfn-desktop")
    taking.add_argument("--count", type=int, default=12, help="how many clips, those in which most happens")
    taking.add_argument("--out", type=Path, required=True)
    drawing.add_argument("before", type=Path)
    drawing.add_argument("after", type=Path)
    drawing.add_argument("--photographs", action="store_true", help="show the actors, not lines")
    drawing.add_argument("-o", "--output", type=Path, required=True)
    for verb, work in ((taking, take), (drawing, draw)):
        verb.set_defaults(work=work)
        verb.add_argument("--data", type=Path, required=True, help="folder of clips/ and models/")
        verb.add_argument("--teacher-cache", type=Path, required=True, help="as of 'commedia evaluate clips'")
    given = parser.parse_args()
    try:
        given.work(given)
    except CommediaError as error:
        print(f"draw_board: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
