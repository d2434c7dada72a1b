"""Stories of people in front of a camera, told with fakes that know the truth."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from fakes import NEUTRAL, FakeDetector, FakeRegressor, Person, World, fake_landmarks

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_MIRROR
from commedia.geometry.rotations import mirrored_wxyz
from commedia.sources.source import MediaInfo
from commedia.structures import Frame, TrackedFrame
from commedia.tracking.models import Models, open_models
from commedia.tracking.settings import PHOTO_SETTINGS, VIDEO_SETTINGS, TrackerSettings, TrackLifecycle
from commedia.tracking.tracker import Tracker

Place = Callable[[float], tuple[float, float] | None]


def tracker_of(world: World, settings: TrackerSettings = VIDEO_SETTINGS, **detector: float) -> Tracker:
    return Tracker(Models(FakeDetector(world, **detector), FakeRegressor(world), landmarker=fake_landmarks), settings)


def step(tracker: Tracker, frame: Frame) -> TrackedFrame:
    """Show a frame to a tracker; everyone in it."""
    return TrackedFrame(frame.index, frame.time_s, tracker.step(frame.image, frame.time_s).faces)


def follow(tracker: Tracker, frames: Iterable[Frame], *, raw: bool = False) -> list[tuple[Frame, TrackedFrame]]:
    """Show a tracker frames as a source would."""

    class Film:
        info = MediaInfo(320, 240, Fraction(30), None, is_still=False)

        def __iter__(self) -> Iterator[Frame]:
            return iter(frames)

    return list(tracker.follow(Film(), raw=raw))


def play(
    world: World, frames: int, settings: TrackerSettings = VIDEO_SETTINGS, **detector: float
) -> list[TrackedFrame]:
    tracker = tracker_of(world, settings, **detector)
    return [step(tracker, world.frame(index)) for index in range(frames)]


def still(x: float, y: float = 100.0) -> Place:
    return lambda time_s: (x, y)


def absent(place: Place, start_s: float, end_s: float) -> Place:
    return lambda time_s: None if start_s <= time_s < end_s else place(time_s)


def ids(frame: TrackedFrame) -> list[int]:
    return [face.id for face in frame.faces]


EVERY = [VIDEO_SETTINGS, replace(VIDEO_SETTINGS, detect_every=3), replace(VIDEO_SETTINGS, refine_budget=0)]


def test_an_empty_stage_gives_empty_frames():
    frames = play(World([]), 5)
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.time_s for frame in frames] == [Fraction(index, 30) for index in range(5)]
    assert all(frame.faces == () for frame in frames)


@pytest.mark.parametrize("settings", EVERY)
def test_one_person_is_followed(settings: TrackerSettings):
    world = World([Person(1, lambda t: (60 + 60 * t, 100 + 20 * np.sin(4 * t)))])
    for frame in play(world, 60, settings, jitter_px=0.5)[10:]:
        world.frame(frame.index)
        (face,) = frame.faces
        assert (face.id, face.status) == (1, "tracked")
        np.testing.assert_allclose(face.params.pose.origin_px, world.visible()[0].pose.origin_px, atol=5)


@pytest.mark.parametrize("settings", EVERY)
@pytest.mark.parametrize("same_height", [True, False])
def test_two_who_cross_keep_their_ids(settings: TrackerSettings, same_height: bool):
    front = Person(1, lambda t: (60 + 80 * t, 100), distance=1)
    back = Person(2, lambda t: (260 - 80 * t, 100 if same_height else 115), distance=2)
    frames = play(World([front, back]), 76, settings)
    assert ids(frames[5]) == ids(frames[-1]) == [1, 2]
    first, last = (
        {face.id: face.params.pose.origin_px[0] for face in frame.faces} for frame in (frames[5], frames[-1])
    )
    assert first[1] < first[2]
    assert last[1] > last[2]
    assert {face.id for frame in frames for face in frame.faces} == {1, 2}


@pytest.mark.parametrize("settings", EVERY)
def test_who_is_back_after_a_second_and_a_half_is_still_the_same(settings: TrackerSettings):
    world = World([Person(1, still(80)), Person(2, absent(still(220), 1.0, 2.5))])
    frames = play(world, 120, settings)
    assert ids(frames[-1]) == [1, 2]
    assert [face.status for face in frames[-1].faces] == ["tracked", "tracked"]


def test_who_is_back_after_three_seconds_is_somebody_new():
    world = World([Person(1, still(80)), Person(2, absent(still(220), 1.0, 4.0))])
    frames = play(world, 150)
    assert ids(frames[110]) == [1]
    assert ids(frames[-1]) == [1, 3]


def test_who_comes_back_as_somebody_else_gets_a_new_id():
    world = World([Person(1, absent(still(160), 1.0, 99.0)), Person(2, absent(still(160), 0.0, 1.5))])
    frames = play(world, 90)
    assert {face.id for face in frames[-1].faces if face.status == "tracked"} == {2}


def test_an_exchange_across_a_cut_is_noticed():
    people = [Person(1, absent(still(160), 1.0, 99.0)), Person(2, absent(still(160), 0.0, 1.0))]
    world = World(people, background=lambda t: 90 if t < 1.0 else 180)
    frames = play(world, 60)
    assert {face.id for face in frames[-1].faces if face.status == "tracked"} == {2}


def test_a_lost_face_holds_then_fades_then_ends():
    smile = np.zeros(EXPRESSION_COUNT, np.float32)
    smile[23:25] = 0.8
    person = Person(1, absent(still(160), 1.0, 99.0), expression=lambda t: smile, yaw_pitch_roll=lambda t: (0.5, 0, 0))
    frames = play(World([person]), 110)
    held, fading, neutral = frames[35].faces[0], frames[46].faces[0], frames[57].faces[0]
    assert (held.status, fading.status, neutral.status) == ("held", "fading", "fading")
    np.testing.assert_allclose(held.params.expression, smile, atol=0.01)
    assert 0.05 < fading.params.expression[23] < 0.75
    assert (neutral.params.expression == 0).all()
    np.testing.assert_allclose(neutral.params.pose.wxyz, [1, 0, 0, 0], atol=1e-5)
    assert ids(frames[85]) == [1]
    assert ids(frames[95]) == []


def test_a_face_that_returns_goes_on_from_what_was_shown():
    smile = np.full(EXPRESSION_COUNT, 0.0, np.float32)
    smile[23] = 0.8
    frames = play(World([Person(1, absent(still(160), 1.0, 2.0), expression=lambda t: smile)]), 75)
    shown = [frame.faces[0].params.expression[23] for frame in frames[1:]]
    assert max(np.diff(shown)) < 0.75
    assert shown[-1] > 0.7


def test_twenty_people_keep_twenty_ids(rng: np.random.Generator):
    places = [(40 + 60 * (n % 5), 30 + 55 * (n // 5)) for n in range(20)]
    people = [
        Person(n, lambda t, x=x, y=y, n=n: (x + 8 * np.sin(3 * t + n), y + 6 * np.cos(2 * t + n)), 26.0)
        for n, (x, y) in enumerate(places)
    ]
    frames = play(World(people), 20, jitter_px=0.5)
    assert all(ids(frame) == list(range(1, 21)) for frame in frames[2:])


def test_a_flicker_gets_no_id_and_no_frame():
    world = World([Person(1, lambda t: (160, 100) if 0.3 < t < 0.34 else None)])
    assert all(frame.faces == () for frame in play(world, 30))


def test_a_doubtful_face_goes_on_but_never_begins():
    world = World([Person(1, still(160))])
    tracker = tracker_of(world, confidence=0.3)
    detector = tracker.models.detector
    assert all(step(tracker, world.frame(index)).faces == () for index in range(10))
    detector.confidence = 0.8
    assert [ids(step(tracker, world.frame(index))) for index in range(10, 13)] == [[], [1], [1]]
    detector.confidence = 0.3
    for index in range(13, 60):
        (face,) = step(tracker, world.frame(index)).faces
        assert (face.id, face.status) == (1, "tracked")


def test_a_sure_face_is_there_at_once_and_a_photo_needs_no_second_look():
    assert ids(play(World([Person(1, still(160))]), 1, confidence=0.95)[0]) == [1]
    assert ids(play(World([Person(1, still(160))]), 1, PHOTO_SETTINGS, confidence=0.7)[0]) == [1]


@pytest.mark.parametrize(("is_still", "raw"), [(True, False), (False, True), (False, False)])
def test_photos_and_whole_takes_are_read_mirrored_too(is_still: bool, raw: bool, monkeypatch: pytest.MonkeyPatch):
    world = World([Person(1, still(160))])
    frames = [world.frame(index) for index in range(4)]

    class Film:
        info = MediaInfo(320, 240, Fraction(30), None, is_still=is_still)

        def __iter__(self) -> Iterator[Frame]:
            return iter(frames)

    twice = FakeRegressor(world)
    monkeypatch.setattr(Models, "careful", lambda models: replace(models, regressor=twice))
    list(tracker_of(world).follow(Film(), raw=raw))
    assert bool(twice.crops) == (is_still or raw)


def test_careful_models_read_twice_where_they_can():
    plain = open_models()
    assert plain.careful() == replace(plain, regressor=replace(plain.regressor, flip_average=True))
    faked = tracker_of(World([])).models
    assert faked.careful() is faked


def test_a_photo_is_not_smoothed():
    smile = np.linspace(0, 1, EXPRESSION_COUNT, dtype=np.float32)
    world = World([Person(1, still(160), expression=lambda t: smile)])
    (face,) = play(world, 1, PHOTO_SETTINGS)[0].faces
    np.testing.assert_allclose(face.params.expression, smile, atol=1e-6)


@pytest.mark.parametrize("confirm_frames", [1, 2, 3])
def test_following_a_file_fills_in_the_frames_before_the_confirmation(confirm_frames: int):
    world = World([Person(1, still(160)), Person(2, absent(still(60), 0.0, 0.5))])
    # The law is about confirming; how late a resting detector finds somebody is the next story.
    settings = replace(VIDEO_SETTINGS, detect_every=1, lifecycle=TrackLifecycle(confirm_frames=confirm_frames))
    followed = follow(tracker_of(world, settings), (world.frame(index) for index in range(30)))
    assert [frame.index for frame, _ in followed] == [tracked.index for _, tracked in followed] == list(range(30))
    assert [ids(tracked) for _, tracked in followed] == [[1]] * 15 + [[1, 2]] * 15


def test_a_crop_that_drifts_away_is_put_back():
    world = World([Person(1, lambda t: (60, 100) if t < 0.5 else (90, 100), 60.0)])
    frames = play(world, 40)
    np.testing.assert_allclose(frames[-1].faces[0].params.pose.origin_px, [90, 100], atol=1)
    assert ids(frames[-1]) == [1]


def test_identity_is_the_mean_of_the_readings():
    world = World([Person(1, still(160))])
    frames = play(world, 10)
    np.testing.assert_allclose(frames[-1].faces[0].params.identity, world.visible()[0].identity, atol=1e-5)


def test_times_that_do_not_advance_do_no_harm():
    world = World([Person(1, still(160))])
    tracker = tracker_of(world)
    for index, time_s in enumerate([Fraction(0), Fraction(1, 30), Fraction(1, 30), Fraction(0), Fraction(1, 30)]):
        frame = step(tracker, world.frame(index, time_s))
        assert all(np.isfinite(face.params.pose.origin_px).all() for face in frame.faces)
    assert ids(frame) == [1]


def test_reset_begins_a_new_take():
    world = World([Person(1, still(160))])
    tracker = tracker_of(world)
    for index in range(5):
        step(tracker, world.frame(index))
    tracker.reset()
    assert step(tracker, world.frame(0)).faces == ()
    assert ids(step(tracker, world.frame(1))) == [1]


def test_a_mirrored_picture_gives_mirrored_faces():
    def expression(t: float) -> np.ndarray:
        changed = NEUTRAL.copy()
        changed[0], changed[17] = abs(np.sin(5 * t)), abs(np.sin(3 * t))
        return changed

    people = [
        Person(1, lambda t: (60 + 60 * t, 100), expression=expression, yaw_pitch_roll=lambda t: (0.4, 0.1, 0.2)),
        Person(2, lambda t: (250 - 60 * t, 130), distance=2, width_px=32),
    ]
    straight, mirrored = (play(World(people, mirrored=flip), 45) for flip in (False, True))
    for one, other in zip(straight, mirrored, strict=True):
        by_place = sorted(other.faces, key=lambda face: -face.params.pose.origin_px[0])
        for face, twin in zip(sorted(one.faces, key=lambda f: f.params.pose.origin_px[0]), by_place, strict=True):
            pose, seen = face.params.pose, twin.params.pose
            np.testing.assert_allclose(seen.origin_px, pose.origin_px * [-1, 1] + [320, 0], atol=1e-3)
            expected = face.params.expression[list(EXPRESSION_MIRROR)]
            np.testing.assert_allclose(twin.params.expression, expected, atol=1e-5)
            np.testing.assert_allclose(seen.wxyz, mirrored_wxyz(pose.wxyz), atol=1e-5)


def test_a_live_source_is_never_waited_for() -> None:
    """What was tracked in a frame comes before the next one is asked for; of a film it comes later, with names."""
    world, asked = World([Person(1, lambda time_s: (160, 120), width_px=60)]), []

    class Camera:
        def __init__(self, is_live: bool):
            self.info = MediaInfo(320, 240, Fraction(30), None, is_still=False, is_live=is_live)

        def __iter__(self) -> Iterator[Frame]:
            for index in range(4):
                asked.append(index)
                yield world.frame(index)

    for is_live, ahead in ((True, 0), (False, VIDEO_SETTINGS.lifecycle.confirm_frames - 1)):
        asked.clear()
        for frame, _ in tracker_of(world).follow(Camera(is_live)):
            assert asked[-1] == min(frame.index + ahead, 3)


@pytest.mark.parametrize(("raw", "read"), [(False, VIDEO_SETTINGS.refine_budget), (True, 6)])
def test_a_recording_reads_everybody_from_crops_and_a_stream_only_the_largest(raw: bool, read: int) -> None:
    world = World([Person(number, still(60 + 90 * (number % 3), 60 + 110 * (number // 3))) for number in range(6)])
    tracker = Tracker(Models(FakeDetector(world), FakeRegressor(world), landmarker=fake_landmarks))
    assert len(follow(tracker, map(world.frame, range(30)), raw=raw)) == 30
    assert sum(track.prediction.refined for track in tracker._tracks) == read
