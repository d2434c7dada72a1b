"""A video read twice, end to end: who looks a little surprised at rest, is badly read, and blinks and talks."""

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from fakes import FPS, Person, World, fake_landmarks
from stage import FilmDetector, FilmRegressor, film

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.face_model.calibration import Calibration
from commedia.faces.crop import Crop
from commedia.formats.take import TakeReader
from commedia.outputs.summary import Summary
from commedia.pipeline import retarget, run, track
from commedia.retarget.cast import Cast
from commedia.retarget.performance_edit import PerformanceEdit
from commedia.sources.open import open_source
from commedia.structures import FaceParams, Frame, Moment
from commedia.tracking.models import Models
from commedia.tracking.settings import VIDEO_SETTINGS
from commedia.tracking.tracker import Tracker

FRAMES = 64
BROW, JAW, LEFT, RIGHT = (
    EXPRESSION_INDEX[name] for name in ("browInnerUp", "jawOpen", "eyeBlinkLeft", "eyeBlinkRight")
)
BLINK, WINK = 20, 45
REST = 0.2


def performed(time_s: float) -> np.ndarray:
    """What is read without noise: brows that hang high, a blink of three frames that one eye shows less, a wink."""
    index, expression = round(time_s * FPS), np.zeros(EXPRESSION_COUNT, np.float32)
    expression[BROW] = REST
    shut = {BLINK - 1: 0.6, BLINK: 1.0, BLINK + 1: 0.6}.get(index, 0.0)
    expression[LEFT], expression[RIGHT] = shut, 0.7 * shut
    expression[LEFT] = max(expression[LEFT], {WINK - 2: 0.4, WINK - 1: 0.9, WINK: 1.0, WINK + 1: 0.5}.get(index, 0.0))
    return expression


@dataclass
class Unsteady(FilmRegressor):
    """Reads every face a little wrong, the same picture always alike."""

    read: int = 0
    identities: list[np.ndarray] = field(default_factory=list)

    def regress(self, image: np.ndarray, crops: list[Crop]) -> list[FaceParams]:
        return [self._shaken(face) for face in super().regress(image, crops)]

    def _shaken(self, face: FaceParams) -> FaceParams:
        rng = np.random.default_rng(round(self.world.now_s * FPS))
        self.read += 1
        expression = np.clip(face.expression + 0.02 * rng.normal(size=EXPRESSION_COUNT), 0, 1).astype(np.float32)
        identity = (face.identity + 0.5 * rng.normal(size=len(face.identity))).astype(np.float32)
        self.identities.append(identity)
        return replace(face, expression=expression, identity=identity, presence=1.0)


def stage() -> tuple[World, Models]:
    world = World([Person(1, lambda time_s: (160 + 10 * time_s, 120), width_px=60, expression=performed)])
    return world, Models(FilmDetector(world, confidence=0.95), Unsteady(world), landmarker=fake_landmarks)


def curves(folder: Path) -> np.ndarray:
    return np.array([frame.faces[0].params.expression for frame in TakeReader(folder / "take.jsonl")])


def changed(values: np.ndarray) -> float:
    return float(np.sqrt((np.diff(values) ** 2).mean()))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Summary], Unsteady]:
    folder = tmp_path_factory.mktemp("told")
    world, models = stage()
    clip = film(world, folder / "clip.mp4", FRAMES)
    known = Calibration(np.zeros(EXPRESSION_COUNT), np.ones(EXPRESSION_COUNT))
    options = {"whole": {}, "causal": {"causal": True}, "known": {"edit": PerformanceEdit(known)}}
    told = {
        name: retarget(clip, folder / name, models=models, preview=False, formats=("csv",), **option)
        for name, option in options.items()
    }
    return folder, told, models.regressor


def test_rest_is_found_and_said_and_gone(told) -> None:
    folder, summaries, _ = told
    whole, causal = curves(folder / "whole"), curves(folder / "causal")
    assert causal[:, BROW].mean() == pytest.approx(REST, abs=0.02)
    assert whole.mean(axis=0)[BROW] < 0.03
    found = json.loads(json.dumps(summaries["whole"].to_json()))["people"][0]["facts"]["neutral"]
    assert found["browInnerUp"] == pytest.approx(REST, abs=0.02)
    assert any(re.search(r"at rest person 1 reads as browInnerUp 0\.(19|2)", note) for note in summaries["whole"].notes)
    assert summaries["causal"].people[0].facts.neutral == {}


def test_whose_rest_is_known_keeps_it_in_the_take(told) -> None:
    folder, summaries, _ = told
    assert curves(folder / "known")[:, BROW].mean() == pytest.approx(REST, abs=0.02)
    assert summaries["known"].people[0].facts.neutral == {}
    assert not any("at rest" in note for note in summaries["known"].notes)


def test_the_face_is_still_and_blinks_are_whole_and_in_time(told) -> None:
    folder, _, _ = told
    whole, causal = curves(folder / "whole"), curves(folder / "causal")
    assert changed(whole[:, BROW]) < 0.5 * changed(causal[:, BROW])
    lids = whole[:, [LEFT, RIGHT]]
    assert lids[BLINK - 3 : BLINK + 4].argmax(axis=0).tolist() == [3, 3]
    assert (lids[BLINK] > 0.9).all()
    assert lids[WINK, 0] > 0.9
    assert lids[WINK - 3 : WINK + 4, 1].max() < 0.1


def test_somebody_is_who_all_frames_say_from_the_first_on(told) -> None:
    folder, _, regressor = told
    said = np.array([frame.faces[0].params.identity for frame in TakeReader(folder / "whole" / "take.jsonl")])
    assert (said == said[0]).all()
    truth = stage()[0].people[0].params(0.0).identity
    one = np.linalg.norm(regressor.identities[0] - truth)
    assert np.linalg.norm(said[0] - truth) < 0.3 * one


def test_networks_read_once_and_pictures_come_with_their_faces(tmp_path: Path) -> None:
    world, models = stage()
    clip = film(world, tmp_path / "clip.mp4", 12)
    moments: list[tuple[int, int]] = []

    class Watching:
        name = "watching"

        def open(self, info) -> None: ...

        def send(self, moment: Moment) -> None:
            assert isinstance(moment.frame, Frame)
            moments.append((moment.frame.index, moment.tracked.index))
            assert moment.frame.time_s == moment.tracked.time_s

        def close(self) -> None: ...

        def discard(self) -> None: ...

    with open_source(clip) as source:
        run(source, Tracker(models), Cast(), Watching(), causal=False)
    assert moments == [(index, index) for index in range(12)]
    assert models.regressor.read == 12


def test_a_damaged_video_is_said_once(tmp_path: Path) -> None:
    world, models = stage()
    clip = film(world, tmp_path / "clip.mp4", 12)
    with open_source(clip) as source:
        source._duration_s += 5
        run(source, Tracker(models), Cast(), [], causal=False)
        assert len(source.notes) == 1


def test_a_stream_learns_rest_where_it_is_told_to(tmp_path: Path) -> None:
    world, models = stage()
    clip = film(world, tmp_path / "clip.mp4", FRAMES)
    shown = {}
    for learns in (False, True):
        tracker = Tracker(models, replace(VIDEO_SETTINGS, learn_neutral=learns))
        with open_source(clip) as source:
            faces = [tracked.faces[0].params.expression for _, tracked in tracker.follow(source)]
        shown[learns] = np.array(faces)
    assert shown[False][-1, BROW] == pytest.approx(REST, abs=0.03)
    assert shown[True][-1, BROW] < shown[False][-1, BROW] - 0.08
    assert shown[True][BLINK - 1 : BLINK + 2, LEFT].max() > 0.9
    np.testing.assert_array_equal(shown[False], [f.faces[0].params.expression for f in track(clip, models=models)])
