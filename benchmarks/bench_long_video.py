"""Does memory stay flat on a long video: peak resident memory in the second minute and in the last.

    python benchmarks/bench_long_video.py [--minutes 10] [--no-preview] [--mfn FILE] [--sfn FILE]

Makes a 640 x 360 video of two drawn heads (four seconds, looped without encoding again), runs `commedia.retarget` on it
in a child process, and reads the child's memory several times a second. Minutes are those of the video. Needs psutil.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from time import sleep

import av
import numpy as np
import psutil
from rich.console import Console

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.evaluation.report import Goal, Table, origin_of, show
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import load_head
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_yaw_pitch_roll
from commedia.render.scene import Surface, View
from commedia.render.shade_numpy import render_mesh

WIDTH_PX, HEIGHT_PX, FRAME_RATE, LOOP_S = 640, 360, 25, 4
GROWTH_GOAL = 1.05
SAMPLE_S = 0.25
CHILD = """
import sys
from commedia import open_models, retarget
path, output, preview, mfn, sfn = sys.argv[1:]
def tell(done, expected):
    print(done, flush=True)
summary = retarget(path, output, models=open_models(mfn, sfn), preview=preview == "True", progress=tell)
"""


def main() -> int:
    """Measure and print; returns 1 when memory grew, 2 when the child failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--preview", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--mfn", default="mfn-desktop")
    parser.add_argument("--sfn", default="sfn-desktop")
    options = parser.parse_args()
    assert options.minutes >= 2, "the second minute is compared with the last"
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "long.mp4"
        write_looped_video(video, options.minutes * 60)
        command = [sys.executable, "-c", CHILD, str(video), f"{folder}/out", str(options.preview)]
        peaks, code = watched_memory([*command, options.mfn, options.sfn])
    if code != 0:
        console.print(f"the child failed with code {code}", style="red")
        return 2
    table = memory_table(peaks, options.minutes, preview=options.preview)
    show(table, console)
    origin = origin_of([], seed=0)
    console.print(f"{origin.machine}; commit {origin.commit}; {origin.date}")
    return 0 if table.goals[0].is_met else 1


def memory_table(peaks: dict[int, int], minutes: int, *, preview: bool) -> Table:
    """Peak memory minute by minute, and the last against the second."""
    rows = tuple((minute + 1, peak / 2**20) for minute, peak in sorted(peaks.items()))
    # A video is read twice, and the second reading draws.
    ratio = peaks[2 * minutes - 1] / peaks[minutes + 1]
    what = f"peak memory of the second reading's minute {minutes} over its minute 2"
    goal = Goal(what, ratio, GROWTH_GOAL, at_most=True)
    notes = (
        f"Minutes 1 to {minutes} are of the first reading, {minutes + 1} to {2 * minutes} of the second.",
        f"{WIDTH_PX} x {HEIGHT_PX}, {FRAME_RATE} frames per second, two faces, preview {'on' if preview else 'off'}.",
    )
    return Table("long-video", "Memory on a long video", ("minute read", "peak MiB"), rows, notes, (goal,))


def watched_memory(command: list[str]) -> tuple[dict[int, int], int]:
    """Run a child that prints its frame number; returns peak bytes by minute of the video, and its exit code."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    process, done = psutil.Process(child.pid), [0]

    def listen() -> None:
        assert child.stdout is not None
        for line in child.stdout:
            done[0] = int(line)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    peaks: dict[int, int] = defaultdict(int)
    while child.poll() is None:
        minute = max(done[0] - 1, 0) // (60 * FRAME_RATE)
        try:
            peaks[minute] = max(peaks[minute], process.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        sleep(SAMPLE_S)
    listener.join()
    return dict(peaks), child.wait()


def write_looped_video(path: Path, seconds: int) -> None:
    """Encode a few seconds of two drawn heads once, and repeat the packets."""
    packets = encoded_loop()
    with av.open(str(path), "w") as container:
        stream = new_stream(container)
        # The codec's header is known only after it was opened.
        stream.codec_context.open()
        period = LOOP_S * FRAME_RATE
        for repeat in range(seconds // LOOP_S):
            for content, pts, dts, is_keyframe in packets:
                packet = av.Packet(content)
                packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, FRAME_RATE), is_keyframe
                packet.pts, packet.dts = pts + repeat * period, dts + repeat * period
                container.mux(packet)


def encoded_loop() -> list[tuple[bytes, int, int, bool]]:
    """Packets of the loop: content, times in frames, and whether decoding may start there."""
    packets = []
    with tempfile.TemporaryDirectory() as folder, av.open(f"{folder}/loop.mp4", "w") as container:
        stream = new_stream(container)
        for index in range(LOOP_S * FRAME_RATE):
            frame = av.VideoFrame.from_ndarray(drawn_frame(index / (LOOP_S * FRAME_RATE)), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, FRAME_RATE)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        return [(bytes(packet), packet.pts, packet.dts, packet.is_keyframe) for packet in packets]


def new_stream(container: av.container.OutputContainer) -> av.VideoStream:
    """H.264 without B-frames, so that loops can be joined end to end."""
    stream = container.add_stream("libx264", rate=FRAME_RATE, options={"crf": "23", "bf": "0", "preset": "veryfast"})
    stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
    stream.codec_context.time_base = Fraction(1, FRAME_RATE)
    return stream


def drawn_frame(phase: float) -> np.ndarray:
    """Two heads that look about and speak; `phase` 0 and 1 are the same picture."""
    head = load_head()
    picture = np.full((HEIGHT_PX, WIDTH_PX, 3), (96, 104, 110), dtype=np.uint8)
    surfaces = []
    for person, x_m in enumerate((-0.2, 0.2)):
        turn = 2 * np.pi * (phase + 0.37 * person)
        expression = np.zeros(EXPRESSION_COUNT, dtype=np.float32)
        expression[EXPRESSION_INDEX["jawOpen"]] = 0.3 + 0.3 * np.sin(4 * turn)
        identity = np.random.default_rng(person).normal(size=IDENTITY_COUNT).astype(np.float32)
        rotation = matrix_from_wxyz(wxyz_from_yaw_pitch_roll(np.array([0.4 * np.sin(turn), 0.1, 0.0])))
        vertices = vertices_from_params(head.model, identity, expression) @ rotation.T + np.array([x_m, 0, 0])
        surfaces.append(Surface(vertices, head.model.triangles, colours=np.tile([0.8, 0.6, 0.5], (len(vertices), 1))))
    return render_mesh(surfaces, View((0.0, -0.02), 900.0, HEIGHT_PX, WIDTH_PX), background=picture, supersample=1)


if __name__ == "__main__":
    sys.exit(main())
