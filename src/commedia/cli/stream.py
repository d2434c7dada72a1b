"""`commedia stream INPUT --to ADDRESS ...`: faces to other programs, in real time."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import tyro

from commedia.calibration import calibrate as learn_calibration
from commedia.cli.inputs import ended_by_interrupt, in_real_time, open_input, say
from commedia.cli.options import Faces, Mfn, Minutes, Seconds, Sfn, Strength, require_somebody, whole_seconds
from commedia.cli.screen import Screen
from commedia.errors import CommediaError
from commedia.faces.weights import DEFAULT_MFN, DEFAULT_SFN
from commedia.outputs.sink import Sinks
from commedia.outputs.streams.latency import LatencyMeter
from commedia.outputs.streams.open import open_stream
from commedia.pipeline import run as run_pipeline
from commedia.retarget.cast import PAINTED, Cast
from commedia.retarget.performance_edit import PerformanceEdit
from commedia.sources.live.webcam import list_cameras as cameras
from commedia.sources.source import Source
from commedia.tracking.identity import SURE
from commedia.tracking.models import open_models
from commedia.tracking.settings import VIDEO_SETTINGS
from commedia.tracking.tracker import Tracker


def run(
    input: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="INPUT")] = "",
    to: Annotated[tuple[str, ...], tyro.conf.arg(metavar="ADDRESS [ADDRESS ...]")] = (),
    character: Path | None = None,
    loop: tyro.conf.FlagCreatePairsOff[bool] = False,
    seconds: Seconds = None,
    minutes: Minutes = None,
    bench: tyro.conf.FlagCreatePairsOff[bool] = False,
    list_cameras: tyro.conf.FlagCreatePairsOff[bool] = False,
    faces: Faces = None,
    rate: str | None = None,
    mapping: str | None = None,
    calibrate: Path | None = None,
    mirror: tyro.conf.FlagCreatePairsOff[bool] = False,
    possible: tyro.conf.FlagCreatePairsOff[bool] = False,
    strength: Strength = None,
    freeze_identity: tyro.conf.FlagCreatePairsOff[bool] = False,
    mfn: Mfn = DEFAULT_MFN,
    sfn: Sfn = DEFAULT_SFN,
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
        bench: Print latency by number of people, the share of the processor and the memory at the end; needs no --to. A
            file is played as a camera would show it.
        list_cameras: Print this machine's cameras, and end.
        rate: Of recorded motion only: frames per second that its timecodes or frame numbers count, where the file does
            not show it.
        mapping: Which blendshape moves which morph or expression of the character, as in `commedia retarget`.
        calibrate: A photo of the person's face at rest, or a recording that shows it at rest and at its most.
        mirror: Send everything as a mirror shows it.
        possible: Send nothing that no face can make: of blendshapes that exclude each other the weaker gives way.
        freeze_identity: Decide who somebody is within the first second that shows their face, and leave it at that.
    """
    if list_cameras:
        return _print_cameras()
    _require_sense(input, to, bench, faces)
    edit = PerformanceEdit(mirror=mirror, possible=possible, strength=strength)
    seconds = whole_seconds(seconds, minutes)
    screen = Screen()
    streams = [open_stream(text, screen.say) for text in to]
    with open_input(input, rate=rate, seconds=seconds, report=screen.say) as source:
        _require_fitting(source, input, faces, loop)
        models = open_models(mfn, sfn) if source.info.pictures else None
        if models is not None and faces is not None:
            models = models.largest(faces)
        rest = None if calibrate is None else learn_calibration(calibrate, models=models)
        cast = Cast(character, mapping=mapping, edit=replace(edit, calibration=rest), look=PAINTED)
        settings = replace(VIDEO_SETTINGS, settled_identity=SURE) if freeze_identity else None
        playing = in_real_time(source, loop, seconds)
        meter = LatencyMeter(Sinks(streams, screen.say), playing.now_s)
        screen.source, screen.meter = playing, meter
        with ended_by_interrupt(playing):
            seen = run_pipeline(playing, Tracker(models, settings), cast, meter, screen.frame_done)
    screen.say(f"{seen.frames} frames of {len(seen.people)} people sent to {', '.join(to) or 'nobody'}")
    for note in (screen.state(), *(f"note: {note}" for note in (*playing.notes, *(cast.notes if seen.people else ())))):
        screen.say(note)
    if bench:
        screen.print_bench(seen)
    return 0


def _require_sense(input: str, to: tuple[str, ...], bench: bool, faces: int | None) -> None:
    if not input:
        raise CommediaError("nothing to watch; give a file, camera://0 or another address, as --help says")
    if not to and not bench:
        raise CommediaError("--to names nobody; give an address, such as vmc://127.0.0.1:39539")
    require_somebody(faces)


def _require_fitting(source: Source, input: str, faces: int | None, loop: bool) -> None:
    if source.info.is_still:
        raise CommediaError(f"'{input}' does not move; a stream takes a video, recorded motion or an address")
    if faces is not None and not source.info.pictures:
        raise CommediaError(f"--faces chooses among the faces of pictures; '{input}' shows none")
    if source.info.is_live and loop:
        raise CommediaError("--loop begins a file again; what arrives now has no beginning")


def _print_cameras() -> int:
    found = cameras()
    for number, name in found:
        print(f"camera://{number}  {name}")
    if not found:
        say("this machine has no camera; rtsp://..., http://... and '-' are watched too")
    return 0
