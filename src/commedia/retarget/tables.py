"""Mapping tables: the shipped ones in `assets/mappings/morphs`, and a user's own in the same format.

A table says which blendshapes each morph shows. Per morph `{ blendshape = gain, ... }`, and in a user's own table also
`bias` (added after the gains) and `clamp = [low, high]` (the weight's range, by default 0 to 1):

    [morphs]
    Mund_auf = { jawOpen = 0.8, mouthFunnel = 0.3 }
    Zwinkern_L = { eyeBlinkLeft = 1.2, bias = -0.1, clamp = [0.0, 1.0] }
    [stand_ins]
    names = ["Mund_auf"]     # used only where the rig has no other morph of the same blendshapes
    [ignored]
    names = ["Basis"]        # known, and driven by nothing
    [[limits]]
    sum = { Zwinkern_L = 1.0, Blinzeln_L = 0.4 }    # of the weights, each times its number:
    most = 1.0                                      # what goes beyond is taken from all of them alike
    looks = "+z"             # where the character looks in its file: +z, -z, +x or -x; above all sections
    [bones]                  # of the character, where names and shape do not find them: head, neck, left_eye, right_eye
    head = "Bone.012"
    [expressions]            # of a VRM, in place of the morphs they move; its isBinary and overrides are obeyed
    blinkRight = { eyeBlinkRight = 1.0 }

Reads tables and says what is wrong with them; it does not look at rigs.
"""

import math
import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NoReturn

from commedia.characters.facing import WAYS
from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES, plain_morph
from commedia.errors import CommediaError, UnknownName, nearest
from commedia.retarget.limits import Limit

MAPPINGS = Path(__file__).resolve().parents[1] / "assets" / "mappings" / "morphs"
EXPRESSION_TABLES = MAPPINGS.parent / "expressions"
"""The same format for VRM's expressions, whose names would mean nothing on morphs."""
MAX_BYTES = 1 << 20
SECTIONS = ("name", "sides", "needs", "morphs", "expressions", "stand_ins", "ignored", "limits", "bones", "looks")
BONES = ("head", "neck", "left_eye", "right_eye")
FULL = (0.0, 1.0)


class BadMapping(CommediaError):
    """A mapping table that cannot be used; names the file, the line, what was found and the nearest name."""

    def __init__(self, path: Path, line: int, problem: str):
        where = f"{path}, line {line}" if line else f"{path}"
        super().__init__(f"{where}: {problem}")


@dataclass(frozen=True)
class Mapping:
    """A table of morph names beyond the blendshapes' own."""

    name: str
    morphs: dict[str, dict[str, float]]
    """By plain morph name: how much of which blendshape it shows."""
    stand_ins: frozenset[str] = frozenset()
    """Plain names of morphs that are used only where the rig has no morph of the blendshapes they show."""
    ignored: frozenset[str] = frozenset()
    """Plain names that belong to the set and show no blendshape."""
    bias: dict[str, float] = field(default_factory=dict)
    """By plain name: what is added to the weighted blendshapes."""
    clamp: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By plain name: the least and the greatest weight."""
    sides_by_geometry: bool = False
    """Whether what the morphs move overrules the sides in their names, because sources contradict each other."""
    needs: frozenset[str] = frozenset()
    """Plain names without which the table is not meant; only a user who names the table overrules that."""
    limits: tuple[Limit, ...] = ()
    expressions: dict[str, dict[str, float]] = field(default_factory=dict)
    """By plain name of a VRM's expression: how much of which blendshape it shows."""
    bones: dict[str, str] = field(default_factory=dict)
    """Names of nodes by bone, of `BONES`, which overrule what is found."""
    looks: str = ""
    """Where the character looks, of `WAYS`, which overrules what is seen; and its sides are as they are called."""


def mapping_names() -> tuple[str, ...]:
    """The tables of morph names that are shipped."""
    return tuple(sorted(path.stem for path in MAPPINGS.glob("*.toml")))


def load_mapping(name: str) -> Mapping:
    """Read one shipped table by name, or the user's own by a path that ends in .toml."""
    return load_mapping_file(Path(name)) if name.endswith(".toml") else _shipped(name)


@cache
def _shipped(name: str) -> Mapping:
    if name not in mapping_names():
        raise UnknownName("mapping", name, mapping_names())
    return load_mapping_file(MAPPINGS / f"{name}.toml")


@cache
def load_expression_table(name: str) -> Mapping:
    """Read one shipped table of VRM expressions."""
    return load_mapping_file(EXPRESSION_TABLES / f"{name}.toml")


def load_mapping_file(path: Path) -> Mapping:
    """Read any table; whatever is wrong is one sentence with the line."""
    try:
        if not path.is_file():
            raise BadMapping(path, 0, "there is no such file; expected a mapping table as .toml")
        if path.stat().st_size > MAX_BYTES:
            raise BadMapping(path, 0, f"{path.stat().st_size:,} bytes are no mapping table; at most {MAX_BYTES:,} are")
        text = path.read_text(encoding="utf-8-sig")
        table = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise BadMapping(path, 0, f"cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        # tomllib ends its message with the line and column.
        raise BadMapping(path, 0, f"is not valid TOML: {error}") from None
    return _Reader(path, text).mapping(table)


class _Reader:
    def __init__(self, path: Path, text: str):
        self._path = path
        self._lines = text.splitlines()

    def mapping(self, table: dict) -> Mapping:
        for key in table:
            if key not in SECTIONS:
                self._fail(key, f"unknown section '{key}'; {nearest(key, SECTIONS)}known: {', '.join(SECTIONS)}")
        sides = table.get("sides", "names")
        if sides not in ("names", "geometry"):
            self._fail("sides", f"sides is {sides!r}; expected 'names' or 'geometry'")
        morphs, bias, clamp = self._morphs(table)
        stand_ins = self._names(self._section(table, "stand_ins").get("names", []), "stand_ins")
        ignored = self._names(self._section(table, "ignored").get("names", []), "ignored")
        for name in stand_ins:
            if plain_morph(name) not in morphs:
                hint = nearest(name, table.get("morphs", {}))
                self._fail(name, f"the stand-in '{name}' is not among the morphs; {hint}")
        return Mapping(
            str(table.get("name", self._path.stem)),
            morphs,
            frozenset(map(plain_morph, stand_ins)),
            frozenset(map(plain_morph, ignored)),
            bias,
            clamp,
            sides == "geometry",
            frozenset(map(plain_morph, self._names(table.get("needs", []), "needs"))),
            self._limits(table.get("limits", []), table.get("morphs", {})),
            self._expressions(table),
            self._bones(table),
            self._looks(table),
        )

    def _morphs(
        self, table: dict
    ) -> tuple[dict[str, dict[str, float]], dict[str, float], dict[str, tuple[float, float]]]:
        """By plain name what each morph shows, and where it is not the usual one its bias and its clamp."""
        morphs: dict[str, dict[str, float]] = {}
        bias: dict[str, float] = {}
        clamp: dict[str, tuple[float, float]] = {}
        for morph, entry in self._section(table, "morphs").items():
            plain = plain_morph(morph)
            if plain in morphs:
                self._fail(morph, f"'{morph}' is the same as an earlier morph once case and separators are left out")
            morphs[plain] = self._blendshapes(morph, entry)
            if added := morphs[plain].pop("bias", 0.0):
                bias[plain] = added
            if (limits := self._clamp(morph, entry)) != FULL:
                clamp[plain] = limits
        return morphs, bias, clamp

    def _looks(self, table: dict) -> str:
        looks = table.get("looks", "")
        if looks not in ("", *WAYS):
            self._fail("looks", f"looks is {looks!r}; expected one of {', '.join(WAYS)}")
        return looks

    def _bones(self, table: dict) -> dict[str, str]:
        bones = self._section(table, "bones")
        for bone, name in bones.items():
            if bone not in BONES:
                self._fail(bone, f"unknown bone '{bone}'; {nearest(bone, BONES)}known: {', '.join(BONES)}")
            if not isinstance(name, str):
                self._fail(
                    bone, f"the bone '{bone}' is {name!r}; expected the name of a node, as 'rig inspect' shows it"
                )
        return bones

    def _expressions(self, table: dict) -> dict[str, dict[str, float]]:
        found: dict[str, dict[str, float]] = {}
        for name, entry in self._section(table, "expressions").items():
            if plain_morph(name) in found:
                self._fail(name, f"'{name}' is the same as an earlier expression once case and separators are left out")
            blendshapes = self._blendshapes(name, entry)
            if "bias" in blendshapes or "clamp" in entry:
                self._fail(
                    name, f"the expression '{name}' has a bias or a clamp; only morphs may, its file says the rest"
                )
            found[plain_morph(name)] = blendshapes
        return found

    def _blendshapes(self, morph: str, entry: object) -> dict[str, float]:
        if not isinstance(entry, dict):
            self._fail(morph, f"'{morph}' is {entry!r}; expected blendshapes with gains such as {{ jawOpen = 1.0 }}")
        blendshapes: dict[str, float] = {}
        for key, value in entry.items():
            if key == "clamp":
                continue
            if key != "bias" and key not in EXPRESSION_INDEX:
                known = (*EXPRESSION_NAMES, "bias", "clamp")
                hint = nearest(key, known) or "expected an ARKit blendshape such as 'jawOpen', or bias or clamp"
                self._fail(morph, f"'{morph}' names the unknown blendshape '{key}'; {hint.strip()}")
            blendshapes[key] = self._number(morph, key, value)
        return blendshapes

    def _clamp(self, morph: str, entry: dict) -> tuple[float, float]:
        value = entry.get("clamp", list(FULL))
        if not isinstance(value, list) or len(value) != 2:
            self._fail(morph, f"the clamp of '{morph}' is {value!r}; expected two numbers such as [0.0, 1.0]")
        low, high = (self._number(morph, "clamp", bound) for bound in value)
        if low > high:
            self._fail(morph, f"the clamp of '{morph}' runs from {low:g} down to {high:g}; expected [low, high]")
        return low, high

    def _limits(self, entries: object, morphs: dict) -> tuple[Limit, ...]:
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self._fail("limits", f"the limits are {entries!r}; expected entries that begin with [[limits]]")
        known = {plain_morph(name): name for name in (*morphs, *EXPRESSION_NAMES)}
        limits = []
        for entry in entries:
            factors = entry.get("sum")
            if set(entry) != {"sum", "most"} or not isinstance(factors, dict) or not factors:
                expected = "expected 'sum = { MORPH = 1.0, ... }' and 'most = 1.0'"
                self._fail("limits", f"a limit has {', '.join(entry) or 'nothing'}; {expected}")
            for name in factors:
                if plain_morph(name) not in known:
                    hint = nearest(name, known.values()) or "it is neither among the morphs nor a blendshape's name"
                    self._fail(name, f"a limit names the unknown morph '{name}'; {hint}")
            numbers = {plain_morph(name): self._number(name, "the sum's factor", factors[name]) for name in factors}
            limits.append(Limit(numbers, self._number("limits", "most", entry["most"])))
        return tuple(limits)

    def _number(self, morph: str, key: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self._fail(morph, f"{key} of '{morph}' is {value!r}; expected a finite number")
        return float(value)

    def _section(self, table: dict, key: str) -> dict:
        section = table.get(key, {})
        if not isinstance(section, dict):
            self._fail(key, f"'{key}' is {section!r}; expected a section [{key}]")
        return section

    def _names(self, names: object, key: str) -> list[str]:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            self._fail(key, f"the names of '{key}' are {names!r}; expected a list of names")
        return names

    def _fail(self, key: str, problem: str) -> NoReturn:
        raise BadMapping(self._path, self._line_of(key), problem.rstrip("; "))

    def _line_of(self, key: str) -> int:
        """The line that defines a key, or the first that mentions it; tomllib keeps no lines. 0 when there is none."""
        defines = re.compile(rf"""^\s*\[?\s*["']?{re.escape(key)}["']?\s*(=|\]|$)""")
        for test in (defines.match, lambda line: key in line):
            found = next((number for number, line in enumerate(self._lines, 1) if test(line)), 0)
            if found:
                return found
        return 0
