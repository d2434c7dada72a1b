"""Which frames a rig is made of: unlike each other, apart in time from those that judge it; and what was not seen."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from fakes import fake_landmarks, fake_params

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.errors import CommediaError
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.personal.frames import MISSING, Sighting, cover, features_of, kept_unseen, missing, worth_of
from commedia.personal.watch import NobodySeen, Watched, expanded, sightings_of, who_is_meant
from commedia.structures import Box, FaceParams, HeadPose, TrackedFace, TrackedFrame


def face(number: int = 1, *, yaw: float = 0.0, px_per_m: float = 600.0, **blendshapes: float) -> TrackedFace:
    expression = np.zeros(EXPRESSION_COUNT, np.float32)
    for name, weight in blendshapes.items():
        expression[EXPRESSION_INDEX[name]] = weight
    plain = fake_params(np.array([100.0, 100.0]), 100.0, expression)
    wxyz = wxyz_from_yaw_pitch_roll(np.array([yaw, 0.0, 0.0])).astype(np.float32)
    params = FaceParams(plain.identity, expression, HeadPose(wxyz, plain.pose.origin_px, px_per_m))
    return TrackedFace(number, "tracked", Box(50.0, 50.0, 150.0, 150.0), params, fake_landmarks([params])[0], 0.9)


def sighting(time_s: float, take: int = 0, **what: float) -> Sighting:
    return Sighting(take, round(30 * time_s), float(time_s), face(**what))


def everything() -> list[Sighting]:
    full = [{name: 1.0 for name in names} for names, _ in MISSING.values()]
    return [sighting(k, **done) for k, done in enumerate(full)] + [sighting(9, yaw=0.5), sighting(10, yaw=-0.5)]


def test_nothing_is_missing_of_who_did_everything() -> None:
    assert missing(everything()) == []


@pytest.mark.parametrize("place", range(len(MISSING)))
def test_what_was_left_out_is_said_and_nothing_else(place: int) -> None:
    shown = everything()
    assert missing(shown[:place] + shown[place + 1 :]) == [list(MISSING)[place]]


def test_sides_are_said() -> None:
    shown = everything()
    assert missing(shown[:-1]) == ["from one side only"]
    assert missing(shown[:-2]) == ["never from the side"]


@pytest.mark.parametrize("seconds", [0.6, 3.0, 12.0])
def test_a_third_of_a_video_is_kept_aside_in_whole_blocks(seconds: float) -> None:
    times = np.arange(0, seconds, 1 / 30)
    aside = kept_unseen([sighting(time_s) for time_s in times])
    assert 0.2 <= aside.mean() <= 0.45
    changes = int(np.abs(np.diff(aside.astype(int))).sum())
    assert changes <= 2 + max(6, seconds / 0.5), "single frames, whose neighbours a rig would be made of"


def test_of_pictures_every_third_is_kept_aside_and_of_two_none() -> None:
    pictures = [sighting(0.0, take) for take in range(7)]
    assert kept_unseen(pictures).tolist() == [False, False, True, False, False, True, False]
    assert not kept_unseen(pictures[:2]).any()


def test_frames_are_chosen_that_are_unlike_those_chosen() -> None:
    shown = [sighting(0.1 * k) for k in range(20)] + [
        sighting(3, jawOpen=1),
        sighting(4, yaw=0.7),
        sighting(5, browInnerUp=0.9),
    ]
    chosen = cover(features_of(shown), worth_of(shown), 4)
    assert {20, 21, 22} <= set(chosen.tolist())
    assert len(set(chosen.tolist())) == 4


def test_a_turned_gaze_is_no_new_frame() -> None:
    shown = [sighting(0), sighting(1, eyeLookInLeft=1, eyeLookOutRight=1), sighting(2, jawOpen=0.2)]
    assert set(cover(features_of(shown), worth_of(shown), 2).tolist()) == {0, 2}


def test_who_is_too_small_is_worth_nothing() -> None:
    near, far = worth_of([sighting(0), sighting(1, px_per_m=150.0)])
    assert near > 0
    assert far == 0


def take(people: dict[int, tuple[int, int]]) -> Watched:
    """A take of people by number: in how many frames each is seen, and whose face it is."""
    looks = {number: np.eye(8)[who] + 0.1 for number, (_, who) in people.items()}
    most = max(count for count, _ in people.values())
    frames = [
        TrackedFrame(k, Fraction(k), tuple(face(number) for number, (count, _) in people.items() if k < count))
        for k in range(most)
    ]
    return Watched(Path("a"), frames, looks)


def test_the_most_seen_of_all_inputs_is_meant_under_whatever_number() -> None:
    takes = [take({1: (9, 0), 2: (8, 1)}), take({1: (5, 1), 2: (1, 3)}), take({1: (4, 4)})]
    meant = who_is_meant(takes, None)
    assert meant == {0: 2, 1: 1}
    assert len(sightings_of(takes, meant)) == 13


def test_who_is_asked_for_by_number_is_meant() -> None:
    takes = [take({1: (9, 0), 2: (2, 1)}), take({1: (5, 1)})]
    assert who_is_meant(takes, 2) == {0: 2, 1: 1}
    with pytest.raises(NobodySeen, match="no person 5 in what was given; people: 1, 2"):
        who_is_meant(takes, 5)


def test_a_folder_is_its_pictures_and_videos(tmp_path: Path) -> None:
    for name in ("b10.jpg", "b2.jpg", "c.mp4", "take.csv", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert [path.name for path in expanded([tmp_path, Path("d.mp4")])] == ["b2.jpg", "b10.jpg", "c.mp4", "d.mp4"]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CommediaError, match="holds no pictures and no videos"):
        expanded([empty])
