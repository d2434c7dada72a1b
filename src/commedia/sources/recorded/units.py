"""Columns and categories by name: which of the 52 units they are, and which numbers can be read from them.

By name only: the orders of the app's file, its packets and MediaPipe's categories all differ.
"""

import math
import re
from functools import lru_cache
from typing import Any

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.retarget.tables import plain_morph

_UNITS = {plain_morph(name): EXPRESSION_INDEX[name] for name in EXPRESSION_NAMES}
_SIDES = {"l": "left", "r": "right"}
LONGEST_NAME = 64


@lru_cache(maxsize=1024)
def unit_index(name: str) -> int | None:
    """Place of a unit in `EXPRESSION_NAMES`: `eyeBlinkLeft`, `EyeBlinkLeft`, `eyeBlink_L`, `blendShape1.eyeBlinkL`."""
    if len(name) > LONGEST_NAME:
        return None
    for part in (name, re.split(r"[.:|]", name, maxsplit=1)[-1]):
        plain = plain_morph(part)
        for form in (plain, plain[:-1] + _SIDES.get(plain[-1:], "?")):
            if form in _UNITS:
                return _UNITS[form]
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
