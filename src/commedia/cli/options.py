"""Options that several verbs have, each with its help said once, and what is checked of them."""

from typing import Annotated

import tyro

from commedia.errors import CommediaError

Seconds = Annotated[
    float | None,
    tyro.conf.arg(help="End after this time; of an address, this time after the first packet or picture."),
]
Minutes = Annotated[float | None, tyro.conf.arg(help="The same in minutes.")]
Faces = Annotated[int | None, tyro.conf.arg(help="Follow at most this many faces, the largest of each frame.")]
Mfn = Annotated[str, tyro.conf.arg(help="Weights of the network that finds faces: a shipped name, or an .onnx file.")]
Sfn = Annotated[
    str, tyro.conf.arg(help="Weights of the network that reads single faces: a shipped name, or an .onnx file.")
]

Strength = Annotated[
    float | None,
    tyro.conf.arg(
        help="Play expressions stronger, all but blinks and gaze: what is above 0.15 grows, what is below shrinks, "
        "nothing goes beyond 1. 1 plays what is read, below 1 all is weaker. Without it 1.5 for faces read from "
        "pictures, which come too soft, also when their take is played again, and 1 for motion that others recorded."
    ),
]


def whole_seconds(seconds: float | None, minutes: float | None) -> float | None:
    """`--seconds` and `--minutes` to seconds, None without either; `CommediaError` where they cannot be meant."""
    if seconds is not None and minutes is not None:
        raise CommediaError(f"--seconds {seconds:g} and --minutes {minutes:g} both say when to end; give one")
    if minutes is not None and not 0 < minutes < 1e5:
        raise CommediaError(f"--minutes {minutes:g} is no time to play; give a number above 0")
    return seconds if minutes is None else 60 * minutes


def require_counts(**counts: int | None) -> None:
    """Refuse counts below 1, which leave nothing to do; each goes by the name of its option."""
    for name, count in counts.items():
        if count is not None and count < 1:
            raise CommediaError(f"--{name.replace('_', '-')} {count} leaves nothing; give a number from 1 up")


def require_somebody(faces: int | None) -> None:
    """Refuse a `--faces` that leaves nobody."""
    if faces is not None and faces < 1:
        raise CommediaError(f"--faces {faces} leaves nobody to follow; give a number from 1 up")
