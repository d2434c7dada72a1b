"""The nouns of a rig: meshes with named morphs, nodes, skins and the bones a face moves.

Everything is in glTF's own frame: right-handed, metres, +y up, looking along +z by glTF's rule, which makes it the head
frame of `conventions.py` up to a translation; `Rig.character_from_head` turns files that look elsewhere.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float32, Int32, UInt8

from commedia.face_model.wrinkles import WrinkleMap


@dataclass(frozen=True)
class Document:
    """A glTF file as it came: what a clip is appended to, so that textures and extensions survive untouched."""

    json: dict
    """The parsed glTF JSON; never changed after reading."""
    buffers: tuple[bytes | memoryview, ...]
    """The bytes of each glTF buffer, in order; empty for the placeholder buffers of compressed files."""
    name: str
    """Shown in messages and used as the character's name."""
    folder: Path | None = None
    """Where side files may lie; None for what came from memory."""


@dataclass(frozen=True)
class Material:
    """How a surface looks, as far as a preview needs to know."""

    name: str
    colour: tuple[float, float, float, float]
    """Linear base colour factor and alpha; multiplies the texture."""
    image: UInt8[np.ndarray, "h w 4"] | None
    """sRGB with alpha, at most 1,024 pixels a side: shrunk for previews, never written back."""
    alpha_mode: str
    """`OPAQUE`, `MASK` or `BLEND`."""
    alpha_cutoff: float
    double_sided: bool
    wrinkles: tuple[WrinkleMap, ...] = ()
    """How blendshapes change the image."""


@dataclass(frozen=True)
class Primitive:
    """One piece of a mesh with one material, at rest, in mesh space."""

    positions: Float32[np.ndarray, "v 3"]
    normals: Float32[np.ndarray, "v 3"]
    """Unit length; made from the triangles where the file has none."""
    triangles: Int32[np.ndarray, "t 3"]
    uv: Float32[np.ndarray, "v 2"] | None
    """(0, 0) is the upper left corner of the image."""
    colours: Float32[np.ndarray, "v 4"] | None
    """Linear vertex colours in [0, 1], or None."""
    skinning: "Skinning | None"
    morphs: Float32[np.ndarray, "k v 3"]
    """Position offsets of each of the mesh's morph targets; k is 0 for a rigid piece."""
    material: int
    """Index into `Character.materials`."""


@dataclass(frozen=True)
class Skinning:
    """Which joints of the node's skin move each vertex, and how much."""

    joints: Int32[np.ndarray, "v n"]
    weights: Float32[np.ndarray, "v n"]
    """Each row sums to one."""


@dataclass(frozen=True)
class Mesh:
    """Primitives that share one list of morph targets."""

    name: str
    primitives: tuple[Primitive, ...]
    target_names: tuple[str, ...]
    rest_weights: Float32[np.ndarray, " k"]
    """The weight of each target when nothing is animated."""
    rig_index: Int32[np.ndarray, " k"]
    """Where each target stands in `Rig.morph_names`."""


@dataclass(frozen=True)
class Node:
    """One joint, or the place of one mesh."""

    name: str
    parent: int
    """-1 for a root."""
    translation: Float[np.ndarray, "3"]
    wxyz: Float[np.ndarray, "4"]
    scale: Float[np.ndarray, "3"]
    mesh: int | None
    skin: int | None


@dataclass(frozen=True)
class Skin:
    """The joints that carry a skinned mesh."""

    joints: Int32[np.ndarray, " j"]
    """Node indices."""
    joint_from_mesh: Float[np.ndarray, "j 4 4"]
    """Inverse bind matrices."""


@dataclass(frozen=True)
class Bones:
    """Node indices of the bones a face can move; None where the rig has none."""

    head: int | None = None
    neck: int | None = None
    left_eye: int | None = None
    right_eye: int | None = None
    jaw: int | None = None
    """Found, and not moved: the morphs of the mouth come with the jaw's share."""


@dataclass(frozen=True)
class Rig:
    """What can be animated, in the order of `RigPose.weights`."""

    morph_names: tuple[str, ...]
    """Every morph of every mesh once; a name that several meshes share is one control."""
    effective: Bool[np.ndarray, " m"]
    """Whether a morph moves any vertex visibly: some exporters write all 52 names over empty targets."""
    rest_weights: Float[np.ndarray, " m"]
    bones: Bones
    character_from_head: Float[np.ndarray, "4"]
    """wxyz; the identity unless the character looks elsewhere than along +z."""
    sides_exchanged: bool = False
    """Whether morphs and bones that are called left lie on the subject's right."""


@dataclass(frozen=True)
class Character:
    """A rigged model that is ready to be posed, and the file it came from."""

    name: str
    nodes: tuple[Node, ...]
    """Parents may come after their children; `node_order` is the order to visit them in."""
    node_order: tuple[int, ...]
    """Every node of the scene that is shown, parents first."""
    meshes: tuple[Mesh, ...]
    skins: tuple[Skin, ...]
    materials: tuple[Material, ...]
    rig: Rig
    document: Document
    notes: tuple[str, ...] = ()
    """What whoever plays it has to know, one sentence each: what was assumed, what was left out."""
