"""The character's own file with 52 morph targets more; its look, its bones and its extensions stay as they were."""

import numpy as np
from jaxtyping import Float, Float32

from commedia.characters.builder import GlbBuilder
from commedia.conventions import EXPRESSION_NAMES
from commedia.outputs.files.packing import pack
from commedia.rigging.sculpt import Patch, Sculpt

LEAST = 1e-5
"""Of the mesh's extent: vertices that move less are not stored."""


def rigged_glb(sculpt: Sculpt, blendshapes: Float[np.ndarray, "e w 3"]) -> bytes:
    """Return the GLB with a target per blendshape (`EXPRESSION_NAMES`; scene's frame, unit) on each moving mesh."""
    packed = pack(sculpt.character.document)
    builder = GlbBuilder(packed.tree, b"".join(packed.chunks))
    extent = float(np.ptp(sculpt.vertices, axis=0).max())
    patches: dict[int, dict[int, Patch]] = {}
    for patch in sculpt.patches:
        # A mesh that is shown twice keeps the shapes of where it is shown first.
        patches.setdefault(patch.mesh, {}).setdefault(patch.primitive, patch)
    for mesh, own in patches.items():
        if any(np.abs(blendshapes[:, patch.places]).max(initial=0) > LEAST * extent for patch in own.values()):
            _add_targets(builder, sculpt, mesh, own, blendshapes, LEAST * extent)
    return builder.to_bytes()


def _add_targets(
    builder: GlbBuilder, sculpt: Sculpt, mesh: int, patches: dict[int, Patch], blendshapes: np.ndarray, least: float
) -> None:
    entry = builder.tree["meshes"][mesh]
    read = iter(range(len(sculpt.character.meshes[mesh].primitives)))
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
            read_surface = sculpt.character.meshes[mesh].primitives[number]
            surface = read_surface.positions, read_surface.triangles
        primitive["targets"] = builder.morph_targets(own, surface)
    entry["weights"] = [0.0] * len(EXPRESSION_NAMES)
    extras = entry.get("extras")
    entry["extras"] = {**(extras if isinstance(extras, dict) else {}), "targetNames": list(EXPRESSION_NAMES)}


def _in_mesh(patch: Patch, blendshapes: np.ndarray, least: float) -> Float32[np.ndarray, "e n 3"]:
    moved = blendshapes[:, patch.places]
    moved[np.linalg.norm(moved, axis=-1) < least] = 0
    return np.einsum("...nij,enj->eni", patch.mesh_from_scene, moved).astype(np.float32)
