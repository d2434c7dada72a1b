"""A take on disk comes back as it went in."""

from fractions import Fraction
from pathlib import Path

import numpy as np
from fakes import fake_box, fake_landmarks, fake_params

from commedia.outputs.people import timecode_rate
from commedia.outputs.spool import BUFFERED_ROWS, TakeSpool
from commedia.structures import TrackedFace, TrackedFrame


def face(person: int, frame: int) -> TrackedFace:
    expression = np.full(52, frame % 100 / 100, np.float32)
    params = fake_params(np.array([5.0, 6.0]), 20.0, expression, seed=person * 1000 + frame)
    status = "tracked" if frame % 2 else "held"
    return TrackedFace(person, status, fake_box(params), params, fake_landmarks([params])[0], 0.5)


def test_times_and_rows_survive_beyond_the_buffer(tmp_path: Path):
    spool = TakeSpool(tmp_path / "spool")
    count = 2 * BUFFERED_ROWS + 7
    times = [Fraction(index * index + index, 30001) for index in range(count)]
    for index, time_s in enumerate(times):
        spool.add(TrackedFrame(index, time_s, (face(1, index), *([face(2, index)] if 300 <= index < 310 else []))))
        assert max(len(part.rows) for part in spool.parts.values()) < BUFFERED_ROWS
    assert list(spool.times_s()) == times
    everything = list(spool.params(1))
    assert [frame for frame, _ in everything] == list(range(count))
    assert all(params.expression[7] == np.float32(frame % 100 / 100) for frame, params in everything)
    assert [frame for frame, _ in spool.params(2)] == list(range(300, 310))
    part = spool.parts[2]
    assert (part.first_frame, part.last_frame, part.tracked_frames) == (300, 309, 5)
    # One identity for all frames: the last, which is the mean over the whole track.
    last = face(2, 309).params.identity
    assert all(np.array_equal(params.identity, last) for _, params in spool.params(2))


def test_nothing_was_sent(tmp_path: Path):
    spool = TakeSpool(tmp_path / "spool")
    assert list(spool.times_s()) == []
    assert spool.parts == {}


def test_timecodes_count_at_usual_rates():
    assert timecode_rate(Fraction(30000, 1001)) == Fraction(30000, 1001)
    assert timecode_rate(Fraction(2997, 100)) == Fraction(30000, 1001)
    assert timecode_rate(Fraction(24)) == 24
    assert timecode_rate(Fraction(150528, 6359)) == 60
    assert timecode_rate(Fraction(100, 7)) == 60
