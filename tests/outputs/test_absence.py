"""Somebody who is not there for a while moves alike in every format: held, then faded, and back without a jump."""

import json
import struct
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from commedia import retarget
from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz
from commedia.outputs.absence import NEUTRAL, filled, without_rest
from commedia.structures import FaceParams, HeadPose

RATE = 30
SEEN = 15
"""Frames seen before and after the gap."""


def turned(yaw: float) -> FaceParams:
    expression = NEUTRAL.expression.copy()
    expression[17] = 0.8
    wxyz = np.array([np.cos(yaw / 2), 0, np.sin(yaw / 2), 0], dtype=np.float32)
    return FaceParams(NEUTRAL.identity, expression, HeadPose(wxyz, np.zeros(2, np.float32), 1.0))


def yaw(params: FaceParams) -> float:
    return float(yaw_pitch_roll_from_wxyz(params.pose.wxyz.astype(np.float64))[0])


def motion(gap: int, *, back: bool = True) -> list[tuple[Fraction, FaceParams | None]]:
    frames: list[FaceParams | None] = [turned(0.4)] * SEEN + [None] * gap
    frames += [turned(-0.3)] * SEEN if back else []
    return [(Fraction(index, RATE), params) for index, params in enumerate(frames)]


@pytest.mark.parametrize("gap", [1, 2, 9, 30, 90])
def test_whoever_comes_back_does_not_jump(gap: int) -> None:
    shown = list(filled(motion(gap)))
    assert [time_s for time_s, _ in shown] == [Fraction(index, RATE) for index in range(2 * SEEN + gap)]
    yaws = np.array([yaw(params) for _, params in shown])
    # A way of .7 in as many steps as there are, at most in .3 s and half of the gap; eased, so half as fast again.
    steps = max(1, min(9, (gap + 1) / 2))
    assert np.abs(np.diff(yaws)).max() <= 1.6 * 0.7 / steps
    assert yaws[:SEEN] == pytest.approx(0.4)
    assert yaws[-SEEN:] == pytest.approx(-0.3)


def test_the_last_pose_is_held_then_fades_to_neutral() -> None:
    shown = [params for _, params in filled(motion(60, back=False))]
    assert [yaw(params) for params in shown[SEEN : SEEN + 8]] == pytest.approx([0.4] * 8)
    fading = [yaw(params) for params in shown[SEEN + 9 : SEEN + 24]]
    assert all(later < earlier for earlier, later in pairwise(fading))
    assert all(params is NEUTRAL for params in shown[SEEN + 24 :])
    assert not any(params.expression.any() for params in shown[SEEN + 24 :])


def test_before_the_first_moment_nobody_moves() -> None:
    frames = [(Fraction(index, RATE), None) for index in range(40)] + [(Fraction(40, RATE), turned(0.4))]
    assert all(params is NEUTRAL for _, params in list(filled(frames))[:40])


def test_of_a_rest_only_the_ends_are_kept() -> None:
    shown = list(filled(motion(90)))
    kept = list(without_rest(shown))
    left_out = [moment for moment in shown if moment[0] not in {time_s for time_s, _ in kept}]
    assert len(left_out) > 40
    assert all(params is NEUTRAL for _, params in left_out)
    times = [float(time_s) for time_s, _ in shown]
    across = np.interp(times, [float(time_s) for time_s, _ in kept], [yaw(params) for _, params in kept])
    assert across == pytest.approx([yaw(params) for _, params in shown])


@pytest.mark.parametrize("gap", [45])
def test_every_format_has_the_same_motion(gap: int, tmp_path: Path) -> None:
    rows = []
    for index in range(2 * SEEN + gap):
        there = not SEEN <= index < SEEN + gap
        rows.append(f"{index / RATE:.6f},{f'0.8,{0.4 if index < SEEN else -0.3},0,0' if there else ',,,'}")
    table = tmp_path / "gap.csv"
    table.write_text("time,jawOpen,HeadYaw_rad,HeadPitch_rad,HeadRoll_rad\n" + "\n".join(rows) + "\n")
    retarget(table, tmp_path / "out", formats=["glb", "csv", "bvh"], preview=False)
    csv = [line.split(",") for line in (tmp_path / "out/person-01.csv").read_text().splitlines()]
    column = csv[0].index("HeadYaw")
    expected = np.array([float(row[column]) for row in csv[1:]])
    lines = (tmp_path / "out/person-01.bvh").read_text().partition("Frame Time")[2].splitlines()[1:]
    angles = np.array([[float(cell) for cell in line.split()] for line in lines])
    np.testing.assert_allclose(np.deg2rad(angles[:, 3] + angles[:, 6]), expected, atol=2e-5)
    times, jaw = _jaw(tmp_path / "out/person-01.glb")
    across = np.interp(np.arange(len(expected)) / RATE, times, jaw)
    np.testing.assert_allclose(across, [float(row[csv[0].index("JawOpen")]) for row in csv[1:]], atol=2e-3)
    assert np.abs(np.diff(expected)).max() < 0.25


def _jaw(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Times and weights of the jaw in a clip."""
    data = path.read_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    tree, binary = json.loads(data[20 : 20 + length]), data[28 + length :]

    def floats(accessor: int) -> np.ndarray:
        entry = tree["accessors"][accessor]
        view = tree["bufferViews"][entry["bufferView"]]
        return np.frombuffer(binary, "<f4", entry["count"], view.get("byteOffset", 0))

    (clip,) = tree["animations"]
    channel = next(one for one in clip["channels"] if one["target"]["path"] == "weights")
    sampler = clip["samplers"][channel["sampler"]]
    mesh = tree["meshes"][tree["nodes"][channel["target"]["node"]]["mesh"]]
    names = mesh["extras"]["targetNames"]
    times = floats(sampler["input"])
    return times, floats(sampler["output"]).reshape(len(times), -1)[:, names.index("jawOpen")]
