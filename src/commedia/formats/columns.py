"""Columns, keys and categories by name: which of the 52 blendshapes they are, or the time; and the numbers in them.

By name only: the orders of the app's file, its packets and MediaPipe's categories all differ.
"""

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES, plain_morph
from commedia.errors import CommediaError
from commedia.formats.timecode import rate_from_text

_BLENDSHAPES = {plain_morph(name): EXPRESSION_INDEX[name] for name in EXPRESSION_NAMES}
_SIDES = {"l": "left", "r": "right"}
LONGEST_NAME = 64
_TIMES = ("timestamp", "time", "t", "elapsed", "elapsedtime", "capturetime", "recordtime", "devicetime", "systemtime")
_UNITS = {
    "ms": ("ms", "msec", "msecs", "millis", "millisec", "milliseconds", "inmilliseconds", "epochms"),
    "us": ("us", "usec", "micros", "microseconds", "inmicroseconds"),
    "ns": ("ns", "nsec", "nanos", "nanoseconds", "innanoseconds"),
    "s": ("s", "sec", "secs", "seconds", "inseconds"),
}
TIME_NAMES: dict[str, str] = {
    "timecode": "",
    **{time + word: unit for unit, words in _UNITS.items() for word in words for time in _TIMES},
    **{word: unit for unit, words in _UNITS.items() for word in words if len(word) > 1},
    **dict.fromkeys(("ts", *_TIMES, "datetime", "timeutc", "utc", "utctime", "clock", "smpte", "tc"), ""),
    **dict.fromkeys(("frame", "frameindex", "framenumber", "frameno", "frameid", "index"), "frame"),
}
"""What a column or key with the time is called, without case and separators, best first; and its unit, where the name
says one."""
RATE_NAMES = frozenset(("fps", "framerate", "framespersecond", "capturefps", "videofps", "capturerate", "samplerate"))
"""What a file's own frame rate is called, without case and separators."""


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


def plain_name(name: str) -> str:
    """Reduce a column's or key's name to what is compared; empty for one too long to be a name."""
    if len(name) > LONGEST_NAME:
        return ""
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("\u00b5", "u").replace("\u03bc", "u"))


def time_unit(name: str) -> str | None:
    """The unit of a column or key with times: '' where its name does not say, None where it is no time."""
    return TIME_NAMES.get(plain_name(name))


def time_names(names: Sequence[str]) -> list[str]:
    """Of several names those of times, that which is most surely the time's first."""
    order = list(TIME_NAMES)
    known = [name for name in names if time_unit(name) is not None]
    return sorted(known, key=lambda name: order.index(plain_name(name)))


def rate_of(name: str, value: Any) -> Fraction | None:
    """A file's own frame rate from a name and its value (`fps`, 24; `frameRate`, `30000/1001`); None for all else, and
    for what is no rate of a camera."""
    if plain_name(name) not in RATE_NAMES or isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    words = str(value).lower().replace("fps", "").split()
    try:
        return rate_from_text(words[0]) if words and len(words[0]) <= LONGEST_NAME else None
    except CommediaError:
        return None
