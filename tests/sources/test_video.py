"""Videos: exact times, upright pictures, and as much as can be saved of a damaged file."""

import gc
import weakref
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from commedia.errors import UnreadableMedia
from commedia.sources.open import open_source
from commedia.sources.video import upright_from_turn

TIME_BASE = Fraction(1, 600)


def write_video(
    path: Path,
    images: Sequence[np.ndarray],
    ticks: Sequence[int] | None = None,
    *,
    aspect: Fraction | None = None,
    turn_deg: int | None = None,
    codec: str = "libx264",
) -> Path:
    """Encode pictures at the given times, in ticks of 1/600 s; every frame stands alone."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.gop_size = 1
        stream.codec_context.time_base = TIME_BASE
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if turn_deg is not None:
            stream.set_display_rotation(turn_deg)
        for image, tick in zip(images, ticks or range(0, 24 * len(images), 24), strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = tick, TIME_BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def shade(level: int, height: int = 48, width: int = 64) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def corners(height: int = 48, width: int = 64) -> np.ndarray:
    """A dark picture, bright at the top left corner."""
    image = shade(20, height, width)
    image[: height // 2, : width // 2] = 230
    return image


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_variable_frame_rates_keep_their_times(tmp_path: Path, suffix: str):
    ticks = [60, 84, 150, 156, 300, 900, 912]
    path = write_video(tmp_path / f"a.{suffix}", [shade(30 * i) for i in range(len(ticks))], ticks)
    with open_source(path) as source:
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(len(ticks)))
    # Matroska stores milliseconds; MP4 keeps the ticks exactly.
    slack = Fraction(1, 1000) if suffix == "mkv" else 0
    assert all(abs(frame.time_s - Fraction(t - 60, 600)) <= slack for frame, t in zip(frames, ticks, strict=True))
    assert [int(frame.image.mean()) // 15 for frame in frames] == pytest.approx([2 * i for i in range(7)], abs=1)
    assert not source.info.is_still


def test_what_is_known_before_the_first_frame(tmp_path: Path):
    path = write_video(tmp_path / "a.mp4", [shade(90)] * 30)
    info = open_source(path).info
    assert (info.width_px, info.height_px, info.frame_rate, info.frame_count) == (64, 48, 25, 30)


@pytest.mark.parametrize(("turn_deg", "bright"), [(0, (0, 0)), (90, (1, 0)), (180, (1, 1)), (-90, (0, 1))])
def test_rotation_metadata_is_applied(tmp_path: Path, turn_deg: int, bright: tuple[int, int]):
    path = write_video(tmp_path / "a.mp4", [corners()], turn_deg=turn_deg)
    with open_source(path) as source:
        (frame,) = source
    assert frame.image.shape == (source.info.height_px, source.info.width_px, 3)
    assert frame.image.shape[:2] == ((48, 64) if turn_deg in (0, 180) else (64, 48))
    quarters = [[block.mean() for block in np.array_split(half, 2, axis=1)] for half in np.array_split(frame.image, 2)]
    assert np.unravel_index(np.argmax(quarters), (2, 2)) == bright


def test_display_matrices_turn_and_mirror_as_their_definition_says(rng: np.random.Generator):
    image = rng.integers(0, 255, (5, 7, 3), dtype=np.uint8)
    upright = [(p, 0, 0, q) for p in (1, -1) for q in (1, -1)]
    turned = [(0, p, q, 0) for p in (1, -1) for q in (1, -1)]
    for a, b, c, d in upright + turned:
        found = upright_from_turn(image, (a, b, c, d))
        # x' = a x + c y, y' = b x + d y of every pixel centre, moved back to begin at zero.
        y, x = np.mgrid[0:5, 0:7]
        moved_x, moved_y = a * x + c * y, b * x + d * y
        expected = np.zeros_like(found)
        expected[moved_y - moved_y.min(), moved_x - moved_x.min()] = image
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("aspect", "size"), [(Fraction(2, 1), (48, 128)), (Fraction(1, 2), (96, 64))])
def test_pixels_become_square_without_losing_detail(tmp_path: Path, aspect: Fraction, size: tuple[int, int]):
    path = write_video(tmp_path / "a.mp4", [corners()], aspect=aspect)
    (frame,) = open_source(path)
    assert frame.image.shape[:2] == size
    assert frame.image[2, 2].min() > 200 > 60 > frame.image[-3, -3].max()


def test_colours_are_rgb(tmp_path: Path):
    orange = np.broadcast_to(np.array([230, 120, 20], np.uint8), (48, 64, 3)).copy()
    (frame,) = open_source(write_video(tmp_path / "a.mp4", [orange]))
    assert np.abs(frame.image.astype(int) - orange).max() <= 6


def test_a_damaged_stretch_is_skipped_and_said(tmp_path: Path):
    path = write_video(tmp_path / "a.avi", [shade(8 * i) for i in range(30)], codec="mjpeg")
    data = bytearray(path.read_bytes())
    starts = [i for i in range(len(data) - 1) if data[i : i + 2] == b"\xff\xd8"]
    data[starts[10] : starts[10] + 400] = bytes(400)
    path.write_bytes(bytes(data))
    with open_source(path) as source:
        frames = list(source)
    assert 28 <= len(frames) <= 30
    assert [frame.index for frame in frames] == list(range(len(frames)))
    # On one core the decoder says the damage instead of hiding it, and is a frame early from there on.
    assert Fraction(28, 25) < frames[-1].time_s <= Fraction(29, 25), "frames after the damage keep their times"
    assert len(frames) == 30 or "damaged" in source.notes[0]


def test_a_video_that_is_cut_short_gives_what_is_there_and_says_so(tmp_path: Path, rng: np.random.Generator):
    noise = [rng.integers(0, 255, (48, 64, 3), dtype=np.uint8) for _ in range(60)]
    path = write_video(tmp_path / "whole.mp4", noise)
    # The index at the front, as for streaming, so that the file without its end can be opened.
    with av.open(str(path)) as whole, av.open(str(tmp_path / "f.mp4"), "w", options={"movflags": "faststart"}) as fast:
        stream = fast.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                fast.mux(packet)
    data = (tmp_path / "f.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    with open_source(tmp_path / "cut.mp4") as source:
        frames = list(source)
    assert 20 <= len(frames) <= 40
    assert any("cut short: it announces 2.4 s" in note for note in source.notes)


def test_a_whole_video_has_no_notes(tmp_path: Path):
    with open_source(write_video(tmp_path / "a.mp4", [shade(90)] * 40)) as source:
        assert len(list(source)) == 40
    assert source.notes == []


def test_a_video_without_its_index_is_an_error(tmp_path: Path, rng: np.random.Generator):
    noise = [rng.integers(0, 255, (48, 64, 3), dtype=np.uint8) for _ in range(20)]
    data = write_video(tmp_path / "a.mp4", noise).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(UnreadableMedia, match=r"begins like an MP4 file, and is cut short"):
        open_source(tmp_path / "cut.mp4")


@pytest.mark.parametrize(
    ("start", "name"), [(b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff\xe0", "JPEG"), (b"GIF89a", "GIF")]
)
def test_what_is_left_of_a_picture_is_called_so(start: bytes, name: str, tmp_path: Path):
    (tmp_path / "a").write_bytes(start + bytes(20))
    with pytest.raises(UnreadableMedia, match=f"begins like a {name} file, and is cut short or damaged"):
        open_source(tmp_path / "a")


def test_a_sound_file_is_an_error(tmp_path: Path):
    with av.open(str(tmp_path / "a.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(UnreadableMedia, match=r"holds no video stream, only: audio"):
        open_source(tmp_path / "a.wav")


def test_iterating_again_starts_over(tmp_path: Path):
    with open_source(write_video(tmp_path / "a.mp4", [shade(5 * i) for i in range(10)])) as source:
        first = next(iter(source))
        times = [frame.time_s for frame in source]
    assert first.time_s == 0
    assert times == [Fraction(i, 25) for i in range(10)]


def test_frames_are_forgotten_once_handed_out(tmp_path: Path):
    alive: list[weakref.ref] = []
    most = 0
    for frame in open_source(write_video(tmp_path / "a.mp4", [shade(5 * i) for i in range(40)])):
        alive.append(weakref.ref(frame.image))
        most = max(most, sum(reference() is not None for reference in alive))
    assert len(alive) == 40
    assert most <= 2


def test_no_decoded_frame_waits_for_the_garbage_collector(tmp_path: Path):
    """In a program that runs for hours it hardly comes: each frame would be half a megabyte more."""
    source = open_source(write_video(tmp_path / "a.mp4", [shade(5 * i) for i in range(20)], turn_deg=90))
    gc.collect()
    gc.disable()
    try:
        assert sum(1 for _ in source) == 20
        # By type: isinstance would wake what other tests' torch has left lazy.
        assert not [thing for thing in gc.get_objects() if type(thing) is av.VideoFrame]
    finally:
        gc.enable()
