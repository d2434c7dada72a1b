"""What a character can play, before anybody plays it: meshes, morphs and bones, which blendshape goes where and why.

Unlike `map_morphs` it refuses no readable character: a rig that answers to nothing is what one inspects it for.
"""

from dataclasses import asdict, dataclass

from commedia.characters.character import Character
from commedia.characters.facing import looking
from commedia.characters.find_bones import with_bones
from commedia.characters.vrm import Vrm, read_vrm
from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES, plain_morph
from commedia.retarget.mapping import Mapping, MorphMap, Suggestion, load_mapping, propose_map, suggestions

SIDES = {"Left": "left_eye", "Right": "right_eye"}


@dataclass(frozen=True)
class MeshFacts:
    """One mesh of the scene."""

    name: str
    vertices: int
    triangles: int
    morphs: int


@dataclass(frozen=True)
class Answer:
    """What one blendshape moves."""

    blendshape: str
    morphs: dict[str, float]
    """Weight of each morph where the blendshape is 1; empty where a bone answers, or nothing."""
    reason: str
    """`exact name`, `table NAME`, ..., `eye bone`; for a blendshape that will not move, why."""
    moves: bool


@dataclass(frozen=True)
class Inspection:
    """All that `commedia rig inspect` says."""

    name: str
    meshes: tuple[MeshFacts, ...]
    morphs: dict[str, bool]
    """Every morph, and whether it moves anything."""
    bones: dict[str, str]
    """Name of the node by bone; bones that the rig lacks are left out."""
    mapping: str
    """The table that explains most of the rig, or the given one."""
    answers: tuple[Answer, ...]
    """One per blendshape, in the blendshapes' order."""
    suggestions: tuple[Suggestion, ...]
    notes: tuple[str, ...]
    """What was assumed of the character, and what was left out."""
    vrm: Vrm | None
    ignored: tuple[str, ...] = ()
    """Morphs that the table knows and leaves alone."""

    def still(self) -> tuple[str, ...]:
        """The blendshapes that will not move anything."""
        return tuple(answer.blendshape for answer in self.answers if not answer.moves)

    def unknown(self) -> tuple[str, ...]:
        """The morphs that move something and that no blendshape answers to, because no table knows their names."""
        known = {morph for answer in self.answers for morph in answer.morphs}.union(self.ignored)
        return tuple(name for name, effective in self.morphs.items() if effective and name not in known)

    def to_json(self) -> dict:
        """The same as plain JSON; a VRM's binds are counted, not listed."""
        tree = {key: value for key, value in asdict(self).items() if key != "vrm"}
        tree["still"] = list(self.still())
        tree["vrm"] = None
        if self.vrm is not None:
            tree["vrm"] = {
                "version": self.vrm.version,
                "look_at": self.vrm.look_at.kind if self.vrm.look_at else None,
                "expressions": [
                    {
                        **{"name": one.name, "preset": one.preset, "is_binary": one.is_binary},
                        **{"morph_binds": len(one.morphs), "material_binds": len(one.materials)},
                        **{"override_blink": one.override_blink, "override_look_at": one.override_look_at},
                        "override_mouth": one.override_mouth,
                    }
                    for one in self.vrm.expressions
                ],
            }
        return tree


def inspect_character(character: Character, mapping: str | Mapping | None = None) -> Inspection:
    """Look at a character with the mapping that would be used, or with a given one."""
    if mapping is not None:
        mapping = load_mapping(mapping) if isinstance(mapping, str) else mapping
        character = looking(with_bones(character, mapping.bones), mapping.looks)
    rig = character.rig
    found = propose_map(character, mapping)
    bones = {
        bone: character.nodes[node].name
        for bone in ("head", "neck", "left_eye", "right_eye", "jaw")
        if (node := getattr(rig.bones, bone)) is not None
    }
    return Inspection(
        character.name,
        _shown_meshes(character),
        dict(zip(rig.morph_names, rig.effective.tolist(), strict=True)),
        bones,
        found.mapping,
        tuple(_answer(character, found, blendshape, bones) for blendshape in EXPRESSION_NAMES),
        suggestions(character, found),
        character.notes,
        read_vrm(character.document),
        found.ignored,
    )


def _shown_meshes(character: Character) -> tuple[MeshFacts, ...]:
    shown = {character.nodes[index].mesh for index in character.node_order}
    return tuple(
        MeshFacts(
            mesh.name,
            sum(len(primitive.positions) for primitive in mesh.primitives),
            sum(len(primitive.triangles) for primitive in mesh.primitives),
            len(mesh.target_names),
        )
        for index, mesh in enumerate(character.meshes)
        if index in shown
    )


def _answer(character: Character, found: MorphMap, blendshape: str, bones: dict[str, str]) -> Answer:
    names = character.rig.morph_names
    column = found.morph_from_blendshape[:, EXPRESSION_INDEX[blendshape]]
    rows = [row for row in column.nonzero()[0].tolist() if character.rig.effective[row]]
    if rows:
        # Several morphs may answer for different reasons; each is said once, in their order.
        reasons = dict.fromkeys(found.reasons[row] for row in rows)
        return Answer(blendshape, {names[row]: float(column[row]) for row in rows}, ", ".join(reasons), True)
    side = next((side for side in SIDES if blendshape.endswith(side)), "")
    if blendshape.startswith("eyeLook") and SIDES.get(side) in bones:
        return Answer(blendshape, {}, f"eye bone '{bones[SIDES[side]]}'", True)
    empty = [names[row] for row in column.nonzero()[0].tolist()]
    empty += [name for name in names if name not in empty and plain_morph(name) == plain_morph(blendshape)]
    if empty:
        return Answer(blendshape, {}, f"'{empty[0]}' moves nothing", False)
    return Answer(blendshape, {}, "no morph of that name", False)
