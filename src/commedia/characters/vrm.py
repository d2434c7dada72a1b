"""What VRM adds to glTF: expressions and look-at, of VRM 0.x and 1.0 alike; its humanoid bones are for `names.py`.

VRM 0's groups are read as VRM 1's expressions: presets get their new names, weights of 0 to 100 become 0 to 1. Colour
and texture binds are read and kept; nothing here draws them. Binds that point at no mesh or morph are left out, as
viewers do. Spring bones, constraints and first-person settings are not read.

Reference: vrm-c/vrm-specification, `VRMC_vrm-1.0/expressions.md`; `0.0/schema`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
from jaxtyping import Float

from commedia.characters.character import Document
from commedia.characters.container import entries
from commedia.characters.look_at import LookAt, RangeMap
from commedia.errors import BadCharacter

PRESETS_1 = (
    *("happy", "angry", "sad", "relaxed", "surprised", "aa", "ih", "ou", "ee", "oh", "blink", "blinkLeft"),
    *("blinkRight", "lookUp", "lookDown", "lookLeft", "lookRight", "neutral"),
)
PRESETS_0 = {
    # VRM 0 has no `surprised`, and files spell the sides of a blink in either case.
    **{"joy": "happy", "angry": "angry", "sorrow": "sad", "fun": "relaxed", "neutral": "neutral"},
    **{"a": "aa", "i": "ih", "u": "ou", "e": "ee", "o": "oh"},
    **{"blink": "blink", "blink_l": "blinkLeft", "blink_r": "blinkRight"},
    **{"lookup": "lookUp", "lookdown": "lookDown", "lookleft": "lookLeft", "lookright": "lookRight"},
}
"""What VRM 1 calls VRM 0's presets; `unknown` and all else is custom."""
OVERRIDDEN = {
    "mouth": frozenset(("aa", "ih", "ou", "ee", "oh")),
    "blink": frozenset(("blink", "blinkLeft", "blinkRight")),
    "look_at": frozenset(("lookUp", "lookDown", "lookLeft", "lookRight")),
}
"""The presets that each kind of override attenuates."""
OVERRIDES = ("none", "block", "blend")
LOOK_WAYS = ("HorizontalInner", "HorizontalOuter", "VerticalDown", "VerticalUp")
MAX_EXPRESSIONS = 10_000


@dataclass(frozen=True)
class MorphBind:
    """An expression at 1 adds `weight` to one morph target."""

    mesh: int
    target: int
    weight: float


@dataclass(frozen=True)
class MaterialBind:
    """What an expression at 1 makes of a material."""

    material: int | str
    """Its index in VRM 1, its name in VRM 0."""
    property: str
    """`color`, `shadeColor`, ...; `textureTransform`; or VRM 0's name of a shader's property."""
    value: tuple[float, ...]
    """A colour, or scale x, scale y, offset x, offset y."""


@dataclass(frozen=True)
class Expression:
    """A named look of the face: a value of 0 to 1 that moves morphs and changes materials."""

    name: str
    """VRM 1's name of a preset, the file's own of a custom expression."""
    preset: bool
    morphs: tuple[MorphBind, ...] = ()
    materials: tuple[MaterialBind, ...] = ()
    is_binary: bool = False
    """Values above 0.5 are 1, others 0."""
    override_blink: str = "none"
    """What it does to the blinks while it shows: `none`, `block` or `blend`."""
    override_look_at: str = "none"
    override_mouth: str = "none"


@dataclass(frozen=True)
class Vrm:
    """Everything a face needs to know of a VRM file."""

    version: str
    """`0` or `1`."""
    expressions: tuple[Expression, ...]
    look_at: LookAt | None


def read_vrm(document: Document) -> Vrm | None:
    """Read the extension; None for a glTF file that is no VRM."""
    extensions = document.json.get("extensions")
    extensions = extensions if isinstance(extensions, dict) else {}
    reader = _Reader(document)
    try:
        if isinstance(extensions.get("VRMC_vrm"), dict):
            return reader.version_1(extensions["VRMC_vrm"])
        if isinstance(extensions.get("VRM"), dict):
            return reader.version_0(extensions["VRM"])
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise BadCharacter(f"{document.name} is not valid VRM ({type(error).__name__}: {error})") from error
    return None


def applied(expressions: Sequence[Expression], values: Float[np.ndarray, " x"]) -> Float[np.ndarray, " x"]:
    """Turn what expressions are asked to show into what they show: range, `isBinary`, overrides.

    An override of an expression's own kind does not count, a binary expression overrides with what it shows, and one
    that is itself overridden at all vanishes.
    """
    shown = np.clip(values.astype(np.float64), 0, 1)
    binary = np.array([expression.is_binary for expression in expressions], dtype=bool)
    shown = np.where(binary, shown > 0.5, shown).astype(np.float64)
    result = shown.copy()
    for kind, members in OVERRIDDEN.items():
        amount = sum(_override(one, kind, members, value) for one, value in zip(expressions, shown, strict=True))
        factor = 1 - min(amount, 1.0)
        for row, expression in enumerate(expressions):
            if expression.preset and expression.name in members and factor < 1:
                result[row] = 0 if expression.is_binary else shown[row] * factor
    return result


def _override(expression: Expression, kind: str, members: frozenset[str], value: float) -> float:
    setting: str = getattr(expression, f"override_{kind}")
    if setting == "none" or value <= 0 or (expression.preset and expression.name in members):
        return 0.0
    return 1.0 if setting == "block" else float(value)


class _Reader:
    def __init__(self, document: Document):
        self._name = document.name
        self._nodes = entries(document.json, "nodes", document.name)
        self._targets = [_target_count(mesh) for mesh in entries(document.json, "meshes", document.name)]

    def version_1(self, vrm: dict) -> Vrm:
        listed = vrm.get("expressions") or {}
        found = [
            self._expression_1(str(name), entry, preset=group == "preset")
            for group in ("preset", "custom")
            for name, entry in (listed.get(group) or {}).items()
        ]
        look = vrm.get("lookAt")
        if not look:
            return Vrm("1", self._once(found), None)
        kind = "expression" if look.get("type") == "expression" else "bone"
        return Vrm("1", self._once(found), self._look_at(look, kind, "rangeMap", ("inputMaxValue", "outputScale")))

    def version_0(self, vrm: dict) -> Vrm:
        groups = (vrm.get("blendShapeMaster") or {}).get("blendShapeGroups") or []
        found = [self._expression_0(entry) for entry in groups]
        look = vrm.get("firstPerson") or {}
        if "lookAtTypeName" not in look:
            return Vrm("0", self._once(found), None)
        kind = "bone" if look["lookAtTypeName"] == "Bone" else "expression"
        return Vrm("0", self._once(found), self._look_at(look, kind, "lookAt", ("xRange", "yRange")))

    def _expression_1(self, name: str, entry: dict, *, preset: bool) -> Expression:
        morphs = []
        for bind in entry.get("morphTargetBinds") or []:
            node = bind.get("node")
            mesh = self._nodes[node].get("mesh") if _index(node, len(self._nodes)) else None
            morphs += self._morph(mesh, bind.get("index"), self._number(bind.get("weight", 1.0), name))
        colours = [
            MaterialBind(bind.get("material", -1), str(bind.get("type", "")), self._numbers(bind["targetValue"], name))
            for bind in entry.get("materialColorBinds") or []
        ]
        transforms = [
            MaterialBind(
                bind.get("material", -1),
                "textureTransform",
                self._numbers([*bind.get("scale", (1, 1)), *bind.get("offset", (0, 0))], name),
            )
            for bind in entry.get("textureTransformBinds") or []
        ]
        overrides = [_override_setting(entry.get(key)) for key in ("overrideBlink", "overrideLookAt", "overrideMouth")]
        binary = entry.get("isBinary") is True
        # Custom expressions may not take the name of a preset.
        return Expression(
            name, preset and name in PRESETS_1, tuple(morphs), (*colours, *transforms), binary, *overrides
        )

    def _expression_0(self, entry: dict) -> Expression:
        preset = PRESETS_0.get(str(entry.get("presetName", "")).lower())
        name = preset or str(entry.get("name", ""))
        morphs = [
            bound
            for bind in entry.get("binds") or []
            for bound in self._morph(
                bind.get("mesh"), bind.get("index"), self._number(bind.get("weight", 100.0), name) / 100
            )
        ]
        materials = tuple(
            MaterialBind(
                str(bind.get("materialName", "")),
                str(bind.get("propertyName", "")),
                self._numbers(bind.get("targetValue") or [], name),
            )
            for bind in entry.get("materialValues") or []
        )
        return Expression(name, preset is not None, tuple(morphs), materials, entry.get("isBinary") is True)

    def _morph(self, mesh: object, target: object, weight: float) -> list[MorphBind]:
        if not (_index(mesh, len(self._targets)) and _index(target, self._targets[mesh])):
            return []
        return [MorphBind(mesh, target, weight)]

    def _look_at(self, look: dict, kind: str, prefix: str, keys: tuple[str, str]) -> LookAt:
        maps = [look.get(prefix + way) or {} for way in LOOK_WAYS]
        defaults = 90.0, 1.0 if kind == "expression" else 10.0
        return LookAt(kind, *(self._range(*map(item.get, keys, defaults)) for item in maps))

    def _range(self, input_max: object, output: object) -> RangeMap:
        # A range of no width would divide by nothing; the smallest angle that counts stands for it.
        return RangeMap(max(self._number(input_max, "lookAt"), 1e-3), self._number(output, "lookAt"))

    def _once(self, found: list[Expression]) -> tuple[Expression, ...]:
        if len(found) > MAX_EXPRESSIONS:
            raise BadCharacter(f"{self._name} has {len(found):,} expressions; at most {MAX_EXPRESSIONS:,} are read")
        first: dict[str, Expression] = {}
        for expression in found:
            first.setdefault(expression.name, expression)
        return tuple(first.values())

    def _number(self, value: object, what: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise BadCharacter(f"{self._name}: '{what}' holds {value!r} where a finite number is needed")
        return float(value)

    def _numbers(self, values: Sequence[object], what: str) -> tuple[float, ...]:
        return tuple(self._number(value, what) for value in values)


def _index(value: object, count: int) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < count


def _override_setting(value: object) -> str:
    return value if isinstance(value, str) and value in OVERRIDES else "none"


def _target_count(mesh: dict) -> int:
    primitives = mesh.get("primitives")
    first = primitives[0] if isinstance(primitives, list) and primitives else {}
    targets = first.get("targets") if isinstance(first, dict) else None
    return len(targets) if isinstance(targets, list) else 0
