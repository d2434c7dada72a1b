"""The preview as a sink: `preview.mp4` for what moves, `preview.jpg` for one photograph.

A video keeps the source's own frame times, variable or not. Either file takes its final name only when it is complete.
Memory does not grow with the length of the take.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import av.error
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream
from jaxtyping import UInt8

from commedia.errors import OutputFailed, SinkClosed
from commedia.files import Aside, disk_errors, write_file
from commedia.outputs.preview.page import PreviewPage
from commedia.outputs.sink import StreamInfo
from commedia.structures import Moment

CLOCK_HZ = 60000
"""Ticks per second in the file: 24, 25, 29.97, 30, 50, 59.94 and 60 frames per second fall on whole ticks, and MPEG-4
allows no more than 65,535."""
CODECS: tuple[tuple[str, dict[str, str]], ...] = (
    ("libx264", {"qp": "24", "preset": "ultrafast"}),
    ("mpeg4", {"flags": "+qscale", "global_quality": str(3 * 118)}),
)
"""The first that exists is used, as some builds of FFmpeg come without x264; both at constant quality (for MPEG-4 in
steps of 1 / 118). Of x264's presets the fastest: 6 ms a page of 1280 x 720 where `veryfast` takes 26 for the same
quality in 42 % of the bytes; who looks at a preview waits for it, and few keep it. With one `qp` for all pictures it
need not look ahead: 5.3 ms where `crf` 23 takes 6.3, and 6 % fewer bytes (PSNR 40.5 dB, 40.9; pages of two people)."""
JPEG_QUALITY = 92


class PreviewSink:
    """Draws every moment of a take and writes it down."""

    name = "the preview"

    def __init__(self, folder: Path, style: str = "side"):
        """`style` is one of `page.STYLES`."""
        self.files: list[Path] = []
        """The preview, once it has its name; a take without a single frame has none."""
        self._folder, self._style = folder, style
        self._aside: Aside | None = None
        self._video: VideoFile | None = None
        self._photo: UInt8[np.ndarray, "h w 3"] | None = None
        self._closed = False

    def open(self, info: StreamInfo) -> None:
        media, cast = info.media, info.cast
        self._is_photo = media.is_still and media.frame_count == 1
        self._path = self._folder / ("preview.jpg" if self._is_photo else "preview.mp4")
        size = (media.width_px, media.height_px) if media.pictures else (0, 0)
        self._page = PreviewPage(
            *size, lambda face: cast.character_for(face.id, face.params.identity), cast.head, self._style
        )
        self._frame_s = 1 / media.frame_rate

    def send(self, moment: Moment) -> None:
        if self._closed:
            raise SinkClosed(self._path)
        page = self._page.draw(moment)
        if self._is_photo:
            self._photo = page.copy()
            return
        if self._video is None:
            self._aside = Aside(self._path)
            self._video = VideoFile(self._aside.aside, page.shape[1], page.shape[0], self._frame_s)
        self._video.add(page, moment.tracked.time_s)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._photo is not None:
            write_file(self._path, _jpeg(self._photo))
        elif self._video is not None and self._aside is not None:
            self._video.close()
            self._aside.commit()
        else:
            return
        self.files = [self._path]

    def discard(self) -> None:
        self._closed = True
        if self._video is not None:
            self._video.discard()
        if self._aside is not None:
            self._aside.discard()


class VideoFile:
    """An MP4 that is being written, one picture at a time: encoded in a thread of its own beside what comes next."""

    def __init__(self, path: Path, width: int, height: int, frame_s: Fraction):
        self._path = path
        self._frame_ticks = max(1, round(frame_s * CLOCK_HZ))
        self._last_tick = -1
        self._planes = np.zeros((height * 3 // 2, width), dtype=np.uint8)
        # One is filled while the other is encoded: memory that is fresh for each takes longer than to fill it.
        self._frames = [av.VideoFrame(width, height, "yuv420p") for _ in range(2)]
        self._encoder = ThreadPoolExecutor(1, "commedia-encode")
        self._encoding: Future[None] | None = None
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # The library opens the file only when the first packet is ready, which is late to learn that it cannot.
            path.touch()
        try:
            self._container: OutputContainer = av.open(str(path), "w", format="mp4")
            self._stream = _add_stream(self._container, width, height, 1 / frame_s)
        except (av.error.FFmpegError, OSError) as error:
            raise OutputFailed(f"cannot write a video to '{path.parent}': {error}") from error

    def add(self, picture: UInt8[np.ndarray, "h w 3"], time_s: Fraction) -> None:
        """Add a picture that is shown from `time_s` on; times must rise."""
        # OpenCV makes the planes in a seventh of the library's time.
        cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420, dst=self._planes)
        frame = self._filled_frame()
        # Two pictures may fall on one tick of our clock, and a file may not say so.
        tick = max(round(time_s * CLOCK_HZ), self._last_tick + 1)
        frame.pts, frame.time_base, frame.duration = tick, Fraction(1, CLOCK_HZ), self._frame_ticks
        self._last_tick = tick
        self.wait()
        self._encoding = self._encoder.submit(self._write, frame)

    def _filled_frame(self) -> av.VideoFrame:
        """The planes in the frame that was not used last."""
        self._frames.reverse()
        frame, at = self._frames[0], 0
        frame.make_writable()
        for plane in frame.planes:
            rows = np.frombuffer(plane, dtype=np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
            rows[...] = self._planes.reshape(-1)[at : at + rows.size].reshape(rows.shape)
            at += rows.size
        return frame

    def close(self) -> None:
        """Write what the encoder still holds, and the index."""
        try:
            self.wait()
            self._write(None)
            self._container.close()
        except (av.error.FFmpegError, OSError) as error:
            raise OutputFailed(f"cannot finish the video in '{self._path.parent}': {error}") from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Let go of the file without caring for what is in it."""
        self._encoder.shutdown()
        try:
            self._container.close()
        except (av.error.FFmpegError, OSError):
            return

    def wait(self) -> None:
        """Until the last picture is encoded; what went wrong with it is raised here, once."""
        encoding, self._encoding = self._encoding, None
        if encoding is not None:
            encoding.result()

    def _write(self, frame: av.VideoFrame | None) -> None:
        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except (av.error.FFmpegError, OSError) as error:
            raise OutputFailed(f"cannot write the video '{self._path.parent}': {error}") from error


def _add_stream(container: OutputContainer, width: int, height: int, rate: Fraction) -> VideoStream:
    codec, options = next(entry for entry in CODECS if entry[0] in av.codecs_available)
    stream = container.add_stream(codec, rate=Fraction(rate).limit_denominator(1001 * 60), options=options)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = stream.codec_context.time_base = Fraction(1, CLOCK_HZ)
    return stream


def _jpeg(picture: UInt8[np.ndarray, "h w 3"]) -> bytes:
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert done
    return encoded.tobytes()
