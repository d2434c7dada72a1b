"""The bundled media are what they claim, and the measured error is zero for a take that tells the truth."""

from dataclasses import replace
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from commedia.conventions import EXPRESSION_INDEX
from commedia.demo import performance, portraits, troupe
from commedia.demo.accuracy import troupe_errors
from commedia.demo.performance import FRAME_COUNT, FRAME_RATE, TROUPE, params_at
from commedia.errors import MissingExtra
from commedia.face_model.landmarks import face_box_from_params, landmarks_from_params
from commedia.face_model.model import load_head
from commedia.formats.take import TakeHeader, TakeWriter
from commedia.structures import FaceParams, TrackedFace, TrackedFrame


def test_everybody_plays_the_whole_script_and_stays_on_stage():
    for performer in TROUPE:
        acts = [params_at(performer, index / FRAME_RATE) for index in range(FRAME_COUNT)]
        highest = np.max([act.expression for act in acts], axis=0)
        played = {name for *_, names in performer.script for name in names}
        assert all(highest[EXPRESSION_INDEX[name]] > 0.6 for name in played)
        assert highest.max() <= 1
        assert not highest[[index for name, index in EXPRESSION_INDEX.items() if name not in played]].any()
        boxes = [face_box_from_params(act) for act in acts[::8]]
        assert min(box.left_px for box in boxes) > 0
        assert max(box.right_px for box in boxes) < performance.STAGE_WIDTH_PX
        assert max(box.bottom_px for box in boxes) < performance.STAGE_HEIGHT_PX


def test_the_troupe_is_drawn_where_it_stands():
    cast = [(performer, params_at(performer, 0.0)) for performer in TROUPE[:2]]
    picture = troupe.stage_picture(cast, load_head()).astype(int)
    empty = troupe.stage_picture([(TROUPE[0], replace_place(cast[0][1], (-900.0, 0.0)))], load_head()).astype(int)
    for _, params in cast:
        nose = landmarks_from_params(params)[30].astype(int)
        assert np.abs(picture - empty)[nose[1], nose[0]].max() > 40


def test_the_troupe_is_drawn_with_pupils_and_whites_of_eyes():
    picture = troupe.stage_picture([(performer, params_at(performer, 0.0)) for performer in TROUPE], load_head())
    for performer in TROUPE:
        points = landmarks_from_params(params_at(performer, 0.0))
        for eye in (points[36:42], points[42:48]):
            (left, top), (right, bottom) = eye.min(axis=0).astype(int), eye.max(axis=0).astype(int)
            grey = picture[top : bottom + 1, left : right + 1].mean(axis=2)
            assert np.ptp(grey) > 150, "lids without eyes behind them differ by 110 at most"


def replace_place(params: FaceParams, origin: tuple[float, float]) -> FaceParams:
    return replace(params, pose=replace(params.pose, origin_px=np.array(origin, np.float32)))


def take_of(path: Path, shift_px: float = 0.0, shrink: float = 1.0) -> Path:
    """A take of the troupe by a perfect observer, or by one who errs by known amounts."""
    writer = TakeWriter(path, TakeHeader("troupe.mp4", Fraction(FRAME_RATE), 1280, 480))
    for index in range(0, FRAME_COUNT, 6):
        faces = []
        for number, performer in enumerate(TROUPE, start=1):
            params = params_at(performer, index / FRAME_RATE)
            box, (x, y) = face_box_from_params(params), params.pose.origin_px
            moved = replace_place(params, (x + shift_px, y))
            seen = replace(moved, expression=params.expression * np.float32(shrink))
            elsewhere = landmarks_from_params(params) + 50  # marks are not the head's points, which are compared
            faces.append(TrackedFace(number, "tracked", box, seen, elsewhere, 1.0))
        writer.add(TrackedFrame(index, Fraction(index, FRAME_RATE), tuple(faces)))
    writer.close()
    return path


def test_a_true_take_has_no_error(tmp_path: Path):
    for number, errors in enumerate(troupe_errors(take_of(tmp_path / "take.jsonl")), start=1):
        assert (errors.ids, errors.found) == ((number,), 1.0)
        assert errors.landmarks < 1e-3
        assert errors.turn_deg < 0.1
        assert errors.active_expression < 1e-3


def test_known_errors_are_measured(tmp_path: Path):
    for errors in troupe_errors(take_of(tmp_path / "take.jsonl", shift_px=10.0, shrink=0.5)):
        assert 10 / 300 < errors.landmarks < 10 / 150
        # Half of weights between a half and one.
        assert 0.25 <= errors.active_expression <= 0.5


def test_portraits_move_without_a_seam():
    pytest.importorskip("skimage")
    frames = list(islice(portraits.portrait_frames(), 12))
    assert {frame.shape for frame in frames} == {(720, 1280, 3)}
    assert all(np.abs(a.astype(int) - b).mean() > 0.2 for a, b in pairwise(frames))


def test_a_missing_portrait_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(portraits, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'commedia\[demo\]'"):
        next(portraits.portrait_frames())
