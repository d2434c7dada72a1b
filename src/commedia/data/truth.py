"""What is exactly known of one drawn face beyond its label: who it is in 3D, how it is painted, how it was filmed.

Vertices are not stored: `synthetic/truth.py` makes them again. Numbers are those the picture was drawn with, unrounded.
"""

import io
import json
import struct
import zipfile
import zlib
from dataclasses import dataclass
from tokenize import TokenError
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.face_model.model import PARSE_CLASSES, REGIONS, HeadModel

COVERED = 255
"""Of a pixel of a parse map where something (hair, glasses, a hand) is before the face."""

PARSE_UNKNOWN = 254
"""Where nobody knows what a pixel shows: beyond the picture, or where a photograph's label is not to be trusted."""

_MERGED = {
    **dict.fromkeys(("left_lids", "right_lids"), PARSE_CLASSES.index("skin")),
    **dict.fromkeys(("teeth", "tongue"), PARSE_CLASSES.index("inner_mouth")),
    "left_socket": PARSE_CLASSES.index("left_eye"),
    "right_socket": PARSE_CLASSES.index("right_eye"),
}

ParseMap = UInt8[np.ndarray, "h2 w2"]

_SHAPES = {
    "identity": (IDENTITY_COUNT,),
    "sizes": (EXPRESSION_COUNT,),
    "deviations": (EXPRESSION_COUNT, 4, 8),
    "expression": (EXPRESSION_COUNT,),
    "wxyz": (4,),
    "camera": (4,),
}


def parse_classes(head: HeadModel) -> UInt8[np.ndarray, "v"]:
    """Which of `PARSE_CLASSES` each vertex of a head belongs to."""
    of_region = {name: PARSE_CLASSES.index(name) for name in PARSE_CLASSES[1:]} | _MERGED
    return np.array([of_region.get(name, 0) for name in REGIONS], np.uint8)[head.vertex_region]


_NO_NPZ = (
    *(OSError, EOFError, KeyError, ValueError, TypeError, RuntimeError, MemoryError, SyntaxError, TokenError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)
"""What numpy and zipfile raise for bytes that are no archive of arrays: 2,000 damaged ones raised most of these."""


@dataclass(frozen=True)
class DrawnTruth:
    """One frame of one drawn person."""

    identity: Float[np.ndarray, "50"]
    sizes: Float[np.ndarray, "52"]
    """How far each blendshape goes on this person, and ..."""
    deviations: Float[np.ndarray, "52 4 8"]
    """... how its shape differs from the head model's, see `synthetic/deviations.py`."""
    expression: Float[np.ndarray, "52"]
    """Weights of this frame."""
    wxyz: Float[np.ndarray, "4"]
    camera: Float[np.ndarray, "4"]
    """Pixel of the head's origin (x, y), pixels per metre there, metres to the camera (infinite: weak perspective)."""
    paint: dict[str, Any]
    """The fields of `synthetic.appearance.Appearance`."""


def truth_to_bytes(truth: DrawnTruth) -> bytes:
    """The arrays as a compressed npz, the paint as JSON inside it."""
    arrays: dict[str, Any] = {name: np.asarray(getattr(truth, name), np.float32) for name in _SHAPES}
    arrays["paint"] = np.frombuffer(json.dumps(truth.paint, separators=(",", ":")).encode(), np.uint8)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def truth_from_bytes(content: bytes) -> DrawnTruth:
    """Read what `truth_to_bytes` wrote; raises ValueError, in words, where it is not that."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in (*_SHAPES, "paint")}
        paint = json.loads(arrays.pop("paint").tobytes())
    except _NO_NPZ as problem:
        raise ValueError(f"its truth cannot be read: {problem}") from problem
    for name, wanted in _SHAPES.items():
        found = arrays[name]
        if found.shape != wanted or found.dtype != np.float32:
            raise ValueError(f"its truth has {name} of {found.dtype} {found.shape}, not float32 {wanted}")
    finite = [*(arrays[name] for name in _SHAPES if name != "camera"), arrays["camera"][:3]]
    if not all(np.isfinite(numbers).all() for numbers in finite) or not arrays["camera"][3] > 0:
        raise ValueError("its truth is not finite")
    if not isinstance(paint, dict):
        raise ValueError("the paint of its truth is not an object")
    return DrawnTruth(**arrays, paint=paint)
