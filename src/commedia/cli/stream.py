"""`commedia stream INPUT --to ADDRESS ...`: faces to other programs, in real time."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import tyro

from commedia.calibration import calibrate as learn_calibration
from commedia.cli.inputs import ended_by_interrupt, open_input, say
from commedia.cli.screen import Screen
from commedia.errors import CommediaError
from commedia.faces.weights import DEFAULT_MFN, DEFAULT_SFN
from commedia.outputs.sink import Sinks
from commedia.outputs.streams.latency import LatencyMeter
from commedia.outputs.streams.open import open_stream
from commedia.pipeline import run as run_pipeline
from commedia.retarget.cast import PAINTED, Cast
from commedia.retarget.performance_edit import PerformanceEdit
from commedia.sources.live.newest import NewestSource
from commedia.sources.live.receiver import ReceiverSource
from commedia.sources.live.webcam import list_cameras as cameras
from commedia.sources.paced import PacedSource
from commedia.sources.source import Source
from commedia.tracking.identity import SURE
from commedia.tracking.models import open_models
from commedia.tracking.settings import VIDEO_SETTINGS
from commedia.tracking.tracker import Tracker

Playing = NewestSource | ReceiverSource | PacedSource
"""A source in real time."""


def run(
    input: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="INPUT")] = "",
    to: Annotated[tuple[str, ...], tyro.conf.arg(metavar="ADDRESS [ADDRESS ...]")] = (),
    character: Path | None = None,
    loop: tyro.conf.FlagCreatePairsOff[bool] = False,
    seconds: float | None = None,
    minutes: float | None = None,
    bench: tyro.conf.FlagCreatePairsOff[bool] = False,
    list_cameras: tyro.conf.FlagCreatePairsOff[bool] = False,
    faces: int | None = None,
    rate: str | None = None,
    mapping: str | None = None,
    calibrate: Path | None = None,
    mirror: tyro.conf.FlagCreatePairsOff[bool] = False,
    possible: tyro.conf.FlagCreatePairsOff[bool] = False,
    freeze_identity: tyro.conf.FlagCreatePairsOff[bool] = False,
    mfn: str = DEFAULT_MFN,
    sfn: str = DEFAULT_SFN,
) -> int:
    """Send a camera, a video, recorded motion or what a phone sends to other programs, in real time: always the newest
    picture; those that are late are left out and counted.

    Everybody in the picture is sent: by subject, port or number, as docs/streams.md says for each protocol. A receiver
    that is not there is said once, and sees the rest when it comes.

    Args:
        input: A video, an animation, a take.jsonl or another recording of motion; or an address where motion arrives:
            livelink://:11111, ifacialmocap://:49983, vmc://:39539. Or a camera: camera://0 or camera://NAME of this
            machine, rtsp://..., http://... or https://... (MJPEG or a video), or - for a video on standard input. A
            camera that is lost is waited for.
        to: Where to send: vmc://127.0.0.1:39539, livelink://HOST:11111, ifacialmocap://HOST:49983,
            openseeface://HOST:11573, osc://HOST:9000, or ws://127.0.0.1:8765, which serves pages on this machine.
        character: The avatar that receivers show, a .vrm: VMC then sends exactly its expressions.
        loop: Begin again at the end.
        seconds: End after this time; of an address, this time after the first packet or picture.
        minutes: The same in minutes.
        bench: Print latency by number of people, the share of the processor and the memory at the end; needs no --to. A
            file is played as a camera would show it.
        list_cameras: Print this machine's cameras, and end.
        faces: Follow at most this many faces, the largest of each frame.
        rate: Of recorded motion only: frames per second that its timecodes or frame numbers count, where the file does
            not show it.
        mapping: Which blendshape moves which morph or expression of the character, as in `commedia retarget`.
        calibrate: A photo of the person's face at rest, or a recording that shows it at rest and at its most.
        mirror: Send everything as a mirror shows it.
        possible: Send nothing that no face can make: of blendshapes that exclude each other the weaker gives way.
        freeze_identity: Decide who somebody is within the first second that shows their face, and leave it at that.
        mfn: Weights of the network that finds faces: a shipped name, or an .onnx file.
        sfn: Weights of the network that reads single faces: a shipped name, or an .onnx file.
    """
    if list_cameras:
        return _print_cameras()
    _require_sense(input, to, bench, faces)
    seconds = whole_seconds(seconds, minutes)
    screen = Screen()
    streams = [open_stream(text, screen.say) for text in to]
    with open_input(input, rate=rate, seconds=seconds, report=screen.say) as source:
        _require_fitting(source, input, faces, loop)
        models = open_models(mfn, sfn) if source.info.pictures else None
        if models is not None and faces is not None:
            models = models.largest(faces)
        rest = None if calibrate is None else learn_calibration(calibrate, models=models)
        edit = PerformanceEdit(rest, mirror=mirror, possible=possible)
        cast = Cast(character, mapping=mapping, edit=edit, look=PAINTED)
        settings = replace(VIDEO_SETTINGS, settled_identity=SURE) if freeze_identity else None
        playing = in_real_time(source, loop, seconds)
        meter = LatencyMeter(Sinks(streams, screen.say), playing.now_s)
        screen.source, screen.meter = playing, meter
        with ended_by_interrupt(playing):
            seen = run_pipeline(playing, Tracker(models, settings), cast, meter, screen.frame_done)
    screen.say(f"{seen.frames} frames of {len(seen.people)} people sent to {', '.join(to) or 'nobody'}")
    for note in (screen.state(), *(f"note: {note}" for note in playing.notes)):
        screen.say(note)
    if bench:
        screen.print_bench(seen)
    return 0


def _require_sense(input: str, to: tuple[str, ...], bench: bool, faces: int | None) -> None:
    if not input:
        raise CommediaError("nothing to watch; give a file, camera://0 or another address, as --help says")
    if not to and not bench:
        raise CommediaError("--to names nobody; give an address, such as vmc://127.0.0.1:39539")
    if faces is not None and faces < 1:
        raise CommediaError(f"--faces {faces} leaves nobody to follow; give a number from 1 up")


def _require_fitting(source: Source, input: str, faces: int | None, loop: bool) -> None:
    if source.info.is_still:
        raise CommediaError(f"'{input}' does not move; a stream takes a video, recorded motion or an address")
    if faces is not None and not source.info.pictures:
        raise CommediaError(f"--faces chooses among the faces of pictures; '{input}' shows none")
    if source.info.is_live and loop:
        raise CommediaError("--loop begins a file again; what arrives now has no beginning")


def in_real_time(source: Source, loop: bool, seconds: float | None) -> Playing:
    """What comes now as it is, a file as a camera would show it; recorded motion needs no network, and keeps up."""
    if isinstance(source, NewestSource | ReceiverSource):
        return source
    paced = PacedSource(source, loop=loop, seconds=seconds)
    return NewestSource(paced) if source.info.pictures else paced


def whole_seconds(seconds: float | None, minutes: float | None) -> float | None:
    if seconds is not None and minutes is not None:
        raise CommediaError(f"--seconds {seconds:g} and --minutes {minutes:g} both say when to end; give one")
    if minutes is not None and not 0 < minutes < 1e5:
        raise CommediaError(f"--minutes {minutes:g} is no time to play; give a number above 0")
    return seconds if minutes is None else 60 * minutes


def _print_cameras() -> int:
    found = cameras()
    for number, name in found:
        print(f"camera://{number}  {name}")
    if not found:
        say("this machine has no camera; rtsp://..., http://... and '-' are watched too")
    return 0
