"""The troupe's clip drawn in a process of its own, beside the work on the first clip."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from commedia.render.shade_compiled import compile_from_the_end


@contextmanager
def drawn_aside(troupe: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Draw the troupe's clip in another process, as a thread would wait for this one's Python; it ends with this one.

    What goes wrong there is found out, and said, by whoever then draws the clip here. Both need the compiled loops:
    where nothing is on disk yet, that process compiles them from the first one on, and this one from the last.
    """
    command = [sys.executable, "-m", "commedia.demo", str(troupe)]
    drawing = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    Thread(target=compile_from_the_end, daemon=True).start()
    try:
        yield drawing
    finally:
        drawing.kill()
        drawing.wait()
