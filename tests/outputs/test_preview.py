"""Pages show who is where; files keep the source's times, and appear only when whole."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from commedia.characters.character import Character
from commedia.characters.default_head import default_head_character
from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.errors import OutputFailed, SinkClosed, UnknownName
from commedia.face_model.landmarks import face_box_from_params, landmarks_from_params
from commedia.outputs.preview import writer as preview
from commedia.outputs.preview.cards import draw_bare_face
from commedia.outputs.preview.found import person_colour
from commedia.outputs.preview.layout import PAGE_PX, Rectangle, cells, halves
from commedia.outputs.preview.page import FACE_SHARE, STYLES, TALLEST_FACE, PreviewPage
from commedia.outputs.preview.writer import PreviewSink
from commedia.outputs.sink import StreamInfo
from commedia.retarget.cast import Cast
from commedia.sources.source import MediaInfo
from commedia.structures import FaceParams, Frame, HeadPose, Moment, RigPose, Status, TrackedFace, TrackedFrame

NO_TURN = np.array([1.0, 0, 0, 0])
NOBODY: dict[int, RigPose] = {}
VIDEO = MediaInfo(320, 180, Fraction(25), 10, is_still=False)


@pytest.fixture(scope="module")
def character() -> Character:
    return default_head_character()


def tracked_face(person: int, x_px: float, *, status: Status = "tracked", px_per_m: float = 500.0) -> TrackedFace:
    pose = HeadPose(NO_TURN.astype(np.float32), np.array([x_px, 90.0], dtype=np.float32), px_per_m)
    identity, expression = np.zeros(IDENTITY_COUNT, np.float32), np.zeros(EXPRESSION_COUNT, np.float32)
    params = FaceParams(identity, expression, pose)
    return TrackedFace(person, status, face_box_from_params(params), params, landmarks_from_params(params), 0.9)


def moment_at(
    index: int, time_s: Fraction | float = 0, *faces: TrackedFace, poses: Mapping[int, RigPose] = NOBODY
) -> Moment:
    image = np.full((180, 320, 3), 90, dtype=np.uint8)
    tracked = TrackedFrame(index, Fraction(time_s), faces)
    return Moment(Frame(image, index, Fraction(time_s)), tracked, tracked, poses)


def resting(character: Character) -> RigPose:
    return RigPose(np.array(character.rig.rest_weights, dtype=np.float64), NO_TURN, NO_TURN, NO_TURN)


def playing(character: Character) -> Callable[[TrackedFace], Character]:
    return lambda face: character


def opened(folder: Path, info: MediaInfo = VIDEO) -> PreviewSink:
    sink = PreviewSink(folder)
    sink.open(StreamInfo(Path("clip.mp4"), info, Cast()))
    return sink


def close_to(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.abs(picture.astype(int) - colour).max(axis=2) < 12


def person_cells(page: PreviewPage, count: int) -> list[Rectangle]:
    aspect = 0.85 if page.layout.stage.width < 200 else 0.85 / (1 - FACE_SHARE)
    return cells(page.layout.stage, count, aspect)


def part(page: np.ndarray, place: Rectangle) -> np.ndarray:
    return page[place.top : place.top + place.height, place.left : place.left + place.width]


def drawn_by(page: PreviewPage, moment: Moment) -> np.ndarray:
    return page.draw(moment).copy()


def test_a_page_marks_each_face_where_it_is_and_draws_each_character(character: Character) -> None:
    page = PreviewPage(320, 180, playing(character))
    faces = (tracked_face(1, 80), tracked_face(2, 240))
    poses = {face.id: resting(character) for face in faces}
    drawn = drawn_by(page, moment_at(0, 0, *faces, poses=poses))
    place = page.layout.found
    assert drawn.shape == (page.layout.height, page.layout.width, 3)
    found = part(drawn, place)
    half_px = found.shape[1] // 2
    for person, half in ((1, slice(None, half_px)), (2, slice(half_px, None))):
        other = person_colour(3 - person)
        assert close_to(found[:, half], person_colour(person)).sum() > 100
        assert close_to(found[:, half], other).sum() < 5
    alone = drawn_by(page, moment_at(0, 0, faces[0], poses=poses))
    for cell in person_cells(page, 2):
        played = part(drawn, halves(cell, FACE_SHARE)[1])
        middle = played[played.shape[0] // 3 : played.shape[0] // 2]
        assert middle[:, played.shape[1] // 3 : -played.shape[1] // 3].mean() > 90, "a lit face is far brighter"
    assert np.abs(part(alone, place).astype(int) - found)[:, :half_px].mean() < 2


@pytest.mark.parametrize("style", STYLES)
def test_the_actors_face_is_also_shown_bare(character: Character, style: str) -> None:
    """Nothing but the name is drawn over it: it is the frame around the face's box, enlarged."""
    page = PreviewPage(320, 180, playing(character), style=style)
    y, x = np.mgrid[:180, :320]
    image = np.stack([x * 255 / 320, y * 255 / 180, np.full_like(x, 128)], axis=2).astype(np.uint8)
    face = tracked_face(1, 160)
    tracked = TrackedFrame(0, Fraction(0), (face,))
    drawn = drawn_by(page, Moment(Frame(image, 0, Fraction(0)), tracked, tracked, {1: resting(character)}))
    cell = person_cells(page, 1)[0]
    upper = replace(cell, height=min(cell.height, round(TALLEST_FACE * cell.width)))
    bare = part(drawn, upper if style == "overlay" else halves(cell, FACE_SHARE)[0])
    expected = np.zeros_like(bare)
    draw_bare_face(expected, image, face)
    filmed = expected.any(axis=2)
    filmed[:40] = filmed[-12:] = filmed[:, :12] = filmed[:, -12:] = False
    assert filmed.mean() > 0.3
    np.testing.assert_array_equal(bare[filmed], expected[filmed])
    x_px, y_px = face.box.center_px
    middle = bare[bare.shape[0] // 2, bare.shape[1] // 2].astype(float)
    np.testing.assert_allclose(middle, [x_px * 255 / 320, y_px * 255 / 180, 128], atol=5)


def test_a_face_at_the_edge_of_the_frame_has_a_bare_face_with_nothing_beyond_it() -> None:
    image = np.full((180, 320, 3), 200, dtype=np.uint8)
    for x_px in (-500.0, -40.0, 0.0, 160.0, 330.0, 900.0):
        cell = np.zeros((90, 70, 3), dtype=np.uint8)
        draw_bare_face(cell, image, tracked_face(1, x_px))
        assert set(np.unique(cell)) <= {0, 200}
        assert (cell.any() and not cell.all()) == (-100 < x_px < 100 or 220 < x_px < 420), x_px


def test_an_overlay_puts_the_character_where_the_actors_face_is(character: Character) -> None:
    """The default head over itself: its face lies in the face's box, as high as it, and turns with the actor."""
    page = PreviewPage(320, 180, playing(character), style="overlay")
    face = tracked_face(1, 200, px_per_m=400.0)
    bare = drawn_by(page, moment_at(0, 0))
    drawn = drawn_by(page, moment_at(0, 0, face, poses={1: resting(character)}))
    place, box = page.layout.found, face.box
    scale = place.width / 320
    changed = np.abs(part(drawn, place).astype(int) - part(bare, place)).max(axis=2) > 40
    rows, columns = np.nonzero(changed)
    assert np.median(columns) / scale == pytest.approx(box.center_px[0], abs=3)
    inside = changed[round(box.top_px * scale) : round(box.bottom_px * scale), :]
    assert inside.sum() > 0.5 * box.width_px * box.height_px * scale**2
    assert rows.max() / scale > box.bottom_px - 2, "the chin is covered"
    assert np.ptp(columns) / scale < 2 * box.width_px


@pytest.mark.parametrize("style", STYLES)
def test_recorded_motion_shows_the_characters_alone_in_every_style(character: Character, style: str) -> None:
    page = PreviewPage(0, 0, playing(character), style=style)
    tracked = TrackedFrame(0, Fraction(0), (tracked_face(1, 160),))
    drawn = drawn_by(page, Moment(None, tracked, tracked, {1: resting(character)}))
    middle = part(drawn, page.layout.stage)[:, page.layout.stage.width // 2 - 60 : page.layout.stage.width // 2 + 60]
    assert (middle > 120).all(axis=2).mean() > 0.1


def test_an_unknown_style_is_refused_with_the_nearest_name(character: Character) -> None:
    with pytest.raises(UnknownName, match="did you mean 'overlay'"):
        PreviewPage(320, 180, playing(character), style="overlya")


def test_the_character_moves_with_its_pose(character: Character) -> None:
    page = PreviewPage(320, 180, playing(character))
    face, still = tracked_face(1, 160), resting(character)
    names = character.rig.morph_names
    weights = still.weights.copy()
    weights[names.index("jawOpen")] = 1
    opened = RigPose(weights, NO_TURN, NO_TURN, NO_TURN)
    first, second = (drawn_by(page, moment_at(0, 0, face, poses={1: pose})).astype(int) for pose in (still, opened))
    moved = np.abs(first - second).max(axis=2) > 30
    stage = page.layout.stage
    assert moved[:, stage.left :].sum() > 300
    assert moved[:, : stage.left].sum() == 0, "the source shows what was fitted, not what is played"


def test_held_and_fading_faces_look_less_present(character: Character) -> None:
    page = PreviewPage(320, 180, playing(character))
    poses = {1: resting(character)}
    cell = halves(person_cells(page, 1)[0], FACE_SHARE)[1]
    brightness = {}
    for status in ("tracked", "held", "fading"):
        drawn = page.draw(moment_at(0, 0, tracked_face(1, 160, status=status), poses=poses))
        brightness[status] = drawn[cell.top + 80 :, cell.left : cell.left + cell.width].mean()
    assert brightness["tracked"] > brightness["held"] > brightness["fading"]


@pytest.mark.parametrize("size", [(1920, 1080), (480, 270), (720, 1280), (100, 100), (3000, 40), (7, 900)])
@pytest.mark.parametrize("people", [0, 1, 3, 40])
@pytest.mark.parametrize("style", STYLES)
def test_every_shape_of_source_and_crowd_has_a_page(
    character: Character, size: tuple[int, int], people: int, style: str
) -> None:
    page = PreviewPage(*size, playing(character), style=style)
    layout = page.layout
    assert layout.width <= PAGE_PX[0]
    assert layout.height <= PAGE_PX[1]
    assert layout.width % 2 == layout.height % 2 == 0
    frame = Frame(np.zeros((size[1], size[0], 3), dtype=np.uint8), 0, Fraction(0))
    faces = tuple(tracked_face(1 + index, 10.0 * index, px_per_m=40.0) for index in range(people))
    tracked = TrackedFrame(0, Fraction(0), faces)
    page.draw(Moment(frame, tracked, tracked, NOBODY))


@pytest.mark.parametrize("codec", [entry[0] for entry in preview.CODECS])
def test_a_video_keeps_variable_frame_times(tmp_path: Path, codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "CODECS", tuple(entry for entry in preview.CODECS if entry[0] == codec))
    times = [Fraction(0), Fraction(1, 25), Fraction(1, 10), Fraction(1001, 3000), Fraction(2)]
    sink = opened(tmp_path)
    for index, time_s in enumerate(times):
        sink.send(moment_at(index, time_s))
    assert list(tmp_path.glob("preview*")) == [], "nothing under its final name before it is whole"
    sink.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["preview.mp4"]
    with av.open(str(tmp_path / "preview.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.pix_fmt == "yuv420p"
        frames = list(container.decode(stream))
    seen = [frame.pts * frame.time_base for frame in frames]
    assert seen == times


def test_what_is_written_is_what_was_drawn(tmp_path: Path, character: Character) -> None:
    moment = moment_at(0, 0, tracked_face(1, 160), poses={1: resting(character)})
    sink = opened(tmp_path)
    sink.send(moment)
    sink.close()
    drawn = PreviewPage(320, 180, playing(character)).draw(moment)
    with av.open(str(tmp_path / "preview.mp4")) as container:
        decoded = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(decoded.astype(int) - drawn).mean() < 4


def test_a_photograph_becomes_a_photograph(tmp_path: Path, character: Character) -> None:
    sink = opened(tmp_path, MediaInfo(320, 180, Fraction(1), 1, is_still=True))
    sink.send(moment_at(0, 0, tracked_face(1, 160), poses={1: resting(character)}))
    sink.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["preview.jpg"]
    assert sink.files == [tmp_path / "preview.jpg"]
    picture = cv2.imread(str(tmp_path / "preview.jpg"))
    assert picture is not None
    assert picture.shape[1] == PAGE_PX[0]


def test_giving_up_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "preview.mp4").write_text("yesterday's")
    sink = opened(tmp_path)
    sink.send(moment_at(0))
    sink.discard()
    sink.discard()
    assert [entry.name for entry in tmp_path.iterdir()] == ["preview.mp4"]
    assert (tmp_path / "preview.mp4").read_text() == "yesterday's"


def test_a_closed_sink_takes_no_more(tmp_path: Path) -> None:
    sink = opened(tmp_path)
    sink.close()
    sink.close()
    assert list(tmp_path.iterdir()) == sink.files == [], "no frames, no file"
    with pytest.raises(SinkClosed, match=r"preview\.mp4 is already closed"):
        sink.send(moment_at(3))


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "nowhere").write_text("a file where a folder should be")
    sink = opened(tmp_path / "nowhere")
    with pytest.raises(OutputFailed, match="nowhere"):
        sink.send(moment_at(0))
    sink.discard()


def test_nothing_of_the_last_page_stays_on_the_next(character: Character) -> None:
    page, poses = PreviewPage(320, 180, playing(character)), {1: resting(character)}
    left, right = tracked_face(1, 80), tracked_face(2, 240)
    for index, faces in enumerate(((left, right), (left, right), (right,), (), (left,), (right,))):
        moment = moment_at(index, index, *faces, poses=poses)
        fresh = PreviewPage(320, 180, playing(character)).draw(moment)
        np.testing.assert_array_equal(drawn_by(page, moment), fresh, err_msg=f"page {index}")
