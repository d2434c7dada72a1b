"""A 720p frame to the parameters of everyone in it: time per stage for 1 to 20 faces, beside MediaPipe in the same run.

    python benchmarks/bench_frame.py --faces ../shared/data/faces/lfw-000.tar \
        --mediapipe ../shared/data/models/face_landmarker_v2_with_blendshapes.task

Frames are composed of face pictures that move a little. Blocks of frames of ours, of MFN alone and of MediaPipe take
turns, so that a busy machine slows all alike; ratios are medians over the rounds. Frames are composed before any clock
runs. MediaPipe gives 478 points and 52 scores per face; ours gives identity, expression and pose.
"""

import io
import platform
import subprocess
import sys
import tarfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import onnxruntime
import tyro
from PIL import Image

import commedia.inference.predictor as predictor
from commedia.errors import UnknownName
from commedia.inference.predictor import MfnPredictor, SfnPredictor, open_mfn, open_sfn
from commedia.inference.session import DEFAULT_THREADS, Network
from commedia.inference.weights import DEFAULT_MFN, DEFAULT_SFN
from commedia.structures import Frame
from commedia.tracking.settings import TrackerSettings
from commedia.tracking.tracker import Tracker

HEIGHT, WIDTH, FPS = 720, 1280, 30
STAGES = ("resize", "MFN", "grid decode", "crops", "SFN", "SFN decode", "tracking")


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
    frames: int = 15
    """Frames per block; the first third warms up."""
    sfn: str = DEFAULT_SFN
    """Name of shipped weights, or an .onnx file."""
    mfn: str = DEFAULT_MFN
    threads: int = DEFAULT_THREADS
    detect_every: int = 1
    refine_budget: int = 4


class Clock:
    """Sums up time per stage."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function so that its time counts for a stage."""

        def run(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.spent[stage] += time.perf_counter() - start

        return run


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


def composed(pictures: list[np.ndarray], count: int, length: int) -> list[Frame]:
    """Spread `count` faces over 720p frames; each moves a few pixels like a person on a chair."""
    columns = min((c for c in range(1, count + 1) if c * -(-count // c)), key=lambda c: _waste(c, count))
    rows = -(-count // columns)
    side = int(min(WIDTH / columns, HEIGHT / rows) * 0.9)
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


class Ours:
    """The tracker with both networks, instrumented."""

    def __init__(self, arguments: Arguments):
        self.clock = Clock()
        sfn = open_sfn(arguments.sfn, threads=arguments.threads)
        mfn = open_mfn(arguments.mfn, threads=arguments.threads)
        self.mfn = mfn
        self.detector = replace(mfn, network=self._timed_network("MFN", mfn.network))
        self.regressor = replace(sfn, network=self._timed_network("SFN", sfn.network))
        self.settings = TrackerSettings(detect_every=arguments.detect_every, refine_budget=arguments.refine_budget)

    def _timed_network(self, stage: str, network: Network) -> Network:
        class Session:
            run = staticmethod(self.clock.timed(stage, network.session.run))

        return replace(network, session=Session())

    @contextmanager
    def instrumented(self) -> Iterator[None]:
        """Time the predictors' steps where they are called."""
        original = {name: getattr(predictor, name) for name in ("letterbox_image", "crop_image", "pixels_from_images")}
        planes = original["pixels_from_images"]
        of_crops, of_frame = self.clock.timed("crops", planes), self.clock.timed("resize", planes)
        size = self.detector.network.input_size
        predictor.letterbox_image = self.clock.timed("resize", original["letterbox_image"])
        predictor.crop_image = self.clock.timed("crops", original["crop_image"])
        predictor.pixels_from_images = lambda images: (of_frame if images.shape[1] == size else of_crops)(images)
        try:
            yield
        finally:
            for name, function in original.items():
                setattr(predictor, name, function)

    def play(self, frames: list[Frame]) -> tuple[float, dict[str, float], float]:
        """Return milliseconds per frame, the same per stage, and the faces found."""
        clock, warm = self.clock, len(frames) // 3
        tracker = Tracker(_Timed(clock, self.detector), _Timed(clock, self.regressor), self.settings)
        times, found = [], []
        with self.instrumented():
            for index, frame in enumerate(frames):
                if index == warm:
                    clock.spent.clear()
                start = time.perf_counter()
                tracked = tracker.step(frame)
                times.append(time.perf_counter() - start)
                found.append(len(tracked.faces))
        per_frame = 1e3 / (len(frames) - warm)
        spent = {stage: seconds * per_frame for stage, seconds in clock.spent.items()}
        total = sum(times[warm:]) * per_frame
        stages = {stage: spent.get(stage, 0.0) for stage in ("resize", "MFN", "crops", "SFN")}
        stages["grid decode"] = spent.get("detect", 0.0) - stages["resize"] - stages["MFN"]
        stages["SFN decode"] = spent.get("regress", 0.0) - stages["crops"] - stages["SFN"]
        stages["tracking"] = total - spent.get("detect", 0.0) - spent.get("regress", 0.0)
        return median(times[warm:]) * 1e3, stages, median(found[warm:])

    def play_detector(self, frames: list[Frame]) -> float:
        """Milliseconds per frame of MFN alone: picture to faces with landmarks."""
        return median(_durations(self.mfn.detect, [frame.image for frame in frames])[len(frames) // 3 :])


@dataclass
class _Timed:
    """A detector or regressor whose whole calls are timed."""

    clock: Clock
    inner: MfnPredictor | SfnPredictor

    def detect(self, image: np.ndarray) -> Any:
        return self.clock.timed("detect", self.inner.detect)(image)

    def regress(self, image: np.ndarray, crops: list) -> Any:
        return self.clock.timed("regress", self.inner.regress)(image, crops)


class MediaPipe:
    """The face landmarker in video mode, one instance per number of faces."""

    def __init__(self, model: Path):
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision

        self._image = lambda pixels: mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels)
        self.name = f"MediaPipe {mediapipe.__version__}"
        self._vision, self._base, self._model = vision, BaseOptions, model
        self._open: dict[int, tuple[Any, list[int]]] = {}

    def play(self, frames: list[Frame], count: int) -> tuple[float, float]:
        """Return milliseconds per frame and the faces found."""
        if count not in self._open:
            options = self._vision.FaceLandmarkerOptions(
                base_options=self._base(model_asset_path=str(self._model)),
                running_mode=self._vision.RunningMode.VIDEO,
                num_faces=count,
                output_face_blendshapes=True,
                output_facial_transformation_matrixes=True,
            )
            self._open[count] = self._vision.FaceLandmarker.create_from_options(options), [0]
        landmarker, clock_ms = self._open[count]
        found = []

        def read(pixels: np.ndarray) -> None:
            clock_ms[0] += 33
            found.append(len(landmarker.detect_for_video(self._image(pixels), clock_ms[0]).face_landmarks))

        times = _durations(read, [frame.image for frame in frames])
        warm = len(frames) // 3
        return median(times[warm:]), median(found[warm:])

    def close(self) -> None:
        for landmarker, _ in self._open.values():
            landmarker.close()


def _durations(function: Callable[[np.ndarray], Any], images: list[np.ndarray]) -> list[float]:
    times = []
    for image in images:
        start = time.perf_counter()
        function(image)
        times.append((time.perf_counter() - start) * 1e3)
    return times


def machine() -> str:
    """Name the processor, the cores, the versions and the commit."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    cores = sum(line.startswith("processor") for line in lines) or "?"
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    versions = f"Python {platform.python_version()}, onnxruntime {onnxruntime.__version__}, OpenCV {cv2.__version__}"
    return f"{model}, {cores} cores, {platform.system()}; {versions}; commit {commit or 'unknown'}"


def main(arguments: Arguments) -> None:
    """Measure and print."""
    try:
        ours = Ours(arguments)
    except UnknownName as missing:
        sys.exit(f"No weights to measure yet: {missing}. Give --sfn and --mfn an .onnx file.")
    theirs = MediaPipe(arguments.mediapipe) if arguments.mediapipe else None
    pictures = pictures_from(arguments.faces)
    takes = {count: composed(pictures, count, arguments.frames) for count in arguments.counts}
    results: dict[int, list[tuple]] = defaultdict(list)
    for done in range(arguments.rounds + 1):
        for count, frames in takes.items():
            row = (*ours.play(frames), ours.play_detector(frames), theirs.play(frames, count) if theirs else None)
            if done:  # The first round only warms up.
                results[count].append(row)
    report(arguments, results, theirs.name if theirs else "")
    if theirs:
        theirs.close()


def report(arguments: Arguments, results: dict[int, list[tuple]], other: str) -> None:
    """Print the tables."""
    print(machine())
    print(f"720p, {arguments.threads} threads, detect every {arguments.detect_every}, refine {arguments.refine_budget}")
    print(f"{arguments.rounds} rounds of {arguments.frames} frames; milliseconds per frame, median over rounds\n")
    heads = ["faces", "found", "total", *STAGES, "MFN alone", *([f"{other} (found)", "ratio"] if other else [])]
    print("| " + " | ".join(heads) + " |\n|" + " --: |" * len(heads))
    for count, rows in results.items():
        cells = [str(count), f"{median(row[2] for row in rows):.0f}", f"{median(row[0] for row in rows):.1f}"]
        cells += [f"{median(row[1][stage] for row in rows):.2f}" for stage in STAGES]
        cells.append(f"{median(row[3] for row in rows):.2f}")
        if other:
            cells.append(f"{median(row[4][0] for row in rows):.1f} ({median(row[4][1] for row in rows):.0f})")
            cells.append(f"{median(row[0] / row[4][0] for row in rows):.2f}")
        print("| " + " | ".join(cells) + " |")
    first, last = min(results), max(results)
    for label, column in (("MFN alone", 3), ("with refinement and tracking", 0)):
        ratio = median(b[column] / a[column] for a, b in zip(results[first], results[last], strict=True))
        print(f"\n{label}: t({last} faces) / t({first}) = {ratio:.2f}")


if __name__ == "__main__":
    main(tyro.cli(Arguments))
