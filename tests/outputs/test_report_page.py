"""The report: what it shows, that text from outside stays text, that it needs nobody else and stays small."""

import re
from dataclasses import replace
from fractions import Fraction
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from stage import film, models_for, two_people

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES, IDENTITY_COUNT
from commedia.errors import IncompleteResults
from commedia.face_model.landmarks import face_box_from_params, landmarks_from_params
from commedia.outputs import results
from commedia.outputs.report.curves import curve_svg, strongest
from commedia.outputs.report.page import report_html
from commedia.outputs.report.sink import COLUMNS, PEOPLE, Curves, TraceSink
from commedia.pipeline import retarget
from commedia.structures import FaceParams, Frame, HeadPose, Moment, Status, TrackedFace, TrackedFrame

NO_TURN = np.array([1, 0, 0, 0], dtype=np.float32)
IMAGE = np.full((180, 320, 3), 90, dtype=np.uint8)
HOSTILE = """<script>alert('x')</script>"&<img src=x onerror=y>.mp4"""


@cache
def at_rest() -> TrackedFace:
    pose = HeadPose(NO_TURN, np.array([160.0, 90.0], dtype=np.float32), 500.0)
    params = FaceParams(np.zeros(IDENTITY_COUNT, np.float32), np.zeros(EXPRESSION_COUNT, np.float32), pose)
    return TrackedFace(1, "tracked", face_box_from_params(params), params, landmarks_from_params(params), 0.9)


def face_of(person: int, expression: np.ndarray, status: Status = "tracked") -> TrackedFace:
    """Box and points as at rest, whatever the expression."""
    params = replace(at_rest().params, expression=expression.astype(np.float32))
    return replace(at_rest(), id=person, status=status, params=params)


def trace_of(frames: int, curves: dict[str, np.ndarray], people: int = 1) -> TraceSink:
    sink = TraceSink()
    for index in range(frames):
        expression = np.zeros(EXPRESSION_COUNT)
        for name, values in curves.items():
            expression[EXPRESSION_INDEX[name]] = values[index]
        faces = tuple(face_of(person, expression) for person in range(1, people + 1))
        tracked = TrackedFrame(index, Fraction(index, 25), faces)
        sink.send(Moment(Frame(IMAGE, index, Fraction(index, 25)), tracked, tracked, {}))
    return sink


def summary_of(people: int = 1, frames: int = 50, **more: object) -> dict:
    person = {"tracked_frames": frames, "first_s": 0.0, "last_s": 2.0, "character": "default head"}
    listed = [{"id": number + 1, **person, "files": [f"out/person-{number + 1:02d}.glb"]} for number in range(people)]
    files = ["out/take.jsonl", "out/preview.mp4", "out/report.html"]
    made = {"source": "clip.mp4", "frames": frames, "duration_s": 2.0, "people": listed, "files": files, "notes": []}
    return made | more


class Page(HTMLParser):
    """All elements with their attributes, and the text; fails where a tag is left open."""

    VOID = ("meta", "img", "path")

    def __init__(self, html: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text, self._open = "", []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_each_person_has_pictures_facts_and_the_curves_that_move() -> None:
    time = np.linspace(0, 1, 50)
    curves = {"jawOpen": time, "mouthSmileLeft": 0.5 * time, "browInnerUp": 0.0 * time + 0.9}
    facts = {"seen_s": 1.96, "filled_s": 0.2, "blinks_per_minute": 14.5, "neutral": {"mouthFrownLeft": 0.11},
             "range": {"jawOpen": (0.02, 0.95)}}  # fmt: skip
    summary = summary_of(notes=["3 damaged packets were skipped"])
    summary["people"][0]["facts"] = facts
    page = Page(report_html(summary, trace_of(50, curves).people))
    for said in (
        "person 1",
        "1.96 s",
        "0.20 s",
        "0, 14.5 a minute",
        "mouthFrownLeft",
        "0.11",
        "0.02 to 0.95",
        "3 damaged",
    ):
        assert said in page.text
    assert page.text.index("jawOpen 1.00") < page.text.index("mouthSmileLeft 0.50")
    assert "browInnerUp" not in page.text, "what never moves is no curve"
    assert len(page.all("svg")) == 2
    assert [video["src"] for video in page.all("video")] == ["preview.mp4"]
    pictures = page.all("img")
    assert pictures
    assert all((picture["src"] or "").startswith("data:image/jpeg;base64,") and picture["alt"] for picture in pictures)


def test_what_a_summary_does_not_say_is_not_shown() -> None:
    page = Page(report_html(summary_of(), trace_of(50, {"jawOpen": np.linspace(0, 1, 50)}).people))
    assert "minute" not in page.text
    assert page.all("details") == []
    assert "nothing had to be assumed" in page.text
    nobody = Page(report_html(summary_of(people=0), {}))
    assert "nobody in 50 frames" in nobody.text


def test_text_from_outside_stays_text() -> None:
    summary = summary_of(source=f"in/{HOSTILE}", notes=[HOSTILE])
    summary["people"][0] |= {"character": HOSTILE, "files": [f"out/{HOSTILE}"]}
    summary["people"][0]["facts"] = {"neutral": {HOSTILE: 0.3}, "range": {HOSTILE: (0.0, 1.0)}}
    html = report_html(summary, {})
    page = Page(html)
    assert not {"script", "iframe", "object", "link", "base"} & {tag for tag, _ in page.elements}
    assert "onerror" not in {name for _, attributes in page.elements for name in attributes}
    assert page.all("img") == []
    assert page.text.count("onerror=y") == 7


def test_it_asks_nobody_for_anything() -> None:
    page = Page(report_html(summary_of(), trace_of(50, {"jawOpen": np.linspace(0, 1, 50)}).people))
    links = [value or "" for _, attributes in page.elements for name, value in attributes.items()
             if name in ("src", "href", "data", "action", "poster")]  # fmt: skip
    assert links
    assert all(link.startswith("data:") or ("/" not in link and ":" not in link) for link in links)
    policy = page.all("meta")[1]["content"] or ""
    assert policy.startswith("default-src 'none'")
    assert "url(" not in report_html(summary_of(), {})


def test_six_people_of_a_long_take_stay_under_300_kb() -> None:
    rng = np.random.default_rng(0)
    curves = {name: rng.uniform(0, 1, 300) for name in EXPRESSION_NAMES}
    sink = trace_of(300, curves, people=6)
    noise = rng.integers(0, 256, (112, 112, 3)).astype(np.uint8)
    for trace in sink.people.values():
        for thumbnail in trace.thumbnails:
            thumbnail.picture = noise // 4 + 90  # more detail than faces have
    assert len(report_html(summary_of(people=6, frames=300), sink.people)) < 300_000


def test_more_people_than_fit_are_counted() -> None:
    sink = trace_of(2, {}, people=PEOPLE + 3)
    assert len(sink.people) == PEOPLE
    page = Page(report_html(summary_of(people=PEOPLE + 3, frames=2), sink.people))
    assert f"person {PEOPLE + 3}" in page.text
    assert f"the first {PEOPLE} people" in page.text


@pytest.mark.parametrize("frames", [1, COLUMNS, COLUMNS + 1, 10 * COLUMNS + 7])
def test_curves_keep_every_peak_and_stay_as_small(frames: int) -> None:
    curves = Curves()
    truth = np.random.default_rng(1).uniform(0, 1, (frames, EXPRESSION_COUNT)).astype(np.float32)
    absent = range(frames // 3, frames // 2)
    for index in range(frames):
        if index not in absent:
            curves.add(index, truth[index])
    shown, per = curves.until(frames), curves.frames_per_column
    assert curves.values.shape == (EXPRESSION_COUNT, COLUMNS)
    assert COLUMNS / 2 < shown.shape[1] <= COLUMNS or frames == 1
    for column in range(shown.shape[1]):
        span = [index for index in range(column * per, min((column + 1) * per, frames)) if index not in absent]
        expected = truth[span].max(axis=0) if span else np.full(EXPRESSION_COUNT, np.nan)
        np.testing.assert_array_equal(shown[:, column], expected)


def test_a_gap_in_a_curve_is_a_gap() -> None:
    values = np.array([0.0, 1.0, np.nan, np.nan, 0.5])
    (path,) = re.findall(r'd="([^"]*)"', curve_svg(values))
    assert path.count("M") == path.count("Z") == 2
    assert strongest(np.full((4, 3), np.nan)).tolist() == []


def test_the_thumbnails_are_the_largest_the_calmest_and_the_most_moved() -> None:
    level = np.zeros(30)
    level[10:20] = 0.8
    level[0:5] = 0.2
    trace = trace_of(30, dict.fromkeys(EXPRESSION_NAMES[:20], level)).people[1]
    largest, calmest, moved = trace.thumbnails
    assert 5 <= calmest.time_s * 25 < 10
    assert 10 <= moved.time_s * 25 < 20
    assert largest.picture is not None
    held = TraceSink()
    tracked = TrackedFrame(0, Fraction(0), (face_of(1, np.zeros(EXPRESSION_COUNT), "held"),))
    held.send(Moment(Frame(IMAGE, 0, Fraction(0)), tracked, tracked, {}))
    assert all(thumbnail.picture is None for thumbnail in held.people[1].thumbnails), "nobody saw the face"


def test_recorded_motion_has_curves_and_no_pictures() -> None:
    sink = TraceSink()
    for index in range(5):
        tracked = TrackedFrame(index, Fraction(index), (face_of(1, np.full(EXPRESSION_COUNT, index / 5)),))
        sink.send(Moment(None, tracked, tracked, {}))
    page = Page(report_html(summary_of(frames=5), sink.people))
    assert page.all("img") == []
    assert len(page.all("svg")) == 12


def test_a_report_that_cannot_be_written_is_said_and_the_rest_is_there(tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    world = two_people()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "write_report", full)
        with pytest.raises(IncompleteResults, match="the report failed: No space left"):
            retarget(film(world, tmp_path / "clip.mp4", 4), tmp_path / "out", models=models_for(world))
    kept = ["person-01.csv", "person-01.glb", "preview.mp4", "take.jsonl"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == kept
