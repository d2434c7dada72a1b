"""`commedia stream INPUT --to ADDRESS ...`: faces to other programs, in real time."""

import sys
from pathlib import Path
from typing import Annotated

import tyro

from commedia.calibration import calibrate as learn_calibration
from commedia.cli.inputs import ended_by_interrupt, open_input
from commedia.errors import CommediaError
from commedia.faces.weights import DEFAULT_MFN, DEFAULT_SFN
from commedia.outputs.sink import Sinks
from commedia.outputs.streams.open import open_stream
from commedia.pipeline import run as run_pipeline
from commedia.retarget.cast import Cast
from commedia.retarget.performance_edit import PerformanceEdit
from commedia.sources.live.receiver import ReceiverSource
from commedia.sources.paced import PacedSource
from commedia.tracking.models import open_models
from commedia.tracking.tracker import Tracker


def run(
    input: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="INPUT")],
    to: Annotated[tuple[str, ...], tyro.conf.arg(metavar="ADDRESS [ADDRESS ...]")],
    character: Path | None = None,
    loop: tyro.conf.FlagCreatePairsOff[bool] = False,
    seconds: float | None = None,
    faces: int | None = None,
    rate: str | None = None,
    mapping: str | None = None,
    calibrate: Path | None = None,
    mirror: tyro.conf.FlagCreatePairsOff[bool] = False,
    mfn: str = DEFAULT_MFN,
    sfn: str = DEFAULT_SFN,
) -> int:
    """Play a video, recorded motion or what a phone sends to other programs, in real time: each frame when its time has
    come; frames that are late are left out and counted.

    Everybody in the picture is sent: by subject, port or number, as docs/streams.md says for each protocol. A receiver
    that is not there is said once, and sees the rest when it comes.

    Args:
        input: A video, an animation, a take.jsonl or another recording of motion; or an address where motion arrives:
            livelink://:11111, ifacialmocap://:49983, vmc://:39539.
        to: Where to send: vmc://127.0.0.1:39539, livelink://HOST:11111, ifacialmocap://HOST:49983,
            openseeface://HOST:11573, osc://HOST:9000, or ws://127.0.0.1:8765, which serves pages on this machine.
        character: The avatar that receivers show, a .vrm: VMC then sends exactly its expressions.
        loop: Begin again at the end.
        seconds: End after this time; of an address, this time after the first packet.
        faces: Follow at most this many faces, the largest of each frame.
        rate: Of recorded motion only: frames per second that its timecodes or frame numbers count, where the file does
            not show it.
        mapping: Which blendshape moves which morph or expression of the character, as in `commedia retarget`.
        calibrate: A photo of the person's face at rest, or a recording that shows it at rest and at its most.
        mirror: Send everything as a mirror shows it.
        mfn: Weights of the network that finds faces: a shipped name, or an .onnx file.
        sfn: Weights of the network that reads single faces: a shipped name, or an .onnx file.
    """
    if not to:
        raise CommediaError("--to names nobody; give an address, such as vmc://127.0.0.1:39539")
    if faces is not None and faces < 1:
        raise CommediaError(f"--faces {faces} leaves nobody to follow; give a number from 1 up")
    sinks = Sinks([open_stream(text, _say) for text in to], _say)
    with open_input(input, rate=rate, seconds=seconds) as source:
        if source.info.is_still:
            raise CommediaError(f"'{input}' does not move; a stream takes a video, recorded motion or an address")
        if faces is not None and not source.info.pictures:
            raise CommediaError(f"--faces chooses among the faces of pictures; '{input}' shows none")
        models = open_models(mfn, sfn) if source.info.pictures else None
        if models is not None and faces is not None:
            models = models.largest(faces)
        rest = None if calibrate is None else learn_calibration(calibrate, models=models)
        cast = Cast(character, mapping=mapping, edit=PerformanceEdit(rest, mirror=mirror))
        endless = isinstance(source, ReceiverSource)
        playing = source if endless else PacedSource(source, loop=loop, seconds=seconds)
        with ended_by_interrupt(playing):
            seen = run_pipeline(playing, Tracker(models), cast, sinks)
    _say(f"{seen.frames} frames of {len(seen.people)} people sent to {', '.join(to)}")
    for note in playing.notes:
        _say(f"note: {note}")
    return 0


def _say(sentence: str) -> None:
    print(f"commedia: {sentence}", file=sys.stderr)
