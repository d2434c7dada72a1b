"""Where performers stand: photographs from a tar named by the user, or made-up backdrops when there is none."""

import tarfile
from pathlib import Path

import cv2
import numpy as np

from commedia.errors import UnreadableMedia
from commedia.synthetic.noise import random_backdrop
from commedia.synthetic.performers import Stream

HELD_BACK = 60
"""How many photographs, the last by name, only the test stream sees."""


class Backgrounds:
    """Random windows of photographs; holds them decoded, since they are few."""

    def __init__(self, pictures: list[np.ndarray]):
        self._pictures = pictures

    def window(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        """Cut out and resize a random part, sometimes mirrored, tinted or out of focus; RGB uint8."""
        if not self._pictures or rng.uniform() < 0.12:
            return random_backdrop(rng, height, width)
        picture = self._pictures[rng.integers(len(self._pictures))]
        scale = min(picture.shape[0] / height, picture.shape[1] / width) * rng.uniform(0.35, 1.0)
        rows, columns = max(int(height * scale), 8), max(int(width * scale), 8)
        top = int(rng.integers(0, picture.shape[0] - rows + 1))
        left = int(rng.integers(0, picture.shape[1] - columns + 1))
        part = cv2.resize(picture[top : top + rows, left : left + columns], (width, height))
        if rng.uniform() < 0.5:
            part = part[:, ::-1]
        if rng.uniform() < 0.35:
            part = cv2.GaussianBlur(part, (0, 0), float(rng.uniform(0.5, 5)))
        gain = rng.uniform(0.6, 1.2) * (1 + rng.normal(0, 0.04, 3))
        table = cv2.convertScaleAbs(np.arange(256, dtype=np.float32)[:, None] * gain.astype(np.float32))
        return cv2.LUT(part, table[:, None])


def load_backgrounds(path: Path | None, stream: Stream) -> Backgrounds:
    """Read a tar of pictures; the training stream never sees the last `HELD_BACK`, the test stream only them."""
    if path is None:
        return Backgrounds([])
    try:
        with tarfile.open(path) as tar:
            members = sorted((m for m in tar if m.isfile()), key=lambda member: member.name)
            chosen = members[:-HELD_BACK] if stream == "train" else members[-HELD_BACK:]
            contents = [stream_.read() for m in chosen if (stream_ := tar.extractfile(m)) is not None]
    except (OSError, tarfile.TarError) as error:
        raise UnreadableMedia(f"'{path}' is not a readable tar of pictures ({error})") from error
    decoded = (cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) for content in contents)
    pictures = [cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB) for bgr in decoded if bgr is not None]
    if not pictures:
        raise UnreadableMedia(f"'{path}' holds no picture for the {stream} stream; found {len(members)} files")
    return Backgrounds(pictures)
