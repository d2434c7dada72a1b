"""Videos in any container PyAV reads: display matrix, pixel aspect and variable frame rate are honoured.

Time is the frame's own presentation time, so a skipped frame leaves a gap in time and none in the numbering. What
cannot be decoded is skipped and said in `notes`; only a file without a single readable frame is an error.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from jaxtyping import UInt8

from commedia.errors import UnreadableMedia
from commedia.formats.stamps import label
from commedia.formats.timecode import DAY_S, PLAUSIBLE_RATES, labels_per_second
from commedia.sources.source import FrameSource, MediaInfo, reduced_size
from commedia.structures import Frame

FALLBACK_FRAME_RATE = Fraction(30)
REFUSED_DEMUXERS = ("tty", "concat", "hls", "dash", "lrc")
"""They draw text as pictures, or follow references to other files."""
PICTURES = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF"}
"""How pictures begin that were too damaged to be recognised."""
CUT_SHORT_S = Fraction(1, 2)
"""A video that ends this long before the end it announces is called cut short."""

Turn = tuple[int, int, int, int]


class VideoSource(FrameSource):
    """The first video stream of a file."""

    def __init__(self, path: Path):
        self.path = path
        self.notes: list[str] = []
        with _opened(path) as container:
            stream = _video_stream(container)
            first = next(_decoded(container, []), None)
            if first is None and _is_still(container):
                raise _not_media(path)
            if first is None:
                raise UnreadableMedia(f"'{path}' holds a video stream, but not one of its frames can be decoded")
            width_px, height_px, scale = _square_pixel_size(first, stream.sample_aspect_ratio)
            self._size = (width_px, height_px)
            self._duration_s = _duration_s(container, stream)
            rate = _frame_rate(stream)
            count = round(self._duration_s * rate) if self._duration_s else stream.frames or None
            start_day_s = _start_day_s(container, stream, rate)
            # Asked of the first only: a frame and its side data hold each other, and their memory, until Python looks
            # for such circles, which in a program that runs for hours it hardly does.
            self._turn = _turn(first)
            if _swaps_axes(self._turn):
                width_px, height_px = height_px, width_px
        still = _is_still(container)
        self.info = MediaInfo(width_px, height_px, rate, count, still, scale=scale, start_day_s=start_day_s)

    def __iter__(self) -> Iterator[Frame]:
        skipped: list[str] = []
        start_s, time_s, index = None, Fraction(0), 0
        with _opened(self.path) as container:
            for picture in _decoded(container, skipped):
                expected_s = time_s + 1 / self.info.frame_rate if index else Fraction(0)
                stamp_s = _stamp_s(picture)
                if start_s is None and stamp_s is not None:
                    start_s = stamp_s - expected_s
                measured_s = stamp_s - start_s if stamp_s is not None and start_s is not None else expected_s
                # Missing and repeated stamps happen in damaged and in remuxed files: time still moves on.
                time_s = measured_s if index == 0 or measured_s > time_s else expected_s
                yield Frame(_upright_rgb(picture, self._size, self._turn), index, time_s)
                index += 1
        self._note_losses(index, time_s, len(skipped))

    def _note_losses(self, frames: int, last_s: Fraction, skipped: int) -> None:
        # A take may be read more than once, and loses the same each time.
        self.notes.clear()
        if skipped:
            self.notes.append(f"{skipped} damaged packets of '{self.path.name}' were skipped")
        if self._duration_s is not None and self._duration_s - last_s > CUT_SHORT_S + 1 / self.info.frame_rate:
            self.notes.append(
                f"'{self.path.name}' is cut short: it announces {float(self._duration_s):.1f} s "
                f"and ends at {float(last_s):.1f} s, after {frames} frames"
            )


def upright_from_turn(image: UInt8[np.ndarray, "h w 3"], turn: Turn) -> UInt8[np.ndarray, "a b 3"]:
    """Apply the linear part (a, b, c, d) of a display matrix, x' = a x + c y and y' = b x + d y, to the nearest right
    angle. A mirroring matrix mirrors."""
    a, b, c, d = turn
    turned = _swaps_axes(turn)
    x_sign, y_sign = (c, b) if turned else (a, d)
    image = image.transpose(1, 0, 2) if turned else image
    return np.ascontiguousarray(image[:: -1 if y_sign < 0 else 1, :: -1 if x_sign < 0 else 1])


def _swaps_axes(turn: Turn) -> bool:
    a, b, c, d = turn
    return abs(b) + abs(c) > abs(a) + abs(d)


def _turn(picture: VideoFrame) -> Turn:
    data = picture.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 1, 0, 0, 1
    a, b, _, c, d = (int(value) for value in np.frombuffer(bytes(data), np.int32)[:5])
    return a, b, c, d


def _upright_rgb(picture: VideoFrame, size: tuple[int, int], turn: Turn) -> UInt8[np.ndarray, "h w 3"]:
    width_px, height_px = size
    if any(component.is_alpha for component in picture.format.components):
        layer = picture.to_ndarray(format="rgba", width=width_px, height=height_px).astype(np.uint16)
        image = ((layer[..., :3] * layer[..., 3:] + 255 * (255 - layer[..., 3:]) + 127) // 255).astype(np.uint8)
    else:
        image = picture.to_ndarray(format="rgb24", width=width_px, height=height_px)
    return upright_from_turn(image, turn)


def _square_pixel_size(picture: VideoFrame, aspect: Fraction | None) -> tuple[int, int, float]:
    """Enlarge the side whose pixels are long, so that no detail is lost, then fit into the largest size."""
    aspect = aspect or Fraction(1)
    wide, high = max(aspect, Fraction(1)), max(1 / aspect, Fraction(1))
    return reduced_size(round(picture.width * wide), round(picture.height * high))


def _stamp_s(picture: VideoFrame) -> Fraction | None:
    stamp = picture.pts if picture.pts is not None else picture.dts
    return None if stamp is None or picture.time_base is None else stamp * picture.time_base


def _frame_rate(stream: VideoStream) -> Fraction:
    slowest, fastest = PLAUSIBLE_RATES
    candidates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    return next((rate for rate in candidates if rate and slowest <= rate <= fastest), FALLBACK_FRAME_RATE)


def _start_day_s(container: InputContainer, stream: VideoStream, rate: Fraction) -> Fraction | None:
    """What the timecode of the first frame shows: of the video, of a track beside it, or of the whole file."""
    noted = (holder.metadata.get("timecode", "") for holder in (stream, *container.streams, container))
    found = label(next(filter(None, noted), None))
    per_second = labels_per_second(rate)
    if found is None or found.count >= per_second:
        return None
    return (found.whole_s + found.count / per_second) % DAY_S


def _duration_s(container: InputContainer, stream: VideoStream) -> Fraction | None:
    if stream.duration is not None and stream.time_base is not None:
        return stream.duration * stream.time_base
    return None if container.duration is None else Fraction(container.duration, av.time_base)


def _is_still(container: InputContainer) -> bool:
    return container.format.name == "image2" or container.format.name.endswith("_pipe")


def _video_stream(container: InputContainer) -> VideoStream:
    """Take the first stream that moves; the cover picture of a music file does not."""
    return next(s for s in container.streams.video if not s.disposition & Disposition.attached_pic)


def _opened(path: Path) -> InputContainer:
    try:
        # Prefix and whitelist keep a name like 'http:video.mp4', or a playlist, from reaching for the network.
        # Titles and the like may be in any encoding, or damaged.
        options = {"protocol_whitelist": "file"}
        container = av.open(f"file:{path}", options=options, metadata_errors="replace")
    except (av.error.FFmpegError, OSError) as error:
        raise _not_media(path) from error
    if container.format.name.split(",")[0] in REFUSED_DEMUXERS:
        container.close()
        raise _not_media(path)
    if not any(not s.disposition & Disposition.attached_pic for s in container.streams.video):
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        container.close()
        raise UnreadableMedia(f"'{path}' holds no video stream, only: {kinds}")
    return container


def _not_media(path: Path) -> UnreadableMedia:
    return UnreadableMedia(f"'{path}' is neither a picture nor a video that can be read: {_content(path)}")


def _content(path: Path) -> str:
    """Describe the first bytes of a file nobody could read."""
    with path.open("rb") as file:
        head = file.read(512)
    if head[4:8] in (b"ftyp", b"moov", b"mdat"):
        return "it begins like an MP4 file, and is cut short or damaged"
    if known := next((name for start, name in PICTURES.items() if head.startswith(start)), None):
        return f"it begins like a {known} file, and is cut short or damaged"
    if head and all(byte >= 32 or byte in b"\t\r\n" for byte in head):
        return "it holds text"
    return f"it begins with the bytes {head[:8].hex(' ')}"


def _decoded(container: InputContainer, skipped: list[str]) -> Iterator[VideoFrame]:
    """Decode the video; what is said of packets that cannot be read or decoded is appended to `skipped`."""
    stream = _video_stream(container)
    stream.thread_type = "AUTO"
    packets = container.demux(stream)
    while True:
        try:
            # A reading error ends the generator, so the next turn ends the video.
            packet = next(packets, None)
            pictures = [] if packet is None else packet.decode()
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError) as error:
            skipped.append(str(error))
            continue
        if packet is None:
            return
        yield from pictures
