"""Pictures to an MP4 that any player opens."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from jaxtyping import UInt8


def write_clip(path: Path, images: Iterable[UInt8[np.ndarray, "h w 3"]], frame_rate: int) -> None:
    """Encode RGB pictures of one even size at a constant rate."""
    with av.open(str(path), "w") as container:
        stream = None
        for index, image in enumerate(images):
            if stream is None:
                stream = container.add_stream("libx264", rate=frame_rate, options={"qp": "17", "preset": "ultrafast"})
                stream.height, stream.width = image.shape[:2]
                stream.pix_fmt = "yuv420p"
            planes = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, frame_rate)
            container.mux(stream.encode(frame))
        assert stream is not None, "a clip needs a picture"
        container.mux(stream.encode())
