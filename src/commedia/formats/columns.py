"""Columns, keys and categories by name: which of the 52 blendshapes they are, or the time; and the numbers in them.

By name only: the orders of the app's file, its packets and MediaPipe's categories all differ.
"""

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES, plain_morph

_BLENDSHAPES = {plain_morph(name): EXPRESSION_INDEX[name] for name in EXPRESSION_NAMES}
_SIDES = {"l": "left", "r": "right"}
LONGEST_NAME = 64
TIME_NAMES: dict[str, str] = {
    "timecode": "",
    **dict.fromkeys(("timestampms", "timems", "timestampinmilliseconds", "timestampmilliseconds", "ms"), "ms"),
    **dict.fromkeys(("timestampus", "timeus", "timestampmicroseconds"), "us"),
    **dict.fromkeys(("timestampns", "timens", "timestampnanoseconds"), "ns"),
    **dict.fromkeys(("times", "timestamps", "timesec", "timestampsec", "timeseconds", "seconds"), "s"),
    **dict.fromkeys(("timestamp", "time", "t"), ""),
    **dict.fromkeys(("frame", "frameindex", "framenumber", "frameid", "index"), "frame"),
}
"""What a column or key with the time is called, without case and separators, best first; and its blendshape, where the
name says one."""


@lru_cache(maxsize=1024)
def blendshape_index(name: str) -> int | None:
    """Place of a blendshape in `EXPRESSION_NAMES`: `eyeBlinkLeft`, `EyeBlinkLeft`, `eyeBlink_L`,
    `blendShape1.eyeBlinkL`."""
    if len(name) > LONGEST_NAME:
        return None
    for part in (name, re.split(r"[.:|]", name, maxsplit=1)[-1]):
        plain = plain_morph(part)
        for form in (plain, plain[:-1] + _SIDES.get(plain[-1:], "?")):
            if form in _BLENDSHAPES:
                return _BLENDSHAPES[form]
    return None


def number(value: Any) -> float | None:
    """A finite number, also one written as text; None for all else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > LONGEST_NAME:
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def time_unit(name: str) -> str | None:
    """The blendshape of a column or key with times: '' where its name does not say, None where it is no time."""
    return TIME_NAMES.get(re.sub(r"[^a-z0-9]", "", name.lower())) if len(name) < 32 else None


def time_name(names: Sequence[str]) -> str | None:
    """Of several names the one that is most surely the time's."""
    order = list(TIME_NAMES)
    known = [name for name in names if time_unit(name) is not None]
    return min(known, key=lambda name: order.index(re.sub(r"[^a-z0-9]", "", name.lower())), default=None)
