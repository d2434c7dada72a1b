"""Laws of the filters: steady when still, quick when fast, the same at any frame rate; and how a face fades."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import fake_params

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.geometry.rotations import axis_angle_from_wxyz, wxyz_from_axis_angle
from commedia.structures import FaceParams, HeadPose
from commedia.tracking.smooth import (
    EXPRESSION,
    WXYZ,
    OneEuro,
    Smoothing,
    filtered_params,
    start_filter,
    step_filters,
)

SMOOTHING = Smoothing()
BLINK = EXPRESSION_INDEX["eyeBlinkLeft"]
JAW = EXPRESSION_INDEX["jawOpen"]


def smoothed(predictions: list[FaceParams], step_s: float = 1 / 30) -> list[FaceParams]:
    state = start_filter(predictions[0])
    result = []
    for prediction in predictions:
        (state,) = step_filters([state], [prediction], [step_s], SMOOTHING)
        result.append(filtered_params(state, prediction.identity))
    return result


def followed(values: list[float], steps_s: list[float], smoothing: Smoothing) -> np.ndarray:
    """What the filter of one channel, which begins at 0, makes of values."""
    state, result = start_filter(with_expression({})), []
    for value, step_s in zip(values, steps_s, strict=True):
        (state,) = step_filters([state], [with_expression({JAW: value})], [step_s], smoothing)
        result.append(state.value[EXPRESSION][JAW])
    return np.array(result)


def with_expression(values: dict[int, float]) -> FaceParams:
    expression = np.zeros(EXPRESSION_COUNT, np.float32)
    for index, value in values.items():
        expression[index] = value
    return fake_params(np.array([100, 100]), 50, expression)


def test_a_constant_stays_what_it_is():
    prediction = FaceParams(
        np.zeros(50, np.float32),
        np.full(EXPRESSION_COUNT, 0.3, np.float32),
        HeadPose(wxyz_from_axis_angle(np.array([0.1, 2.0, -0.4], np.float32)), np.array([12, 34], np.float32), 700.0),
    )
    last = smoothed([prediction] * 20)[-1]
    np.testing.assert_allclose(last.expression, prediction.expression, atol=1e-6)
    np.testing.assert_allclose(last.pose.wxyz, prediction.pose.wxyz, atol=1e-6)
    np.testing.assert_allclose(last.pose.origin_px, prediction.pose.origin_px, atol=1e-4)
    assert last.pose.px_per_m == pytest.approx(700)


@pytest.mark.parametrize("fps", [25, 30, 60])
def test_a_blink_arrives_within_two_frames(fps: int):
    predictions = [with_expression({})] * 10 + [with_expression({BLINK: 1.0})] * 2
    closed = [face.expression[BLINK] for face in smoothed(predictions, 1 / fps)[10:]]
    assert closed[1] > 0.8
    assert closed[0] > 0.6


def test_a_short_blink_keeps_its_depth_and_a_spike_elsewhere_does_not_pass():
    shape = [0.0] * 10 + [0.5, 1.0, 1.0, 0.6, 0.2] + [0.0] * 10
    faces = smoothed([with_expression({BLINK: value, JAW: value}) for value in shape])
    lids = np.array([face.expression[BLINK] for face in faces])
    assert lids.max() > 0.9
    assert lids[18] < 0.1
    assert abs(int(lids.argmax()) - 12) <= 1


READ_NOISE = 0.024
"""Standard deviation of the least steady blendshape of four still drawn people, as read (`evaluate live`)."""


def smoothed_together(read: np.ndarray) -> np.ndarray:
    """Expressions as read (frame, face, blendshape) to expressions as shown."""
    faces = [[with_expression(dict(enumerate(row))) for row in rows] for rows in read]
    states, shown = [start_filter(face) for face in faces[0]], []
    for row in faces:
        states = step_filters(states, row, [1 / 30] * len(row), SMOOTHING)
        shown.append([state.value[EXPRESSION] for state in states])
    return np.array(shown)


def test_a_still_face_is_still(rng: np.random.Generator):
    shown = smoothed_together(0.2 + rng.normal(0, READ_NOISE, (150, 4, EXPRESSION_COUNT)))
    deviation = shown[30:].std(axis=0)
    assert np.sqrt((deviation**2).mean(axis=0)).max() <= 0.0115, "of four faces a channel, which is a rough measure"
    assert np.sqrt((deviation**2).mean()) <= 0.01


def test_a_blink_of_120_ms_in_noise_is_nearly_whole_and_at_most_a_frame_late(rng: np.random.Generator):
    frames, phases = np.arange(60), np.tile([0.0, 0.25, 0.5, 0.75], 5)
    away = (frames[:, None] - 40 - phases) / (0.12 * 30)
    truth = np.where(abs(away) < 0.5, 0.5 + 0.5 * np.cos(2 * np.pi * away), 0)
    read = 0.1 + rng.normal(0, READ_NOISE, (60, len(phases), EXPRESSION_COUNT))
    read[..., BLINK] += truth
    lids = smoothed_together(read)[..., BLINK]
    for shown, played in zip(lids.T, truth.T, strict=True):
        assert shown.max() - shown[37] >= 0.8 * played.max()
        assert shown.argmax() <= np.flatnonzero(played > played.max() - 1e-6)[-1] + 1


def test_speech_keeps_its_swing():
    times = np.arange(90) / 30
    jaw = 0.4 + 0.3 * np.sin(2 * np.pi * 4 * times)
    shown = np.array([face.expression[JAW] for face in smoothed([with_expression({JAW: value}) for value in jaw])])
    assert np.ptp(shown[30:]) > 0.6 * 0.6


def test_jitter_of_a_still_face_shrinks_fivefold(rng: np.random.Generator):
    def noisy() -> FaceParams:
        return FaceParams(
            np.zeros(50, np.float32),
            (0.5 + 0.02 * rng.normal(size=EXPRESSION_COUNT)).astype(np.float32),
            HeadPose(
                wxyz_from_axis_angle((0.3 + 0.005 * rng.normal(size=3)).astype(np.float32)),
                (100 + 0.4 * rng.normal(size=2)).astype(np.float32),
                float(500 * np.exp(0.004 * rng.normal())),
            ),
        )

    predictions = [noisy() for _ in range(300)]
    shown = smoothed(predictions)

    def variances(faces: list[FaceParams]) -> list[float]:
        return [
            np.var([face.expression[JAW] for face in faces]),
            np.var([face.expression[BLINK] for face in faces]),
            np.var([axis_angle_from_wxyz(face.pose.wxyz) for face in faces], axis=0).mean(),
            np.var([face.pose.origin_px for face in faces], axis=0).mean(),
            np.var([np.log(face.pose.px_per_m) for face in faces]),
        ]

    for raw, filtered in zip(variances(predictions[30:]), variances(shown[30:]), strict=True):
        assert filtered * 5 <= raw


def test_the_result_hardly_depends_on_the_frame_rate():
    def at(fps: int) -> np.ndarray:
        values = np.sin(2 * np.pi * np.arange(2 * fps + 1) / fps)
        return followed(values, [1 / fps] * len(values), Smoothing(OneEuro(1.5, 3.0, 1.0)))[:: fps // 30]

    assert abs(at(60) - at(240)).max() < 0.1


def test_uneven_steps_are_no_jumps():
    steps = np.tile([1 / 60, 1 / 15, 1 / 30], 20)
    lags = np.cumsum(steps) - followed(np.cumsum(steps), steps, Smoothing(OneEuro(1.5, 3.0, 1.0)))
    # A ramp of slope 1 per second is followed with a small lag that hardly changes from step to step.
    assert 0 < min(lags[30:])
    assert max(lags[30:]) < 0.06


def test_the_sign_of_a_quaternion_and_half_turns_do_not_matter():
    def turned(index: int, sign: float) -> FaceParams:
        face = with_expression({})
        wxyz = wxyz_from_axis_angle(np.array([0, 3.0 + 0.02 * index, 0])) * sign**index
        return replace(face, pose=replace(face.pose, wxyz=wxyz))

    def run(sign: float) -> np.ndarray:
        state = start_filter(turned(0, 1))
        for index in range(30):
            (state,) = step_filters([state], [turned(index, sign)], [1 / 30], SMOOTHING)
        return state.value[WXYZ]

    np.testing.assert_allclose(run(1), run(-1), atol=1e-9)
    reached = wxyz_from_axis_angle(np.array([0, 3.0 + 0.02 * 29, 0]))
    assert abs(run(1) @ reached) > np.cos(0.05)


def test_a_batch_of_faces_equals_one_at_a_time(rng: np.random.Generator):
    def prediction() -> FaceParams:
        pose = HeadPose(
            wxyz_from_axis_angle(rng.normal(size=3).astype(np.float32)),
            rng.uniform(0, 500, 2).astype(np.float32),
            float(rng.uniform(100, 900)),
        )
        return FaceParams(np.zeros(50, np.float32), rng.uniform(size=EXPRESSION_COUNT).astype(np.float32), pose)

    states, predictions = [start_filter(prediction()) for _ in range(4)], [prediction() for _ in range(4)]
    steps = [0.02, 0.03, 0.05, 0.2]
    together = step_filters(states, predictions, steps, SMOOTHING)
    for index in range(4):
        (alone,) = step_filters(states[index : index + 1], predictions[index : index + 1], [steps[index]], SMOOTHING)
        np.testing.assert_allclose(alone.value, together[index].value, atol=1e-12)
        np.testing.assert_allclose(alone.speed, together[index].speed, atol=1e-12)


@pytest.mark.parametrize("factor", [0.2, 1.0, 5.0])
def test_a_scaled_filter_takes_so_much_longer(factor: float) -> None:
    """At rest a first-order low-pass of f times the cut-off does in t / f what the other does in t."""
    slow = Smoothing(expression=OneEuro(1.5, 0.0)).scaled(factor)
    own = followed([1.0], [0.01 / factor], slow)
    other = followed([1.0], [0.01], Smoothing(OneEuro(1.5, 0.0)))
    assert np.isclose(own, other)
    assert slow.blink.beta == factor * SMOOTHING.blink.beta
    assert slow.blink.rest_speed == SMOOTHING.blink.rest_speed
