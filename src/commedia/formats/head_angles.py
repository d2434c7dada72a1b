"""Columns of a table to the turn of a head: which columns they are, and whether they count radians or degrees.

Nothing in such a file has to say its unit. Names do, or how far a head and an eye can turn at all, how fast, what the
eyes' own blendshapes say, and whether every number is whole; what is left is said in the summary.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import pi

import numpy as np
from jaxtyping import Float

from commedia.formats.columns import plain_name

HEAD_ANGLES = ("yaw", "pitch", "roll")
LOOKS = {
    **{"lefteyeyaw": ("eyeLookInLeft", "eyeLookOutLeft"), "righteyeyaw": ("eyeLookInRight", "eyeLookOutRight")},
    **{"lefteyepitch": ("eyeLookUpLeft", "eyeLookDownLeft"), "righteyepitch": ("eyeLookUpRight", "eyeLookDownRight")},
}
"""Columns of eye angles, and the blendshapes that say the same: at 1 an eye is turned by 25 to 35 degrees."""
UNITS = {"radians": 1.0, "degrees": pi / 180}
FARTHEST = np.array([2.0, 2.0, 3.3])
"""Radians of yaw, pitch and roll that no camera sees a face at; as degrees they are small."""
UPRIGHT = 2.0
"""Radians of roll from which on a head is upside down, which is rarer than a file in degrees."""
FASTEST = 0.5
"""Radians from one row to the next, more than 400 degrees a second in any film: no neck does that all the time."""
LARGE = 1.2
"""Radians that only turned heads reach."""
STILL = 0.02
EYE_RATIO = 5.0
"""Of an eye's angle to its blendshape: about 0.5 in radians, 30 in degrees."""
_UNIT_ENDS = (("degrees", ("degrees", "degree", "deg")), ("radians", ("radians", "radian", "rad")))
_HEAD = re.compile(r"(?:head|face|pose|headpose|headrotation|headrot|facepose)?(yaw|pitch|roll)")


@dataclass(frozen=True)
class AngleColumns:
    """Where the head's angles stand, and what their names say."""

    columns: tuple[int | None, int | None, int | None]
    """Of yaw, pitch and roll."""
    unit: str
    """As their names have it, or nothing."""


def angle_columns(names: Sequence[str]) -> AngleColumns:
    """Find `HeadYaw`, `head_yaw_deg`, `Head Pitch (rad)`, `roll°` and the like, first come first taken."""
    found: dict[str, int] = {}
    units: dict[str, None] = {}
    for column, name in enumerate(names):
        core, unit = _core_and_unit(name)
        match = _HEAD.fullmatch(core)
        # A bare `yaw` is a head's where no column says so in full.
        if match is not None and (match[1] not in found or core.startswith("head") > _is_full(names[found[match[1]]])):
            found[match[1]] = column
            units |= {unit: None} if unit else {}
    return AngleColumns(tuple(map(found.get, HEAD_ANGLES)), next(iter(units)) if len(units) == 1 else "")  # pyright: ignore


def eye_columns(names: Sequence[str]) -> dict[int, tuple[str, str]]:
    """Columns with an eye's angle, and the two blendshapes that restate each."""
    cores = {column: _core_and_unit(name)[0] for column, name in enumerate(names)}
    return {column: LOOKS[core] for column, core in cores.items() if core in LOOKS}


def judged_unit(
    head: Float[np.ndarray, "n 3"],
    largest: Float[np.ndarray, "3"],
    eyes: Float[np.ndarray, "k 2"],
    *,
    named: str,
    from_app: bool,
) -> tuple[str, str]:
    """`radians` or `degrees`, and what a reader has to know of that choice, which may be nothing.

    `head` are yaw, pitch and roll of the first rows, not finite where there is none; `largest` their sizes in the whole
    file; `eyes` sums of sizes of eye angles and of the blendshapes that say the same; `named` what the columns' names
    say; `from_app` whether it looks like a file of Live Link Face, which writes radians.
    """
    most, shown = float(largest.max()), f"its head angles go to {float(largest.max()):.3g}"
    if named or most == 0:
        return named or "radians", ""
    if (largest > FARTHEST).any():
        return "degrees", f"{shown}, beyond what a head turns in radians, so they were read as degrees"
    turned, looked = (float(part) for part in eyes.sum(axis=0)) if len(eyes) else (0.0, 0.0)
    if turned > STILL and looked > STILL:
        if turned / looked > EYE_RATIO:
            return "degrees", "its eye angles fit the eyeLook blendshapes as degrees, so the head's were read as those"
        return "radians", ""
    finite = head[np.isfinite(head)]
    settle = "--angles settles it"
    if most >= 1 and (finite == np.round(finite)).all():
        return "degrees", f"its head angles are whole numbers, so they were read as degrees; {settle}"
    if largest[2] > UPRIGHT:
        return "degrees", f"{shown}, upside down in radians, so they were read as degrees; {settle}"
    if _fast(head):
        return (
            "degrees",
            f"{shown} and change faster than a head turns in radians, so they were read as degrees; {settle}",
        )
    weak = most > (LARGE if from_app else STILL)
    return "radians", f"{shown} and were taken for radians; {settle}" if weak else ""


def _fast(head: Float[np.ndarray, "n 3"]) -> bool:
    if len(head) < 3:
        return False
    steps = np.abs(np.diff(head, axis=0)).max(axis=1)
    steps = steps[np.isfinite(steps)]
    return len(steps) > 1 and float(np.percentile(steps, 75)) > FASTEST


def _is_full(name: str) -> bool:
    return plain_name(name).startswith("head")


def _core_and_unit(name: str) -> tuple[str, str]:
    plain = plain_name(name.rpartition(".")[2] if name.count(".") == 1 else name)
    if "\u00b0" in name or "\u00ba" in name:
        return plain.removesuffix("deg"), "degrees"
    for unit, ends in _UNIT_ENDS:
        for end in ends:
            if plain.endswith(end) and len(plain) > len(end):
                return plain.removesuffix(end).removesuffix("in"), unit
    return plain, ""
