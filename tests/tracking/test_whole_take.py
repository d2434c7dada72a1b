"""Laws of the second reading: still faces are still, blinks and speech stay, rest is 0, eyes agree, winks do not."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from fakes import fake_box, fake_landmarks, fake_params
from readings import BLINKS, BROW, FPS, JAW, NOISE, acted, as_read, blinking, times

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.geometry.rotations import axis_angle_from_wxyz, wxyz_from_axis_angle
from commedia.structures import FaceParams, HeadPose, TrackedFace, TrackedFrame
from commedia.tracking.identity import robust_mean
from commedia.tracking.lids import agreeing_lids
from commedia.tracking.neutral import GAZE, MOST_REST
from commedia.tracking.smooth import Smoothing, filtered_params, start_filter, step_filters
from commedia.tracking.track import Likeness
from commedia.tracking.whole_take import WholeTake
from commedia.tracking.zero_phase import EXPRESSION, steady_rotations, zero_phase


def causal(expressions: np.ndarray) -> np.ndarray:
    """The same curves as a stream shows them."""
    read = [fake_params(np.array([100, 100]), 50, row) for row in expressions]
    state, shown = start_filter(read[0]), []
    for face in read:
        (state,) = step_filters([state], [face], [1 / FPS], Smoothing())
        shown.append(filtered_params(state, face.identity).expression)
    return np.array(shown)


def steadied(curve: np.ndarray, name: str) -> np.ndarray:
    """One blendshape's curve, the others at rest."""
    expressions = np.zeros((len(curve), EXPRESSION_COUNT))
    expressions[:, EXPRESSION_INDEX[name]] = curve
    return zero_phase(expressions, times(len(curve)), EXPRESSION)[:, EXPRESSION_INDEX[name]]


def jitter(values: np.ndarray) -> float:
    """Root mean square of the change from frame to frame."""
    return float(np.sqrt((np.diff(values, axis=0) ** 2).mean()))


@pytest.mark.parametrize("level", [0.02, 0.3, 0.9])
def test_a_still_face_is_at_least_twice_as_still_as_in_a_stream(rng: np.random.Generator, level: float):
    truth = np.full((300, EXPRESSION_COUNT), level)
    read = as_read(truth, rng)
    steady, streamed = zero_phase(read, times(300), EXPRESSION), causal(read)[30:]
    assert jitter(steady) < 0.5 * jitter(streamed)
    assert np.abs(steady - level).mean() < 0.8 * np.abs(streamed - level).mean()
    assert np.ptp(steady.mean(axis=0)) < 0.01


@pytest.mark.parametrize("shape", [(1.0, 1.0, 1.0), (0.5, 1.0, 0.5), (0.3, 0.6, 0.3)])
@pytest.mark.parametrize("noisy", [False, True])
def test_a_blink_of_three_frames_keeps_nine_tenths_of_its_depth_and_its_time(
    rng: np.random.Generator, shape: tuple[float, ...], noisy: bool
):
    truth = blinking(300, shape)
    read = as_read(truth, rng) if noisy else truth
    shown = steadied(read, "eyeBlinkLeft")
    for middle in BLINKS:
        around = slice(middle - 4, middle + 5)
        assert shown[around].max() >= 0.9 * max(shape)
        centre = (shown[around] * np.arange(9)).sum() / shown[around].sum()
        assert abs(centre - 4) < 0.5
        assert shown[middle - 4] < 0.1


def test_speech_keeps_its_swing_and_is_not_late(rng: np.random.Generator):
    truth = 0.4 + 0.3 * np.sin(2 * np.pi * 4 * times(150))
    shown = steadied(truth + NOISE * rng.normal(size=150), "jawOpen")
    assert np.ptp(shown) > 0.9 * 0.6
    late = [np.corrcoef(truth[10:-10], np.roll(shown, -by)[10:-10])[0, 1] for by in range(-3, 4)]
    assert int(np.argmax(late)) == 3
    assert np.abs(shown - truth).mean() <= 1.5 * NOISE


def test_soft_speech_of_a_clear_face_is_no_noise(rng: np.random.Generator):
    """Lips part by a twentieth, four times a second, and rest before and after, as is needed to know the noise."""
    truth = np.full(300, 0.06)
    truth[60:240] += 0.05 * np.sin(2 * np.pi * 4 * times(180))
    shown = steadied(truth + 0.003 * rng.normal(size=300), "jawOpen")
    assert np.corrcoef(shown, truth)[0, 1] > 0.97
    assert np.ptp(shown[90:210]) > 0.8 * 0.1
    still = steadied(0.06 + 0.003 * rng.normal(size=300), "jawOpen")
    assert jitter(still) < 0.3 * 0.003


def test_time_has_no_direction(rng: np.random.Generator):
    read = 0.5 + np.cumsum(rng.normal(size=(200, EXPRESSION_COUNT)) * 0.03, axis=0)
    when = np.cumsum(rng.uniform(0.02, 0.06, 200))
    backwards = zero_phase(read[::-1].copy(), when[-1] - when[::-1], EXPRESSION)[::-1]
    np.testing.assert_allclose(zero_phase(read, when, EXPRESSION), backwards, atol=1e-9)


def test_a_long_take_is_worked_on_in_pieces_that_do_not_show(rng: np.random.Generator, monkeypatch):
    read = 0.5 + np.cumsum(rng.normal(size=(700, EXPRESSION_COUNT)) * 0.02, axis=0)
    whole = zero_phase(read, times(700), EXPRESSION)
    monkeypatch.setattr("commedia.tracking.zero_phase.BLOCK", 64)
    np.testing.assert_allclose(zero_phase(read, times(700), EXPRESSION), whole, atol=1e-12)


def test_rotations_are_steadied_whatever_the_sign_of_their_quaternion(rng: np.random.Generator):
    turn = np.array([0.1, 2.9, -0.3])
    read = wxyz_from_axis_angle(turn + 0.005 * rng.normal(size=(200, 3)))
    signs = rng.choice([-1.0, 1.0], (200, 1))
    steady = steady_rotations(read * signs, times(200))
    np.testing.assert_allclose(steady, steady_rotations(read, times(200)), atol=1e-9)
    assert jitter(axis_angle_from_wxyz(steady)) < 0.25 * jitter(axis_angle_from_wxyz(read))
    assert np.abs(axis_angle_from_wxyz(steady) - turn).max() < 0.01


def test_eyes_of_a_blink_agree_and_those_of_a_wink_do_not():
    lids = np.zeros((300, 2))
    lids[:, 0] = blinking(300)
    lids[:, 1] = 0.65 * np.roll(blinking(300), 1)
    shown = agreeing_lids(lids, times(300))
    for middle in BLINKS:
        np.testing.assert_allclose(shown[middle], 1.0)
    assert (shown >= lids).all()
    wink = np.stack([blinking(300, (0.4, 0.9, 1.0, 0.9, 0.4)), 0.3 * blinking(300, (0.4, 0.9, 1.0, 0.9, 0.4))], axis=1)
    np.testing.assert_array_equal(agreeing_lids(wink, times(300)), wink)
    np.testing.assert_array_equal(agreeing_lids(wink[:, ::-1], times(300)), wink[:, ::-1])


def test_open_eyes_may_differ_and_nothing_jumps():
    open_eyes = np.tile([0.18, 0.05], (60, 1))
    np.testing.assert_array_equal(agreeing_lids(open_eyes, times(60)), open_eyes)
    slow = np.linspace(0, 1, 300)
    shown = agreeing_lids(np.stack([slow, 0.7 * slow], axis=1), times(300))
    assert np.abs(np.diff(shown, axis=0)).max() < 0.02
    assert agreeing_lids(np.ones((1, 2)), times(1)).tolist() == [[1, 1]]


def test_wrong_predictions_do_not_move_who_somebody_is(rng: np.random.Generator):
    somebody, other = rng.normal(size=(2, 50))
    read = somebody + 0.3 * rng.normal(size=(100, 50))
    read[:20] = other + 0.3 * rng.normal(size=(20, 50))
    weights = rng.uniform(0.5, 1, 100)
    plain = weights @ read / weights.sum()
    assert np.linalg.norm(robust_mean(read, weights) - somebody) < 0.6 * np.linalg.norm(plain - somebody)
    weights[:20] = 0
    assert np.linalg.norm(robust_mean(read, weights) - somebody) < 0.1 * np.linalg.norm(other - somebody)
    np.testing.assert_allclose(robust_mean(np.tile(somebody, (3, 1)), np.ones(3)), somebody, atol=1e-6)


def filmed(count: int, read: Callable[[int], tuple[np.ndarray, HeadPose]], person: int, seed: int) -> list[TrackedFace]:
    faces = []
    for index in range(count):
        expression, pose = read(index)
        identity = fake_params(np.zeros(2), 1.0, seed=seed).identity + np.float32(0.01 * (index % 3))
        params = FaceParams(identity, expression.astype(np.float32), pose, presence=0.99)
        points = fake_landmarks([params])[0]
        faces.append(TrackedFace(person, "tracked", fake_box(params), params, points, 0.8))
    return faces


def test_a_take_comes_back_with_the_same_people_in_the_same_frames(rng: np.random.Generator):
    rest = np.where(GAZE, 0, 0.8 * MOST_REST)
    _, read = acted(300, rest, rng)

    def moving(index: int) -> tuple[np.ndarray, HeadPose]:
        turn = wxyz_from_axis_angle(np.array([0, 0.3 * np.sin(index / 40), 0]) + 0.004 * rng.normal(size=3))
        place = np.array([100 + index / 10, 80]) + 0.4 * rng.normal(size=2)
        return read[index], HeadPose(turn.astype(np.float32), place.astype(np.float32), 500.0)

    always, later = filmed(300, moving, 1, seed=1), filmed(100, moving, 2, seed=2)
    take = WholeTake()
    for index in range(300):
        there = (always[index], *([later[index - 120]] if 120 <= index < 220 else []))
        take.add(TrackedFrame(index, Fraction(index, FPS), there))
    found = take.settle()
    frames = list(take.frames(fake_landmarks))
    assert [frame.time_s for frame in frames] == [Fraction(index, FPS) for index in range(300)]
    assert [[face.id for face in frame.faces] for frame in frames] == [
        [1, 2] if 120 <= index < 220 else [1] for index in range(300)
    ]
    assert set(found[1]) == {name for name in EXPRESSION_NAMES if not name.startswith("eyeLook")}
    for name, taken in found[1].items():
        assert taken == pytest.approx(rest[EXPRESSION_INDEX[name]], abs=0.04)
    first = [frame.faces[0] for frame in frames]
    assert len({face.params.identity.tobytes() for face in first}) == 1
    np.testing.assert_allclose(first[0].params.identity, always[1].params.identity, atol=0.01)
    assert jitter(np.array([face.params.expression[BROW] for face in first])) < 0.005
    for face, before in zip(first, always, strict=True):
        (points,) = fake_landmarks([face.params])
        np.testing.assert_allclose(face.landmarks_px, points)
        assert face.box.left_px == pytest.approx(fake_box(face.params).left_px, abs=0.05)
        assert np.linalg.norm(face.params.pose.origin_px - before.params.pose.origin_px) < 3
    assert jitter(np.array([face.params.pose.origin_px for face in first])) < 0.3


@pytest.mark.parametrize(("gap", "bridges"), [(12, True), (60, False)])
def test_a_moment_unseen_leads_from_what_was_before_to_what_came_after(gap: int, bridges: bool):
    first, last = 40, 40 + gap

    def moving(index: int) -> tuple[np.ndarray, HeadPose]:
        expression = np.where(np.arange(EXPRESSION_COUNT) == JAW, 0.2 if index < first else 0.8, 0.0)
        turn = wxyz_from_axis_angle(np.array([0, 0.0 if index < first else 0.6, 0])).astype(np.float32)
        place = np.array([100, 80] if index < first else [140, 80], np.float32)
        return expression, HeadPose(turn, place, 500.0)

    take = WholeTake(find_neutral=False)
    for index, face in enumerate(filmed(150, moving, 1, seed=1)):
        # Unseen, the tracker shows a face that fades.
        lost = replace(face, status="fading", params=replace(face.params, expression=0 * face.params.expression))
        take.add(TrackedFrame(index, Fraction(index, FPS), (lost if first <= index < last else face,)))
    take.settle()
    faces = [frame.faces[0] for frame in take.frames(fake_landmarks)]
    assert [face.status for face in faces].count("fading") == gap
    jaw = np.array([face.params.expression[JAW] for face in faces])
    if not bridges:
        assert jaw[first + 5 : last - 5].max() < 0.01
        return
    poses = [face.params.pose for face in faces]
    x, yaw = np.array([(pose.origin_px[0], pose.wxyz[2]) for pose in poses]).T
    for curve in (jaw, x, yaw):
        assert (np.diff(curve[first - 5 : last + 5]) >= -1e-4).all()
        assert np.diff(curve).max() < 2.5 * np.ptp(curve) / (gap + 1)
    assert jaw[(first + last) // 2] == pytest.approx(0.5, abs=0.1)


def test_nobody_is_a_take_too():
    take = WholeTake()
    take.add(TrackedFrame(0, Fraction(0), ()))
    assert take.settle() == {}
    assert [frame.faces for frame in take.frames(fake_landmarks)] == [()]


def test_what_most_looks_from_near_doubt_is_nobody() -> None:
    """1 is hidden now and then; 2 looks like a face at first; 3 was never looked at from near; the detector, which saw
    5 surely once, always doubted 4, and 6, who is surely seen from near; 7 and 8 are tiny, and only 8 is surely seen.
    """
    take = WholeTake(find_neutral=False)
    for index in range(30):
        there = []
        presences = {
            1: 0.3 if index % 3 == 0 else 0.999,
            2: 0.97 if index < 10 else 0.9,
            3: None,
            4: 0.97,
            5: 0.97,
            6: 0.995,
            7: 0.98,
            8: 0.995,
        }
        for person, presence in presences.items():
            confidence = 0.5 if person in (4, 6) or (person == 5 and index != 3) else 0.9
            params = replace(
                fake_params(np.array([100 * person, 100]), 8 if person > 6 else 50, seed=person), presence=presence
            )
            points = fake_landmarks([params])[0]
            there.append(TrackedFace(person, "tracked", fake_box(params), params, points, confidence))
        take.add(TrackedFrame(index, Fraction(index, 30), tuple(there)))
    assert set(take.settle()) == {1, 3, 5, 6, 8}
    assert take.nobody == {2: 30, 4: 30, 7: 30}
    assert [[seen.id for seen in frame.faces] for frame in take.frames(fake_landmarks)] == [[1, 3, 5, 6, 8]] * 30


def test_who_was_recalled_has_the_old_id_from_the_first_frame_on() -> None:
    params = fake_params(np.array([100, 100]), 50)
    face = TrackedFace(1, "tracked", fake_box(params), params, fake_landmarks([params])[0], 0.9)
    take = WholeTake(find_neutral=False)
    for index, person in enumerate([1] * 10 + [2] * 5 + [3] * 5 + [1] * 10):
        take.add(TrackedFrame(index, Fraction(index, 30), (replace(face, id=person),)))
    take.join({}, {3: 2, 2: 1})
    take.settle()
    assert [[seen.id for seen in frame.faces] for frame in take.frames(fake_landmarks)] == [[1]] * 30


def test_ids_that_are_one_person_become_one_from_the_first_frame_to_the_last() -> None:
    def looks(*direction: float) -> Likeness:
        return Likeness(np.array(direction, np.float32), 1, 0.0, True)

    params = fake_params(np.array([100, 100]), 50)
    face = TrackedFace(1, "tracked", fake_box(params), params, fake_landmarks([params])[0], 0.9)
    take = WholeTake(find_neutral=False)
    for index in range(90):
        there = [replace(face, id=1, status="tracked" if index < 30 else "fading")] if index < 45 else []
        there += [replace(face, id=2)] if 40 <= index < 70 else []
        there += [replace(face, id=3)] if index >= 60 else []
        take.add(TrackedFrame(index, Fraction(index, 30), tuple(there)))
    take.join({1: looks(1, 0), 2: looks(0.95, 0.3), 3: looks(1, 0.05)}, {})
    take.settle()
    shown = [[(seen.id, seen.status) for seen in frame.faces] for frame in take.frames(fake_landmarks)]
    # 1 and 3 are most alike and never there together; 2 is there with 3.
    assert shown[:30] == [[(1, "tracked")]] * 30
    assert shown[41] == [(1, "fading"), (2, "tracked")]
    assert shown[65] == [(1, "tracked"), (2, "tracked")]
    assert shown[70:] == [[(1, "tracked")]] * 20
