"""A character that has shapes of its own: the file without them, or which of the 52 they leave to be made."""

import copy
from dataclasses import dataclass, replace
from typing import Literal

from commedia.characters.character import Character, Document
from commedia.characters.gltf import character_from_document
from commedia.conventions import EXPRESSION_NAMES, plain_morph
from commedia.errors import BadCharacter

Own = Literal["refuse", "replace", "add"]
"""What to do with shapes that are there: stop, take them off, or keep them and make what is missing."""


@dataclass(frozen=True)
class Plan:
    """What is done about a character's own shapes."""

    character: Character
    """As the new shapes are made on it."""
    kept: tuple[str, ...]
    taken_off: tuple[str, ...]
    made: dict[str, str]
    """Blendshape to the name that it gets in the file: that of a shape there that moves nothing, else its own."""


def plan_shapes(character: Character, own: Own) -> Plan:
    """Decide what to make for a character; raises BadCharacter where nobody said what to do with its shapes."""
    names, every = character.rig.morph_names, {name: name for name in EXPRESSION_NAMES}
    if not names:
        return Plan(character, (), (), every)
    if own == "replace":
        bare = character_from_document(without_shapes(character.document), needs_morphs=False)
        return Plan(bare, (), names, every)
    if own == "add":
        kept = tuple(name for name, moves in zip(names, character.rig.effective, strict=True) if moves)
        there, idle = {plain_morph(name) for name in kept}, {plain_morph(name): name for name in names}
        missing = [name for name in EXPRESSION_NAMES if plain_morph(name) not in there]
        if not missing:
            raise BadCharacter(
                f"{character.name} has all 52 blendshapes and all move, so none is missing; --replace takes them off "
                "and makes new ones"
            )
        return Plan(character, kept, (), {name: idle.get(plain_morph(name), name) for name in missing})
    raise BadCharacter(
        f"{character.name} has {len(names)} blendshapes already, such as '{names[0]}'; --add keeps them and makes "
        "those of the 52 that are missing, --replace takes them off and makes all 52; 'commedia rig inspect' says "
        "what its own can play"
    )


def without_shapes(document: Document) -> Document:
    """Take off every shape, and with it what only moves shapes: weights, and binds of VRM expressions."""
    tree = copy.deepcopy(document.json)
    for mesh in tree.get("meshes", []):
        mesh.pop("weights", None)
        for holder in (mesh, *mesh.get("primitives", [])):
            holder.pop("targets", None)
            if isinstance(holder.get("extras"), dict):
                holder["extras"].pop("targetNames", None)
    for node in tree.get("nodes", []):
        node.pop("weights", None)
    still_shapes(tree)
    extensions = tree.get("extensions") or {}
    expressions = (extensions.get("VRMC_vrm") or {}).get("expressions") or {}
    for group in ("preset", "custom"):
        for expression in (expressions.get(group) or {}).values():
            expression.pop("morphTargetBinds", None)
    for expression in ((extensions.get("VRM") or {}).get("blendShapeMaster") or {}).get("blendShapeGroups") or []:
        expression["binds"] = []
    return replace(document, json=tree)


def still_shapes(tree: dict) -> None:
    """Take the tracks of shapes out of a file's animations: they count shapes, whose number changes."""
    for animation in tree.get("animations", []):
        kept = [one for one in animation["channels"] if one["target"].get("path") != "weights"]
        animation["channels"] = kept
    # glTF has no animation without a channel.
    animations = [animation for animation in tree.get("animations", []) if animation["channels"]]
    if "animations" in tree:
        tree["animations"] = animations
        if not animations:
            del tree["animations"]
