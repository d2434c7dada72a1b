"""`commedia rig inspect FILE`: what a character can play; `rig make FILE -o RIG`: shapes for one that has none.

`rig map FILE -o MAPPING` finds by geometry which blendshape each shape is, where names do not say it.
"""

import json as json_format
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import tyro

from commedia.characters.open import open_any
from commedia.errors import CommediaError
from commedia.retarget.inspection import Inspection, inspect_character
from commedia.rigging.map import MapResult, map_rig

File = tyro.conf.Positional[Path]
Output = Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FILE")]
Pairs = Annotated[Path | None, tyro.conf.arg(metavar="PAIRS.toml")]
Json = tyro.conf.FlagCreatePairsOff[bool]
Flag = tyro.conf.FlagCreatePairsOff[bool]

MOST_UNKNOWN = 0.5
"""Of the morphs: with more unknown names it is worth looking at what they move."""
MOST_LISTED = 4
"""Names that one line says."""
LEFT_OPEN = 0.01
"""Of an eye or a mouth: more is worth a word."""


def inspect(file: File, *, mapping: str | None = None, json: Json = False) -> None:
    """Say what a character can play.

    Lists meshes, morphs, bones, which ARKit blendshape moves what and why, and which will not move.

    Args:
        file: A .glb, .gltf or .vrm file; or the neutral .obj of a sculpt, with its shapes beside it.
        mapping: A shipped table, or a .toml file of your own, to see what it makes of the character; without it the
            table that fits the names best.
        json: Print JSON, and nothing else.
    """
    found = inspect_character(open_any(file), mapping)
    print(json_format.dumps(found.to_json(), indent=2, ensure_ascii=False) if json else report(found, file))


def map_shapes(
    file: File, *, output: Output = None, landmarks: Pairs = None, names: bool = True, json: Json = False
) -> None:
    """Find by geometry which shapes make which of the 52 blendshapes, for a character whose shapes have other names.

    Args:
        file: A .glb, .gltf or .vrm file; or the neutral .obj of a sculpt, with its shapes beside it.
        output: The table to write, a .toml that 'commedia retarget --mapping' reads.
        landmarks: Points of the face as TOML, see docs/rig-make.md. Without it the face is looked for in pictures of
            the character.
        names: Believe the names that are known, and look only for the rest; --no-names looks for everything.
        json: Print JSON, and nothing else.
    """
    if output is None:
        raise CommediaError(f"'rig map' needs a file to write: rig map {file} -o {file.stem}.toml")
    mapped = map_rig(file, output, landmarks, names=names)
    print(json_format.dumps(asdict(mapped), indent=2, ensure_ascii=False, default=str) if json else mapped_text(mapped))


def make(
    file: File,
    *,
    output: Output = None,
    landmarks: Pairs = None,
    replace: Flag = False,
    add: Flag = False,
    json: Json = False,
) -> None:
    """Lay the default head over a character, and write it with the 52 blendshapes as morph targets.

    A picture of all of them lies beside it. A character that has shapes needs --add or --replace.

    Args:
        file: A .glb, .gltf or .vrm file; or the neutral .obj of a sculpt.
        output: The GLB to write; the contact sheet has its name and ends in .png.
        landmarks: Points of the face as TOML, see docs/rig-make.md. Without it the face is looked for in pictures of
            the character.
        replace: Take the character's own shapes off, and make all 52.
        add: Keep the character's own shapes, and make those of the 52 that it has under no such name.
        json: Print JSON, and nothing else.
    """
    # Draws and looks, which inspecting does without.
    from commedia.rigging.make import make_rig

    if output is None:
        raise CommediaError(f"'rig make' needs a file to write: rig make {file} -o {file.stem}-rig.glb")
    if replace and add:
        raise CommediaError("--replace takes the character's own shapes off and --add keeps them; give one of the two")
    made = make_rig(file, output, landmarks, own="replace" if replace else "add" if add else "refuse")
    moving = int(made.character.rig.effective.sum())
    if json:
        facts = {"glb": str(made.glb), "sheet": str(made.sheet), "blendshapes": moving, "landmarks": made.landmarks}
        facts |= {"kept": made.kept, "taken_off": made.taken_off, "added": made.added}
        print(json_format.dumps(facts, indent=2, ensure_ascii=False))
        return
    print(f"{made.glb}: {moving} of {len(made.character.rig.morph_names)} blendshapes move the face")
    if made.kept:
        print(f"kept {_listed(made.kept)}; added {_listed(made.added)}")
    if made.taken_off:
        print(f"took off {_listed(made.taken_off)}; added {_listed(made.added)}; {file} is as it was")
    print(f"{made.sheet}: look at it before anybody plays the rig")


def _listed(names: Sequence[str]) -> str:
    """How many, and the first few by name."""
    shown = ", ".join(names[:MOST_LISTED]) + (", ..." if len(names) > MOST_LISTED else "")
    return f"{len(names)} ({shown})" if names else "none"


run: dict[str, Callable[..., None]] = {"inspect": inspect, "make": make, "map": map_shapes}
"""What `commedia rig` does, by its next word."""


def mapped_text(mapped: MapResult) -> str:
    """Lay out as lines of text which blendshape became what."""
    width = max(len(one.blendshape) for one in mapped.blendshapes)
    lines = [f"{'blendshape':{width}}  left over  shapes"]
    for one in mapped.blendshapes:
        left = "" if one.residual is None else f"{one.residual:.0%}"
        shapes = " + ".join(name if gain == 1 else f"{gain:g} {name}" for name, gain in one.morphs.items())
        said = shapes or (f"- (nearest: {one.nearest})" if one.nearest else f"- ({one.reason})")
        lines.append(f"{one.blendshape:{width}}  {left:>9}  {said}")
    missing = mapped.missing()
    lines += ["", f"{len(mapped.blendshapes) - len(missing)} of {len(mapped.blendshapes)} blendshapes are mapped"]
    lines += [f"left alone: {', '.join(missing)}"] if missing else []
    lines += [f"{one.blendshape} may be {' or '.join(one.shapes)}: choose in the table" for one in mapped.doubts]
    if mapped.by_features:
        lines.append(
            "our head does not lie on this face, so only what shapes do to eyes, lids, brows and lips was compared; "
            "whether lids and lips close was not looked at, and any doubt leaves a blendshape alone"
        )
    elif len(missing) > MOST_UNKNOWN * len(mapped.blendshapes):
        lines.append("few shapes were recognised; landmarks picked by hand may help: --landmarks pairs.toml")
    lines += [f"shapes that answer to nothing: {', '.join(mapped.unused)}"] if mapped.unused else []
    lines += [f"cannot be told apart: {first} and {second}" for first, second in mapped.alike]
    for one in mapped.closures:
        done = f"times {one.gain:g} closes it" if one.gain > 1 else "and nothing closes it"
        lines += (
            [f"{one.blendshape} leaves {one.open_before:.0%} open; {done}"]
            if one.open_before > one.open_after or one.open_after > LEFT_OPEN
            else []
        )
    return "\n".join([*lines, f"{mapped.table}: play it with 'commedia retarget ... --mapping {mapped.table}'"])


def report(found: Inspection, file: Path | None = None) -> str:
    """Lay an inspection out as lines of text."""
    lines = [found.name, "", "meshes"]
    lines += [
        f"  {mesh.name}: {mesh.vertices:,} vertices, {mesh.triangles:,} triangles, {mesh.morphs} morphs"
        for mesh in found.meshes
    ]
    moving = sum(found.morphs.values())
    lines += ["", f"morphs: {len(found.morphs)} present, {moving} effective"]
    empty = [name for name, effective in found.morphs.items() if not effective]
    if empty:
        lines.append(f"  move nothing: {', '.join(empty)}")
    lines += ["", "bones"]
    lines += [f"  {bone}: {name}" for bone, name in found.bones.items()] or ["  none; the whole character turns"]
    lines += _vrm_lines(found)
    lines += ["", *(f"note: {note}" for note in found.notes)] if found.notes else []
    return "\n".join([*lines, *_answer_lines(found), *_advice_lines(found, file or Path(found.name))])


def _answer_lines(found: Inspection) -> list[str]:
    """What moves each blendshape, and which will not move."""
    lines = ["", f"mapping: {found.mapping}"]
    width = max(len(answer.blendshape) for answer in found.answers)
    for answer in found.answers:
        if answer.moves:
            morphs = " + ".join(name if gain == 1 else f"{gain:g} {name}" for name, gain in answer.morphs.items())
            lines.append(f"  {answer.blendshape:{width}}  {morphs or 'gaze'}  ({answer.reason})")
    lines += ["", f"known to the table and left alone: {', '.join(found.ignored)}"] if found.ignored else []
    still = [answer for answer in found.answers if not answer.moves]
    lines += ["", f"will not move: {len(still)} of {len(found.answers)} blendshapes"]
    return lines + [f"  {answer.blendshape:{width}}  {answer.reason}" for answer in still]


def _advice_lines(found: Inspection, file: Path) -> list[str]:
    """What was perhaps meant, and which command helps a rig that moves little."""
    lines = ["", "perhaps meant, and not used"] if found.suggestions else []
    lines += [f"  {one.morph} as {one.blendshape} ({one.similarity:.0%} alike)" for one in found.suggestions]
    if not found.morphs:
        lines += ["", f"there are no shapes; 'commedia rig make {file} -o {file.stem}-rig.glb' makes all 52"]
    unknown, moving = found.unknown(), sum(found.morphs.values())
    if found.still() and len(unknown) > MOST_UNKNOWN * moving:
        lines += [
            "",
            f"{len(unknown)} of {moving} effective morphs have names that no table knows; 'commedia rig map {file} "
            f"-o {file.stem}.toml' finds by what they move which blendshapes they are",
        ]
    return lines


def _vrm_lines(found: Inspection) -> list[str]:
    if found.vrm is None:
        return []
    look = f"look-at by {found.vrm.look_at.kind}" if found.vrm.look_at else "no look-at"
    lines = ["", f"VRM {found.vrm.version}: {len(found.vrm.expressions)} expressions, {look}"]
    for one in found.vrm.expressions:
        facts = [f"{len(one.morphs)} morphs"] + ([f"{len(one.materials)} materials"] if one.materials else [])
        facts += ["binary"] if one.is_binary else []
        overrides = {"blink": one.override_blink, "look-at": one.override_look_at, "mouth": one.override_mouth}
        facts += [f"{setting}s {what}" for what, setting in overrides.items() if setting != "none"]
        lines.append(f"  {one.name}{'' if one.preset else ' (custom)'}: {', '.join(facts)}")
    return lines
