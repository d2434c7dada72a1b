"""The programs that `bench_frame.py` compares, and the clocks on them: our tracker, MFN alone, MediaPipe."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

import numpy as np

import commedia.faces.mfn as mfn_module
import commedia.faces.session as session_module
import commedia.faces.sfn as sfn_module
from commedia.faces.embedding import EmbeddingPredictor
from commedia.faces.mfn import MfnPredictor
from commedia.faces.session import OnnxSession
from commedia.faces.sfn import SfnPredictor
from commedia.faces.tiled import TiledDetector
from commedia.structures import Frame
from commedia.tracking.models import Models
from commedia.tracking.settings import TrackerSettings
from commedia.tracking.tracker import Tracker

STAGES = ("resize", "MFN", "grid decode", "crops", "SFN", "SFN decode", "embedding", "tracking")


@contextmanager
def any_head() -> Iterator[None]:
    """Let networks be opened that were trained for another head: what they cost does not depend on it."""
    original = session_module.check_metadata
    session_module.check_metadata = lambda *_, **__: None
    try:
        yield
    finally:
        session_module.check_metadata = original


class Block(NamedTuple):
    """What a program did with the frames after the warm-up, in milliseconds per frame."""

    mean: float
    median: float
    found: float
    """Faces per frame."""
    stages: dict[str, float]
    """Means."""


def block(seconds: list[float], found: list[int], stages: dict[str, float] | None = None) -> Block:
    """Sum up a block whose first third warmed up."""
    times, warm = [1e3 * second for second in seconds], len(seconds) // 3
    return Block(mean(times[warm:]), median(times[warm:]), median(found[warm:]), stages or {})


def _played(count_faces: Callable[[np.ndarray], int], frames: list[Frame]) -> Block:
    times, found = [], []
    for frame in frames:
        start = time.perf_counter()
        found.append(count_faces(frame.image))
        times.append(time.perf_counter() - start)
    return block(times, found)


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


class Ours:
    """The tracker with its networks, instrumented."""

    def __init__(
        self,
        sfn: SfnPredictor,
        mfn: MfnPredictor,
        embedder: EmbeddingPredictor | None,
        settings: TrackerSettings,
        *,
        tiled: bool,
    ):
        self.clock, self.mfn, self.embedder, self.settings, self.tiled = Clock(), mfn, embedder, settings, tiled
        self.look_s: list[float] = []
        """Processor time of every look at one face."""
        self.detector = replace(mfn, network=self._timed_network("MFN", mfn.network))
        self.regressor = replace(sfn, network=self._timed_network("SFN", sfn.network))

    def _timed_network(self, stage: str, network: OnnxSession) -> OnnxSession:
        class Session:
            run = staticmethod(self.clock.timed(stage, network.session.run))

        return replace(network, session=Session())

    @contextmanager
    def instrumented(self) -> Iterator[None]:
        """Time the predictors' steps where they are called."""
        steps = [
            (mfn_module, "letterbox_image", "resize"),
            (mfn_module, "pixels_from_images", "resize"),
            (sfn_module, "crop_image", "crops"),
            (sfn_module, "pixels_from_images", "crops"),
        ]
        original = [getattr(module, name) for module, name, _ in steps]
        for (module, name, stage), function in zip(steps, original, strict=True):
            setattr(module, name, self.clock.timed(stage, function))
        try:
            yield
        finally:
            for (module, name, _), function in zip(steps, original, strict=True):
                setattr(module, name, function)

    def play(self, frames: list[Frame]) -> Block:
        """Track everyone, from the first frame on."""
        clock, warm = self.clock, len(frames) // 3
        detector = _Timed(clock, self.detector)
        tiled = TiledDetector(detector) if self.tiled else None
        models = Models(detector, _Timed(clock, self.regressor), tiled)
        if self.embedder:
            models = replace(models, embedder=_Looking(clock, self.embedder, self.look_s))
        tracker = Tracker(models, self.settings)
        times, found = [], []
        with self.instrumented():
            for index, frame in enumerate(frames):
                if index == warm:
                    clock.spent.clear()
                start = time.perf_counter()
                tracked = tracker.step(frame.image, frame.time_s)
                times.append(time.perf_counter() - start)
                found.append(len(tracked.faces))
        return block(times, found, self._stages(mean(times[warm:]) * 1e3, len(frames) - warm))

    def _stages(self, total: float, count: int) -> dict[str, float]:
        """Means of what the clock summed up over `count` frames; what is nobody's is the tracker's."""
        spent = {stage: 1e3 * seconds / count for stage, seconds in self.clock.spent.items()}
        stages = {stage: spent.get(stage, 0.0) for stage in ("resize", "MFN", "crops", "SFN")}
        stages["grid decode"] = spent.get("detect", 0.0) - stages["resize"] - stages["MFN"]
        stages["SFN decode"] = spent.get("regress", 0.0) - stages["crops"] - stages["SFN"]
        stages["embedding"] = spent.get("embed", 0.0)
        stages["tracking"] = total - sum(spent.get(call, 0.0) for call in ("detect", "regress", "embed"))
        return stages

    def play_detector(self, frames: list[Frame]) -> Block:
        """MFN alone, on every frame: picture to faces with landmarks."""
        return _played(lambda image: len(self.mfn.detect(image)), frames)


@dataclass
class _Timed:
    """A detector or regressor whose whole calls are timed."""

    clock: Clock
    inner: MfnPredictor | SfnPredictor

    def detect(self, image: np.ndarray) -> Any:
        return self.clock.timed("detect", self.inner.detect)(image)

    def regress(self, image: np.ndarray, crops: list) -> Any:
        return self.clock.timed("regress", self.inner.regress)(image, crops)


@dataclass
class _Looking:
    """An embedder whose calls are timed, also by face."""

    clock: Clock
    inner: EmbeddingPredictor
    look_s: list[float]

    def embed(self, image: np.ndarray, landmarks_px: Any) -> np.ndarray:
        start = time.process_time()
        found = self.clock.timed("embed", self.inner.embed)(image, landmarks_px)
        self.look_s += [(time.process_time() - start) / len(landmarks_px)] * len(landmarks_px)
        return found


class MediaPipe:
    """The face landmarker in video mode, one instance per number of faces."""

    def __init__(self, model: Path):
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision

        self._image = lambda pixels: mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels)
        self.name = f"MediaPipe {mediapipe.__version__}"
        self._vision, self._base, self._model = vision, BaseOptions, model
        self._open: dict[int, tuple[Any, list[int]]] = {}

    def play(self, frames: list[Frame], count: int) -> Block:
        """Go on with the video of this number of faces."""
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

        def read(pixels: np.ndarray) -> int:
            clock_ms[0] += 33
            return len(landmarker.detect_for_video(self._image(pixels), clock_ms[0]).face_landmarks)

        return _played(read, frames)

    def close(self) -> None:
        for landmarker, _ in self._open.values():
            landmarker.close()
