"""The character's own file with up to 52 morph targets more; look, bones and extensions stay as they were."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32

from commedia.characters.builder import GlbBuilder
from commedia.characters.face_frame import KEY, FaceFrame
from commedia.conventions import EXPRESSION_NAMES
from commedia.outputs.files.packing import pack
from commedia.rigging.own_shapes import still_shapes
from commedia.rigging.sculpt import Patch, Sculpt

LEAST = 1e-5
"""Of the mesh's extent: vertices that move less are not stored."""


def rigged_glb(
    sculpt: Sculpt,
    blendshapes: Float[np.ndarray, "e w 3"],
    names: Sequence[str] = EXPRESSION_NAMES,
    face: FaceFrame | None = None,
) -> bytes:
    """Return the GLB with a target per blendshape (scene's frame and unit) on each mesh that they move.

    Targets that are there stay before the new ones; one of the same name, which moves nothing, becomes the new one.
    `face` is written down beside them.
    """
    packed = pack(sculpt.character.document)
    builder = GlbBuilder(packed.tree, b"".join(packed.chunks))
    extent = float(np.ptp(sculpt.vertices, axis=0).max())
    patches: dict[int, dict[int, Patch]] = {}
    for patch in sculpt.patches:
        # A mesh that is shown twice keeps the shapes of where it is shown first.
        patches.setdefault(patch.mesh, {}).setdefault(patch.primitive, patch)
    moved = [
        mesh
        for mesh, own in patches.items()
        if any(np.abs(blendshapes[:, patch.places]).max(initial=0) > LEAST * extent for patch in own.values())
    ]
    if any(sculpt.character.meshes[mesh].target_names for mesh in moved):
        still_shapes(builder.tree)
    for mesh in moved:
        _add_targets(builder, sculpt, mesh, patches[mesh], dict(zip(names, blendshapes, strict=True)), LEAST * extent)
    if face is not None:
        extras = builder.tree["asset"].get("extras")
        builder.tree["asset"]["extras"] = {**(extras if isinstance(extras, dict) else {}), KEY: face.to_json()}
    return builder.to_bytes()


def _add_targets(
    builder: GlbBuilder, sculpt: Sculpt, mesh: int, patches: dict[int, Patch], made: dict[str, np.ndarray], least: float
) -> None:
    entry, known = builder.tree["meshes"][mesh], sculpt.character.meshes[mesh]
    listed = list(known.target_names) + [name for name in made if name not in known.target_names]
    blendshapes = np.stack(list(made.values()))
    read = iter(range(len(known.primitives)))
    for primitive in entry["primitives"]:
        # Lines and points were not read, and get as many targets as the triangles have.
        is_surface = primitive.get("mode", 4) == 4
        number = next(read) if is_surface else -1
        count = builder.tree["accessors"][primitive["attributes"]["POSITION"]]["count"]
        own = np.zeros((len(blendshapes), count, 3), dtype=np.float32)
        if number in patches:
            own = _in_mesh(patches[number], blendshapes, least)
        surface = None
        if is_surface and "NORMAL" in primitive["attributes"]:
            surface = known.primitives[number].positions, known.primitives[number].triangles
        new = dict(zip(made, builder.morph_targets(own, surface), strict=True))
        before = dict(zip(known.target_names, primitive.get("targets", []), strict=False))
        primitive["targets"] = [new.get(name) or before[name] for name in listed]
    rest = [float(weight) for weight in known.rest_weights]
    entry["weights"] = rest + [0.0] * (len(listed) - len(rest))
    for node in builder.tree["nodes"]:
        if node.get("mesh") == mesh and "weights" in node:
            node["weights"] += [0.0] * (len(listed) - len(rest))
    extras = entry.get("extras")
    entry["extras"] = {**(extras if isinstance(extras, dict) else {}), "targetNames": listed}


def _in_mesh(patch: Patch, blendshapes: np.ndarray, least: float) -> Float32[np.ndarray, "e n 3"]:
    moved = blendshapes[:, patch.places]
    moved[np.linalg.norm(moved, axis=-1) < least] = 0
    return np.einsum("...nij,enj->eni", patch.mesh_from_scene, moved).astype(np.float32)
