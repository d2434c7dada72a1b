"""Draws a HEIC photograph, as a phone saves one: one HEVC picture in the boxes of a still."""

import io
import struct

import av
import numpy as np


def heic_bytes(picture: np.ndarray) -> bytes:
    """An RGB picture (h, w, 3), of even sides, as HEIC."""
    height, width = picture.shape[:2]
    config, sample = _hevc(picture)
    data_at = 0
    for _ in range(2):
        # The second time with the right place of the data.
        head = _box(b"ftyp", b"heic", struct.pack(">I", 0), b"mif1heic") + _meta(config, width, height, data_at, sample)
        data_at = len(head) + 8
    return head + _box(b"mdat", sample)


def _meta(config: bytes, width: int, height: int, data_at: int, sample: bytes) -> bytes:
    handler = _full(b"hdlr", struct.pack(">I", 0), b"pict", bytes(12), b"\0")
    item = _box(b"infe", struct.pack(">I", 2 << 24), struct.pack(">HH", 1, 0), b"hvc1", b"\0")
    place = struct.pack(">BBHHHHII", 0x44, 0, 1, 1, 0, 1, data_at, len(sample))
    properties = _box(b"ipco", _box(b"hvcC", config), _full(b"ispe", struct.pack(">II", width, height)))
    properties += _full(b"ipma", struct.pack(">IHBBB", 1, 1, 2, 0x81, 0x02))
    return _full(
        b"meta",
        handler,
        _full(b"pitm", struct.pack(">H", 1)),
        _full(b"iinf", struct.pack(">H", 1), item),
        _full(b"iloc", place),
        _box(b"iprp", properties),
    )


def _box(kind: bytes, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return struct.pack(">I", 8 + len(data)) + kind + data


def _full(kind: bytes, *parts: bytes) -> bytes:
    return _box(kind, bytes(4), *parts)


def _hevc(picture: np.ndarray) -> tuple[bytes, bytes]:
    """The decoder's configuration and the picture's data, from an MP4 of one frame."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as container:
        stream = container.add_stream(
            "libx265",
            rate=1,
            options={"x265-params": "log-level=none:crf=12:bframes=0:frame-threads=1:pools=none:repeat-headers=0"},
        )
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    data = memory.getvalue()
    at = data.index(b"hvcC")
    config = data[at + 4 : at - 4 + struct.unpack_from(">I", data, at - 4)[0]]
    at = data.index(b"mdat")
    return config, data[at + 4 : at - 4 + struct.unpack_from(">I", data, at - 4)[0]]
