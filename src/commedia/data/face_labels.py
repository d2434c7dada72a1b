"""A face of a training sample to JSON and back, checked number by number; what is wrong is a ValueError in words."""

from typing import Any, cast

import numpy as np

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT, LANDMARK_COUNT
from commedia.data.sample import ACTION_UNIT_COUNT, LANDMARK_KINDS, FaceSample, LandmarkKind
from commedia.structures import Box, HeadPose

_MAY = frozenset({"pose_weight", "action_units"})
_FIELDS = frozenset(
    {"identity_name", "box", "landmarks_px", "landmark_kind", "identity", "expression", "expression_weight"}
    | {"wxyz", "origin_px", "px_per_m"}
)


def face_from_json(raw: Any) -> FaceSample:
    """An object of a label's list to a face; raises ValueError, in words, for what is none."""
    raw = fields_of(raw, _FIELDS, _MAY, "a face")
    left, top, right, bottom = _numbers(raw["box"], (4,), "box").tolist()
    if not (left < right and top < bottom):
        raise ValueError(f"'box' {[left, top, right, bottom]} has no area")
    wxyz = _numbers(raw["wxyz"], (4,), "wxyz")
    if abs(float(np.linalg.norm(wxyz)) - 1) > 1e-3:
        raise ValueError("'wxyz' is not a unit quaternion")
    pose = HeadPose(wxyz, _numbers(raw["origin_px"], (2,), "origin_px"), positive(raw["px_per_m"], "px_per_m"))
    identity, expression, name = raw["identity"], raw["expression"], raw["identity_name"]
    weight, action_units = raw.get("pose_weight"), raw.get("action_units")
    return FaceSample(
        box=Box(left, top, right, bottom),
        landmarks_px=_numbers(raw["landmarks_px"], (LANDMARK_COUNT, 2), "landmarks_px"),
        landmark_kind=cast("LandmarkKind", choice(raw["landmark_kind"], LANDMARK_KINDS, "landmark_kind")),
        pose=pose,
        identity=None if identity is None else _numbers(identity, (IDENTITY_COUNT,), "identity"),
        expression=None if expression is None else _weights(expression, "expression"),
        expression_weight=_weights(raw["expression_weight"], "expression_weight"),
        identity_name=None if name is None else text(name, "identity_name"),
        pose_weight=None if weight is None else float(_weights(weight, "pose_weight", ())),
        action_units=None if action_units is None else _weights(action_units, "action_units", (ACTION_UNIT_COUNT,)),
    )


def fields_of(raw: Any, names: frozenset[str], may: frozenset[str], what: str) -> dict[str, Any]:
    """An object that has to have some fields, and may have others."""
    if not isinstance(raw, dict):
        raise ValueError(f"{what} is not an object")
    if missing := sorted(names - raw.keys()):
        raise ValueError(f"{what} lacks {missing}")
    if unknown := sorted(raw.keys() - names - may):
        raise ValueError(f"{what} has unknown {unknown}; known: {sorted(names | may)}")
    return raw


def _numbers(raw: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    try:
        numbers = np.asarray(raw, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"'{name}' is not made of numbers") from error
    if numbers.shape != shape:
        raise ValueError(f"'{name}' has shape {numbers.shape}, expected {shape}")
    if not np.isfinite(numbers).all():
        raise ValueError(f"'{name}' is not finite")
    return numbers


def _weights(raw: Any, name: str, shape: tuple[int, ...] = (EXPRESSION_COUNT,)) -> np.ndarray:
    weights = _numbers(raw, shape, name)
    if weights.min() < 0 or weights.max() > 1:
        raise ValueError(f"'{name}' leaves [0, 1]: {weights.min():.3f} to {weights.max():.3f}")
    return weights


def positive(raw: Any, name: str) -> float:
    """A finite number above 0."""
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 < raw < float("inf"):
        raise ValueError(f"'{name}' must be a positive number, found {raw!r}")
    return float(raw)


def text(raw: Any, name: str) -> str:
    """A text that says something."""
    if not isinstance(raw, str) or not raw:
        raise ValueError(f"'{name}' must be a text, found {raw!r}")
    return raw


def choice(raw: Any, known: tuple[str, ...], name: str) -> str:
    """One of the known words."""
    if raw not in known:
        raise ValueError(f"'{name}' is {raw!r}; known: {', '.join(known)}")
    return raw


def face_to_json(face: FaceSample) -> dict[str, Any]:
    """The object for a label's list; numbers are rounded below what anybody can see."""
    box = face.box
    known = {"pose_weight": face.pose_weight, "action_units": face.action_units}
    return {
        **{name: _rounded(value, 4) for name, value in known.items() if value is not None},
        "identity_name": face.identity_name,
        "box": _rounded([box.left_px, box.top_px, box.right_px, box.bottom_px], 3),
        "landmarks_px": _rounded(face.landmarks_px, 3),
        "landmark_kind": face.landmark_kind,
        "identity": None if face.identity is None else _rounded(face.identity, 4),
        "expression": None if face.expression is None else _rounded(face.expression, 4),
        "expression_weight": _rounded(face.expression_weight, 4),
        "wxyz": _rounded(face.pose.wxyz, 7),
        "origin_px": _rounded(face.pose.origin_px, 3),
        "px_per_m": float(face.pose.px_per_m),
    }


def _rounded(numbers: Any, digits: int) -> Any:
    return np.round(np.asarray(numbers, dtype=np.float64), digits).tolist()
