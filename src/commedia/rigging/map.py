"""Which blendshape each unknown shape of a character is, told by what it moves; names that are known are believed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from commedia.characters.character import Character
from commedia.characters.open import open_character
from commedia.characters.vrm import read_vrm
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES, plain_morph
from commedia.errors import BadCharacter, CommediaError
from commedia.face_model.model import HeadModel
from commedia.files import write_file
from commedia.geometry.gaze import LOOKS
from commedia.retarget.expressions import through_expressions
from commedia.retarget.inspection import SIDES
from commedia.retarget.mapping import propose_map
from commedia.retarget.table_text import Row, table_text
from commedia.retarget.tables import FULL
from commedia.rigging.assignment import SURE_SHARE, Assignment, alike, assign, products, vertex_areas
from commedia.rigging.blendshapes import Blendshapes, make_blendshapes
from commedia.rigging.closure import Closure, closed_gains, find_closures, lip_limits
from commedia.rigging.contact import find_openings
from commedia.rigging.feature_matching import Doubt, liken
from commedia.rigging.features import NoFeatures, find_features
from commedia.rigging.landmark_search import NoFaceSeen, find_landmarks
from commedia.rigging.pairs import read_pairs
from commedia.rigging.registration import LandmarksMisplaced
from commedia.rigging.sculpt import Sculpt, assembled, morph_displacements
from commedia.rigging.skin import skin_of
from commedia.rigging.template import Template, load_template

BY_SHAPE = "by what it moves"
LEFT_ALONE = "no shape moves like it"
BY_BONE = "eye bone"
IN_DOUBT = "more than one shape may be it"
LEAST_GAIN = 0.005
"""A smaller one is not worth a line."""


@dataclass(frozen=True)
class Known:
    """What answers without looking at what moves."""

    gains: Float[np.ndarray, "m e"]
    reasons: tuple[str, ...]
    """Per blendshape; empty for those that no name answers for."""
    bones: tuple[str, ...] = ()
    """`Left`, `Right`: eyes that can turn by a bone."""


@dataclass(frozen=True)
class ShapeMatches:
    """Which shapes are which blendshape, and how that was told."""

    found: Assignment
    alike: tuple[tuple[str, str], ...]
    blendshapes: Blendshapes | None
    """Our own, laid over the face; None where that said too little and lids, brows and lips were looked at instead."""
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True)
class SolvedBlendshape:
    """One blendshape and its shapes."""

    blendshape: str
    morphs: dict[str, float]
    residual: float | None
    """What is left of the blendshape's displacement, 0 to 1; None where it was not measured, because a name was
    known."""
    reason: str
    nearest: str
    """For a blendshape left alone the shape that comes nearest."""


@dataclass(frozen=True)
class MapResult:
    """What was written."""

    table: Path
    blendshapes: tuple[SolvedBlendshape, ...]
    unused: tuple[str, ...]
    """Shapes that move something and answer to nothing."""
    alike: tuple[tuple[str, str], ...]
    """Shapes that cannot be told apart."""
    closures: tuple[Closure, ...]
    by_features: bool = False
    """Whether only lids, brows, eyes and lips were compared, because our head does not lie on the face."""
    doubts: tuple[Doubt, ...] = ()
    """Blendshapes that were left alone because several shapes, which differ, may be meant."""

    def missing(self) -> tuple[str, ...]:
        """Blendshapes that nothing answers for."""
        return tuple(one.blendshape for one in self.blendshapes if one.reason in (LEFT_ALONE, IN_DOUBT))


def map_rig(
    source: Path, output: Path, pairs: Path | None = None, *, names: bool = True, head: HeadModel | None = None
) -> MapResult:
    """Find what a character's shapes are, and write it as a mapping table (TOML); `names` are believed on request.

    Without `pairs` (TOML) landmarks are looked for in renders. `head` lends its blendshapes; None is the default head.
    """
    if output.suffix.lower() != ".toml":
        raise CommediaError(f"the mapping is written as TOML, so {output} should end in .toml")
    character = open_character(source)
    if not character.rig.effective.any():
        raise BadCharacter(
            f"{character.name} has {len(character.rig.morph_names)} blendshapes and none moves anything; "
            f"'commedia rig make' makes some for a character without any"
        )
    known = known_blendshapes(character, names=names)
    sculpt = assembled(character)
    told = tell_blendshapes(sculpt, known, pairs, head)
    solved = tuple(_solved(character, known, told, number) for number in range(EXPRESSION_COUNT))
    closures: tuple[Closure, ...] = ()
    if told.blendshapes is not None:
        openings = find_openings(sculpt.vertices, sculpt.triangles, told.blendshapes)
        closures = find_closures(sculpt, openings, _gains(character, solved))
    used = {morph for one in solved for morph in one.morphs}
    moving = np.array(character.rig.morph_names, dtype=object)[character.rig.effective]
    unused = tuple(name for name in moving if name not in used)
    write_file(output, mapping_text(character, solved, closures, source, told.doubts).encode("utf-8", "replace"))
    return MapResult(output, solved, unused, told.alike, closures, told.blendshapes is None, told.doubts)


def known_blendshapes(character: Character, *, names: bool = True) -> Known:
    """Return the shapes under names that a table knows, and the eyes that have bones."""
    rig, gains, reasons = character.rig, np.zeros((len(character.rig.morph_names), EXPRESSION_COUNT)), []
    proposed = propose_map(character)
    if names:
        gains[rig.effective] = proposed.morph_from_blendshape[rig.effective]
    for column in gains.T:
        rows = column.nonzero()[0].tolist()
        reasons.append(", ".join(dict.fromkeys(proposed.reasons[row] for row in rows)))
    bones = tuple(side for side, bone in SIDES.items() if getattr(rig.bones, bone) is not None)
    return Known(gains, tuple(reasons), bones)


def tell_blendshapes(
    sculpt: Sculpt, known: Known, pairs: Path | None = None, head: HeadModel | None = None
) -> ShapeMatches:
    """Lay our head over the face; where few shapes are recognised so, compare lids, brows and lips alone.

    Landmarks that somebody picked are always believed. `head` lends its blendshapes; None is the default head.
    """
    registered, refusal, template = None, None, load_template(head)
    try:
        landmarks = find_landmarks(sculpt, head) if pairs is None else read_pairs(pairs, sculpt)
        blendshapes = make_blendshapes(sculpt.vertices, sculpt.triangles, landmarks, template)
        registered = ShapeMatches(*solve_blendshapes(sculpt, blendshapes, known), blendshapes)
    except (NoFaceSeen, LandmarksMisplaced) as error:
        if pairs is not None:
            raise
        refusal = error
    asked = sum(not reason for reason in known.reasons)
    if registered is not None and (pairs is not None or registered.found.mapped() >= SURE_SHARE * asked):
        return registered
    try:
        likened = _likened(sculpt, known, template)
    except NoFeatures as error:
        if registered is None:
            raise NoFeatures(f"{refusal}; nor do its shapes say where its features are: {error}") from None
        return registered
    return likened if registered is None or likened.found.mapped() > registered.found.mapped() else registered


def _likened(sculpt: Sculpt, known: Known, template: Template) -> ShapeMatches:
    names = sculpt.character.rig.morph_names
    skin = skin_of(sculpt, known.gains)
    free = ~known.gains.any(axis=1) & _addressable(names)
    wanted = np.array([not reason for reason in known.reasons])
    found, doubts = liken(skin, find_features(skin), free, wanted, names, template)
    _leave_to_bones(found, known)
    multiplied = products(skin.shapes, np.zeros((0, *skin.vertices.shape)), np.ones(len(skin.vertices)))
    return ShapeMatches(found, tuple((names[a], names[b]) for a, b in alike(multiplied)), None, doubts)


def solve_blendshapes(
    sculpt: Sculpt, blendshapes: Blendshapes, known: Known
) -> tuple[Assignment, tuple[tuple[str, str], ...]]:
    """Find shapes for the blendshapes that nothing answers for; also return the pairs of shapes that are the same."""
    names = sculpt.character.rig.morph_names
    # What is no part of a face, as a body or hair, says nothing about expressions.
    rows = np.unique(np.concatenate([piece.vertices for piece in blendshapes.pieces]))
    areas = vertex_areas(sculpt.vertices, sculpt.triangles)[rows]
    own = morph_displacements(sculpt, rows).astype(np.float64)
    multiplied = products(own, blendshapes.displacements[:, rows], areas)
    free = ~known.gains.any(axis=1) & _addressable(names)
    found = assign(multiplied, free, np.array([not reason for reason in known.reasons]))
    _leave_to_bones(found, known)
    return found, tuple((names[a], names[b]) for a, b in alike(multiplied))


def _leave_to_bones(found: Assignment, known: Known) -> None:
    for side in known.bones:
        looks = [EXPRESSION_INDEX[look + side] for look in LOOKS]
        # Gaze is the bone's or the shapes', and never half of each.
        if not all(known.reasons[look] or found.weights[look].any() for look in looks):
            found.weights[looks] = 0


def _addressable(names: tuple[str, ...]) -> Bool[np.ndarray, "m"]:
    """Of names that a table cannot tell apart only the first can be driven."""
    seen: set[str] = set()
    return np.array([not (plain_morph(name) in seen or seen.add(plain_morph(name))) for name in names], dtype=bool)


def _solved(character: Character, known: Known, told: ShapeMatches, number: int) -> SolvedBlendshape:
    names, blendshape, found = character.rig.morph_names, EXPRESSION_NAMES[number], told.found
    if known.reasons[number]:
        column = known.gains[:, number]
        return SolvedBlendshape(
            blendshape, {names[row]: float(column[row]) for row in column.nonzero()[0]}, None, known.reasons[number], ""
        )
    row, residual = found.weights[number], float(found.residual[number])
    morphs = {names[k]: round(float(row[k]), 3) for k in np.argsort(-row, kind="stable") if row[k] > LEAST_GAIN}
    nearest = names[found.nearest[number]] if found.nearest[number] >= 0 else ""
    if not morphs and blendshape.startswith("eyeLook") and blendshape.endswith(known.bones):
        return SolvedBlendshape(blendshape, {}, None, BY_BONE, "")
    doubtful = any(doubt.blendshape == blendshape for doubt in told.doubts)
    return SolvedBlendshape(
        blendshape, morphs, residual, BY_SHAPE if morphs else IN_DOUBT if doubtful else LEFT_ALONE, nearest
    )


def _gains(character: Character, solved: tuple[SolvedBlendshape, ...]) -> Float[np.ndarray, "m e"]:
    row = {name: number for number, name in enumerate(character.rig.morph_names)}
    gains = np.zeros((len(row), EXPRESSION_COUNT))
    for number, one in enumerate(solved):
        for morph, gain in one.morphs.items():
            gains[row[morph], number] = gain
    return gains


def mapping_text(
    character: Character,
    solved: tuple[SolvedBlendshape, ...],
    closures: tuple[Closure, ...],
    source: Path,
    doubts: tuple[Doubt, ...],
) -> str:
    """Write the table. Of a VRM, blendshapes go through its expressions where one moves just their shapes: see
    `mapping`."""
    names, gains = character.rig.morph_names, closed_gains(_gains(character, solved), closures)
    residual = {one.blendshape: one.residual for one in solved}
    expressions, left = through_expressions(character, gains)
    is_vrm = read_vrm(character.document) is not None
    rows = []
    for name, whole, column in zip(names, gains, left, strict=True):
        own = {EXPRESSION_NAMES[blendshape]: float(column[blendshape]) for blendshape in column.nonzero()[0]}
        note = _note(own, residual) if own or not whole.any() else "its expressions move it"
        note += "; no expression moves this alone and as far" if own and is_vrm else ""
        # A shape that must go beyond 1 to close may.
        rows.append(Row(name, own, (0.0, max(1.0, *own.values())) if own else FULL, note.removeprefix("; ")))
    head = f"Which blendshape moves which shape of {source.name}, found by 'commedia rig map'; change it at will."
    remarks = [f"{one.blendshape} is left alone: choose one of {', '.join(one.shapes)}" for one in doubts]
    remarks += [_left_alone(one) for one in solved if one.reason == LEFT_ALONE]
    remarks += [f"{one.blendshape} times {one.gain:g}, so that it closes" for one in closures if one.gain > 1]
    return table_text(source.stem, rows, [head, *remarks], lip_limits(names, gains, closures), expressions)


def _left_alone(one: SolvedBlendshape) -> str:
    nearest = f": the nearest, '{one.nearest}', would leave {one.residual:.0%} of it" if one.nearest else ""
    return f"{one.blendshape} is left alone{nearest}"


def _note(own: dict[str, float], residual: dict[str, float | None]) -> str:
    if not own:
        return "nothing drives it"
    return ", ".join(
        f"{blendshape}: {value:.0%} left over" for blendshape in own if (value := residual[blendshape]) is not None
    )
