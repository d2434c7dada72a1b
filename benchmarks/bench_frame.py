"""A 720p frame to the parameters of everyone in it: time per stage for 1 to 20 faces, beside MediaPipe in the same run.

    python benchmarks/bench_frame.py --faces ../shared/data/faces/lfw-000.tar \
        --mediapipe ../shared/data/models/face_landmarker_v2_with_blendshapes.task

With `--before-sfn` and `--before-mfn` an older pair of weights takes its turns too, and the ratio of both is printed:

    python benchmarks/bench_frame.py --faces LFW.tar --counts 1 20 --before-sfn OLD_SFN.onnx --before-mfn OLD_MFN.onnx

Weights may be of another head here: their points are then wrong by a little and their time is right.

Frames are composed of face pictures that move a little. Blocks of frames of ours, of MFN alone and of MediaPipe take
turns, so that a busy machine slows all alike. A frame with the detector costs several times one without, so means say
what a video costs and medians what its usual frame does; the ratio is that of the means of one round, median over the
rounds. Frames are composed before any clock runs. MediaPipe gives 478 points and 52 scores per face; ours gives
identity, expression and pose.
"""

import io
import platform
import subprocess
import sys
import tarfile
from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import NamedTuple

import cv2
import numpy as np
import onnxruntime
import tyro
from frame_programs import STAGES, Block, MediaPipe, Ours, any_head
from PIL import Image

from commedia.errors import UnknownName
from commedia.faces.embedding import open_embedding
from commedia.faces.mfn import open_mfn
from commedia.faces.session import DEFAULT_THREADS
from commedia.faces.sfn import open_sfn
from commedia.faces.weights import DEFAULT_MFN, DEFAULT_SFN
from commedia.structures import Frame
from commedia.tracking.likeness import MOST_LOOKS
from commedia.tracking.models import FAINT_CONFIDENCE
from commedia.tracking.settings import VIDEO_SETTINGS

HEIGHT, WIDTH, FPS = 720, 1280, 30
HALF_MINUTE = 30 * FPS
GOAL_OF_BEFORE, GOAL_GROWTH = 0.7, 2.2
"""Most time of one face over that with older weights, and of twenty faces with refinement over one."""


@dataclass(frozen=True)
class Arguments:
    """What to measure."""

    faces: Path | None = None
    """Folder or tar of face pictures; without it the astronaut of scikit-image is used."""
    mediapipe: Path | None = None
    """Model file of MediaPipe's face landmarker; without it only ours is measured."""
    counts: tuple[int, ...] = (1, 2, 5, 10, 20)
    """Faces per frame."""
    rounds: int = 7
    """Each round plays every count once with each program."""
    frames: int = 18
    """Frames per block; the first third warms up. The others should be a multiple of `detect_every`."""
    sfn: str = DEFAULT_SFN
    """Name of shipped weights, or an .onnx file."""
    mfn: str = DEFAULT_MFN
    before_sfn: str | None = None
    """Older weights to measure beside; by default `sfn`, where only `before_mfn` is given."""
    before_mfn: str | None = None
    threads: int = DEFAULT_THREADS
    detect_every: int = VIDEO_SETTINGS.detect_every
    """1 runs the detector on every frame."""
    refine_budget: int = VIDEO_SETTINGS.refine_budget
    tiled: bool = True
    """Look closer for small faces, as the pipeline does."""
    largest_px: int = HEIGHT
    """Side of a face's picture at most; at 100 a face of LFW is some 45 px wide, which the pipeline calls small."""
    embedding: bool = True
    """Tell people apart by their looks, as the pipeline does. A block shows everybody's first second, with two looks
    at each after the warm-up; later they become rare, twelve in the first half minute and none after it."""


class Round(NamedTuple):
    """One block of each program over the same frames."""

    ours: Block
    mfn: Block
    theirs: Block | None
    before: Block | None


def pictures_from(path: Path | None) -> list[np.ndarray]:
    """Load up to 20 RGB face pictures."""
    if path is None:
        from skimage.data import astronaut

        return [astronaut()[0:250, 100:350]]
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in (".jpg", ".jpeg", ".png"))[:20]
        return [np.asarray(Image.open(file).convert("RGB")) for file in files]
    pictures = []
    with tarfile.open(path) as tar:
        for member in tar:
            if member.name.endswith(".jpg"):
                pictures.append(np.asarray(Image.open(io.BytesIO(tar.extractfile(member).read())).convert("RGB")))
            if len(pictures) == 20:
                break
    return pictures


def composed(pictures: list[np.ndarray], count: int, length: int, largest_px: int) -> list[Frame]:
    """Spread `count` faces over 720p frames; each moves a few pixels like a person on a chair."""
    columns = min((c for c in range(1, count + 1) if c * -(-count // c)), key=lambda c: _waste(c, count))
    rows = -(-count // columns)
    side = min(int(min(WIDTH / columns, HEIGHT / rows) * 0.9), largest_px)
    tiles = [cv2.resize(pictures[n % len(pictures)], (side, side), interpolation=cv2.INTER_AREA) for n in range(count)]
    frames = []
    for index in range(length):
        image = np.full((HEIGHT, WIDTH, 3), 120, dtype=np.uint8)
        for number, tile in enumerate(tiles):
            x = int(WIDTH * (number % columns + 0.5) / columns - side / 2 + 0.03 * side * np.sin(0.2 * index + number))
            y = int(HEIGHT * (number // columns + 0.5) / rows - side / 2 + 0.03 * side * np.cos(0.15 * index + number))
            image[y : y + side, x : x + side] = tile
        frames.append(Frame(image, index, Fraction(index, FPS)))
    return frames


def _waste(columns: int, count: int) -> float:
    return -min(WIDTH / columns, HEIGHT / -(-count // columns))


def machine() -> str:
    """Name the processor, the cores, the versions and the commit."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    cores = sum(line.startswith("processor") for line in lines) or "?"
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    versions = f"Python {platform.python_version()}, onnxruntime {onnxruntime.__version__}, OpenCV {cv2.__version__}"
    return f"{model}, {cores} cores, {platform.system()}; {versions}; commit {commit or 'unknown'}"


def opened(arguments: Arguments, sfn_name: str, mfn_name: str) -> Ours:
    """Open a pair of our networks as the pipeline does, whatever head they are of."""
    with any_head():
        sfn = open_sfn(sfn_name, threads=arguments.threads)
        mfn = open_mfn(mfn_name, threads=arguments.threads, threshold=FAINT_CONFIDENCE)
    settings = replace(VIDEO_SETTINGS, detect_every=arguments.detect_every, refine_budget=arguments.refine_budget)
    embedder = open_embedding(threads=arguments.threads) if arguments.embedding else None
    return Ours(sfn, mfn, embedder, settings, tiled=arguments.tiled)


def opened_before(arguments: Arguments) -> Ours | None:
    """Open the older pair, if one of it is named."""
    if arguments.before_sfn is None and arguments.before_mfn is None:
        return None
    return opened(arguments, arguments.before_sfn or arguments.sfn, arguments.before_mfn or arguments.mfn)


def main(arguments: Arguments) -> None:
    """Measure and print; exits with 1 when a goal is missed."""
    try:
        ours, before = opened(arguments, arguments.sfn, arguments.mfn), opened_before(arguments)
    except UnknownName as missing:
        sys.exit(f"No weights to measure yet: {missing}. Give --sfn and --mfn an .onnx file.")
    theirs = MediaPipe(arguments.mediapipe) if arguments.mediapipe else None
    pictures = pictures_from(arguments.faces)
    takes = {count: composed(pictures, count, arguments.frames, arguments.largest_px) for count in arguments.counts}
    results: dict[int, list[Round]] = defaultdict(list)
    for done in range(arguments.rounds + 1):
        for count, frames in takes.items():
            played = Round(
                ours=ours.play(frames),
                mfn=ours.play_detector(frames),
                theirs=theirs.play(frames, count) if theirs else None,
                before=before.play(frames) if before else None,
            )
            if done:  # The first round only warms up.
                results[count].append(played)
    report(arguments, results, theirs.name if theirs else "")
    if ours.look_s:
        each = 1e3 * median(ours.look_s)
        print(f"\none look at one face: {each:.1f} ms of processor time, median;", end=" ")
        print(f"{MOST_LOOKS} in half a minute: {MOST_LOOKS * each / HALF_MINUTE:.2f} ms a frame")
    if theirs:
        theirs.close()
    sys.exit(0 if goals_met(results) else 1)


def report(arguments: Arguments, results: dict[int, list[Round]], other: str) -> None:
    """Print the tables."""
    print(machine())
    print(f"720p, {arguments.threads} threads, detect every {arguments.detect_every}, refine {arguments.refine_budget}")
    print(f"{arguments.rounds} rounds of {arguments.frames} frames; milliseconds per frame, median over rounds;")
    print("stages and MFN alone are means\n")
    heads = ["faces", "found", "mean", "median", *STAGES, "MFN alone"]
    heads += [f"{other} mean", "median", "found", "ratio of means"] if other else []
    heads += ["before: mean", "median", "SFN", "MFN", "found", "ratio of means"] if is_compared(results) else []
    print("| " + " | ".join(heads) + " |\n|" + " --: |" * len(heads))
    for count, rounds in results.items():
        print("| " + " | ".join([str(count), *cells(rounds)]) + " |")
    first, last = min(results), max(results)
    for label, of in (("MFN alone", lambda played: played.mfn), ("with tracking", lambda played: played.ours)):
        growth = median(of(b).mean / of(a).mean for a, b in zip(results[first], results[last], strict=True))
        print(f"\n{label}: t({last} faces) / t({first}) = {growth:.2f}")


def is_compared(results: dict[int, list[Round]]) -> bool:
    """Say whether older weights took part."""
    return any(played.before for rounds in results.values() for played in rounds)


def goals_met(results: dict[int, list[Round]]) -> bool:
    """Print the two goals: one face against older weights, and twenty faces against one."""
    met = True
    first, last = min(results), max(results)
    if is_compared(results) and first == 1:
        ratio = median(played.ours.mean / played.before.mean for played in results[first] if played.before)
        met &= ratio <= GOAL_OF_BEFORE
        goal = verdict(ratio, GOAL_OF_BEFORE)
        print(f"\none face, mean over before's: {ratio:.2f}, goal <= {GOAL_OF_BEFORE}: {goal}")
    if (first, last) == (1, 20):
        growth = median(b.ours.mean / a.ours.mean for a, b in zip(results[first], results[last], strict=True))
        met &= growth <= GOAL_GROWTH
        print(f"\n20 faces over one face: {growth:.2f}, goal <= {GOAL_GROWTH}: {verdict(growth, GOAL_GROWTH)}")
    return met


def verdict(value: float, bound: float) -> str:
    """Say whether a goal is met."""
    return "met" if value <= bound else "NOT met"


def cells(rounds: list[Round]) -> list[str]:
    """Write one row, but for the number of faces."""
    ours = [played.ours for played in rounds]
    row = [f"{median(of.found for of in ours):.0f}"]
    row += [f"{median(of.mean for of in ours):.1f}", f"{median(of.median for of in ours):.1f}"]
    row += [f"{median(of.stages[stage] for of in ours):.2f}" for stage in STAGES]
    row.append(f"{median(played.mfn.mean for played in rounds):.2f}")
    pairs = [(played.ours, played.theirs) for played in rounds if played.theirs]
    if pairs:
        row += [f"{median(of.mean for _, of in pairs):.1f}", f"{median(of.median for _, of in pairs):.1f}"]
        row.append(f"{median(of.found for _, of in pairs):.0f}")
        row.append(f"{median(mine.mean / of.mean for mine, of in pairs):.2f}")
    older = [(played.ours, played.before) for played in rounds if played.before]
    if older:
        row += [f"{median(of.mean for _, of in older):.1f}", f"{median(of.median for _, of in older):.1f}"]
        row += [f"{median(of.stages[stage] for _, of in older):.2f}" for stage in ("SFN", "MFN")]
        row.append(f"{median(of.found for _, of in older):.0f}")
        row.append(f"{median(mine.mean / of.mean for mine, of in older):.2f}")
    return row


if __name__ == "__main__":
    main(tyro.cli(Arguments))
