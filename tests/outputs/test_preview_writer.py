"""What is in the preview's video is what was drawn."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from commedia.outputs.preview.found import resized
from commedia.outputs.preview.writer import VideoFile


@pytest.mark.parametrize("height", [62, 360, 594, 596])
def test_colours_stay_where_they_were_drawn(tmp_path: Path, height: int) -> None:
    """Planes are laid out by height: a library once took those of some heights from other rows."""
    tiles = np.random.default_rng(height).integers(60, 200, (height // 62 + 1, 4, 3)).astype(np.uint8)
    drawn = resized(tiles, 128, height)
    file = VideoFile(tmp_path / "a.mp4", 128, height, Fraction(1, 25))
    for index in range(3):
        file.add(drawn, Fraction(index, 25))
    file.close()
    with av.open(str(tmp_path / "a.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 3
    for frame in frames:
        smooth = cv2.blur(frame, (9, 9)).astype(int) - cv2.blur(drawn, (9, 9))
        assert np.abs(smooth).max() < 10
