"""Pictures that come over a network or a pipe, by PyAV: rtsp, http, https, and a video on standard input.

What comes is hostile. Nothing is fetched but what was named: no redirection is followed, and no format that refers to
other addresses is read (playlists such as HLS and DASH).
"""

import os
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any
from urllib.parse import urlsplit

import av
import av.error

from commedia.errors import UnreadableMedia
from commedia.sources.live.camera import Picture
from commedia.sources.source import reduced_size

PROTOCOLS = {"rtsp": "rtsp,rtp,tcp,udp", "http": "http,tcp", "https": "https,tls,tcp"}
"""What each scheme may make use of."""
FORMATS = "rtsp,sdp,rtp,mpjpeg,mjpeg,mov,mp4,matroska,webm,mpegts,flv,avi,ogg,h264,hevc"
ENDLESS = ("rtsp", "mpjpeg", "mjpeg")
"""These come as they are captured, and whoever ends one is lost. Others are played at their own pace, and have an
end."""
OPEN_S, READ_S = 10.0, 5.0
"""How long is waited for an answer, and for the next piece."""
MOST_BAD = 100
"""So many pieces in a row that hold no picture are enough."""
LONGEST_AHEAD_S = 10.0
"""A picture that says it is due later than this begins another time."""
MOST_PIXELS = 8192 * 4320
"""A larger picture is not decoded."""


def shown_address(text: str) -> str:
    """An address without the password in it, to be printed."""
    parts = urlsplit(text)
    return text if "@" not in parts.netloc else parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


class NetworkCapture:
    """A camera's address, or a pipe, while it is open."""

    def __init__(self, address: str, pipe: int = 0):
        """`address` is an rtsp, http or https address, or `-` for what comes at the file descriptor `pipe`. Raises
        `UnreadableMedia`."""
        self._name = "standard input" if address == "-" else shown_address(address)
        if address == "-" and os.isatty(pipe):
            raise UnreadableMedia("standard input is a terminal; '-' takes a video on a pipe")
        try:
            self._container: Any = _opened(address, pipe)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise UnreadableMedia(f"'{self._name}' cannot be watched: {_why(error)}") from None
        streams = self._container.streams.video
        if not streams:
            self._container.close()
            raise UnreadableMedia(f"'{self._name}' sends no pictures")
        streams[0].codec_context.options = {"max_pixels": str(MOST_PIXELS)}
        self._endless = self._container.format.name.split(",")[0] in ENDLESS
        self.frame_rate: Fraction | None = streams[0].average_rate
        self._pictures, self._begun_s = self._decoded(streams[0]), None

    def read(self) -> Picture | None:
        picture = next(self._pictures, None)
        if picture is None and self._endless:
            raise UnreadableMedia(f"'{self._name}' sends no pictures any more")
        if picture is None:
            return None
        if not self._endless:
            self._wait_for(picture)
        width_px, height_px, _ = reduced_size(picture.width, picture.height)
        return picture.to_ndarray(format="rgb24", width=width_px, height=height_px)

    def close(self) -> None:
        self._container.close()

    def _decoded(self, stream: Any) -> Iterator[Any]:
        """Every picture that can be decoded; what cannot is passed over, up to a limit."""
        packets, bad = self._container.demux(stream), 0
        while True:
            try:
                packet = next(packets, None)
            except av.error.EOFError:
                return
            except (av.error.FFmpegError, OSError) as error:
                raise UnreadableMedia(f"'{self._name}' sends no pictures any more: {_why(error)}") from None
            if packet is None:
                return
            bad += 1
            try:
                for picture in packet.decode():
                    bad = 0
                    yield picture
            except (av.error.FFmpegError, ValueError):
                pass
            if bad > MOST_BAD:
                raise UnreadableMedia(f"'{self._name}' sends nothing that can be decoded")

    def _wait_for(self, picture: Any) -> None:
        """Wait until a picture is due: a file on a pipe comes all at once. One that is late moves those after it."""
        if picture.time is None:
            return
        now_s = time.monotonic()
        begun_s = now_s - picture.time if self._begun_s is None else self._begun_s
        ahead_s = begun_s + picture.time - now_s
        if 0 < ahead_s < LONGEST_AHEAD_S:
            time.sleep(ahead_s)
        else:
            begun_s -= ahead_s
        self._begun_s = begun_s


def _opened(address: str, pipe: int) -> Any:
    options = {"format_whitelist": FORMATS}
    if address == "-":
        return av.open(os.fdopen(pipe, "rb", buffering=0, closefd=False), options=options)
    scheme = urlsplit(address).scheme
    options |= {"protocol_whitelist": PROTOCOLS[scheme], "probesize": "1000000", "analyzeduration": "500000"}
    options |= {"rtsp_transport": "tcp"} if scheme == "rtsp" else {"max_redirects": "0"}
    return av.open(address, options=options, timeout=(OPEN_S, READ_S))


def _why(error: Exception) -> str:
    """What FFmpeg says, in words; never the address, which may hold a password."""
    if isinstance(error, av.error.HTTPError):
        return f"the server answers {str(error).split(']')[-1].split(':')[0].strip() or 'with an error'}"
    said = (getattr(error, "strerror", None) or "").strip()
    if isinstance(error, av.error.ExitError) or "Immediate exit" in said:
        return "no answer in time"
    if isinstance(error, av.error.ConnectionRefusedError | av.error.PermissionError):
        return said
    return f"{said or 'unknown format'} (read are videos, MJPEG and RTSP, not playlists, redirections or pages)"
