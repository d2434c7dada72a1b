"""Draws the troupe's clip: what `commedia demo` runs in a process of its own, beside the work on the first clip.

python -m commedia.demo TROUPE.MP4
"""

import sys
from pathlib import Path

from commedia.demo.clip import write_clip
from commedia.demo.performance import FRAME_RATE
from commedia.demo.troupe import troupe_frames
from commedia.render.shade_compiled import compiled_shading

if __name__ == "__main__":
    # First of all: what is compiled here is kept on disk, and is there when the first preview is drawn elsewhere.
    compiled_shading()
    write_clip(Path(sys.argv[1]), troupe_frames(), FRAME_RATE)
