"""The loops of `painting_loops` as machine code; in plain Python, a thousand times slower, where numba is missing."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from commedia.geometry.compiled import compiled
from commedia.synthetic import painting_loops
from commedia.synthetic.painting_loops import HEAD_STRENGTHS, SKIN_STRENGTHS

_FLOATS, _LINE, _NUMBERS, _BYTES = "float32[:, ::1]", "float32[::1]", "int64[::1]", "uint8[:, ::1]"
_SIGNATURES = {
    "deviate": f"float32[:, :, ::1], {_NUMBERS}, {_NUMBERS}, {_FLOATS}, {_FLOATS}, {_LINE}, {_FLOATS}",
    "light_points": ", ".join([_FLOATS] * 3),
    "paint_skin": ", ".join(
        [_FLOATS] * 3
        + [_LINE, f"UniTuple(float64, {len(SKIN_STRENGTHS)})", _FLOATS, _FLOATS, "UniTuple(float64, 3)", _FLOATS]
    ),
    "light_head": ", ".join(
        [_FLOATS] * 3 + [_LINE, f"UniTuple(float64, {len(HEAD_STRENGTHS)})", _FLOATS, _NUMBERS] + [_FLOATS] * 4
    ),
    "paint_dress": ", ".join([_FLOATS, _LINE, "UniTuple(float64, 7)", _FLOATS, _NUMBERS] + [_FLOATS] * 4 + [_LINE]),
    "cover": f"{_NUMBERS}, {_FLOATS}, {_LINE}, {_FLOATS}, {_LINE}",
    "show": f"{_FLOATS}, {_LINE}, {_BYTES}",
    "undo_opacity": _BYTES,
    "lay_over": f"{_BYTES}, {_BYTES}, {_BYTES}",
}


@lru_cache(maxsize=len(_SIGNATURES))
def loop(name: str) -> Callable[..., Any]:
    """A loop by its name."""
    plain = getattr(painting_loops, name)
    return compiled(plain, f"void({_SIGNATURES[name]})", fused=True) or plain
