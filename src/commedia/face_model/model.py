"""The face model and the default head. Numpy only; evaluating it is `evaluate.py`, with gradients `layer.py`.

Whether a model is linear or multilinear is a fact about its arrays, not a second type that callers would ask for.
"""

import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int32, UInt8

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES, IDENTITY_COUNT
from commedia.errors import WeightsMismatch
from commedia.files import sha256_of

PARTS: tuple[str, ...] = ("skin", "left_eye", "right_eye", "teeth", "tongue")
"""What a triangle belongs to; `triangle_part` indexes this. Skin includes the mouth cavity and the eye sockets."""

REGIONS: tuple[str, ...] = (
    *("skin", "left_brow", "right_brow", "left_eye", "right_eye", "nose", "upper_lip", "inner_mouth", "lower_lip"),
    *("left_lids", "right_lids", "left_ear", "right_ear", "scalp", "neck", "teeth", "tongue", "left_socket"),
    *("right_socket",),
)
"""Parsing classes of a vertex; `vertex_region` indexes this. The first nine are those of Chaudhuri et al. 2020 (face
skin, brows, eyes, nose, upper lip, inner mouth, lower lip; its hair is our `scalp`); the others refine what is left."""

PARSE_CLASSES: tuple[str, ...] = ("background", *REGIONS[:9])
"""What a pixel of a parse map shows, by its value: the nine classes of Chaudhuri et al. 2020, after what is no face.
Lids are skin, teeth and tongue are inner mouth; ears, scalp, hair and neck are background."""

FACE_REGIONS: tuple[str, ...] = (
    *("skin", "left_brow", "right_brow", "left_eye", "right_eye", "nose", "upper_lip", "inner_mouth", "lower_lip"),
    *("left_lids", "right_lids"),
)
"""Together the face mask, hairline to chin and ear to ear: what a face box bounds."""

EYE_CHARTS: dict[str, tuple[float, float]] = {"left_eye": (0.90, 0.90), "right_eye": (0.74, 0.90)}
"""Texture position of each eyeball's front pole. An eyeball point at angle a from the pole lies at radius
`EYE_CHART_RADIUS * sqrt(a / pi)` around it, right side up, so that an iris is a disc."""

EYE_CHART_RADIUS = 0.075

HEAD_FILE = Path(__file__).resolve().parents[1] / "assets" / "head.npz"


@dataclass(frozen=True)
class Interaction:
    """How blendshapes change with identity: some of them, at some vertices; the others are alike on everybody."""

    expressions: Int32[np.ndarray, "m"]
    vertices: Int32[np.ndarray, "n"]
    basis: Float[np.ndarray, "i m n 3"]
    """Change of a blendshape's displacement per standard deviation of each identity component."""


@dataclass(frozen=True)
class MorphableModel:
    """Mean plus weighted displacements, in metres of the head frame.

    One formula for both forms, with identity weights p and expression weights q:
        V = mean + sum_k p_k B_k + sum_j q_j E_j + sum_kj p_k q_j C_kj
    A linear model has no C: everyone smiles alike. A multilinear one says how each blendshape changes with who makes
    it; it is the tensor of Chaudhuri et al. 2019 (Eq. 1) with the neutral's weight 1 - sum q written out, so that
    nobody has to derive or clamp it (`multilinear.py`). The default head has a C for lids: everybody's blink closes.
    """

    mean: Float[np.ndarray, "v 3"]
    """Mean identity with neutral expression."""
    identity_basis: Float[np.ndarray, "i v 3"]
    """Displacement per standard deviation of each component, strongest first."""
    expression_basis: Float[np.ndarray, "e v 3"]
    """Displacement of each blendshape at weight 1, in the order of `EXPRESSION_NAMES`."""
    triangles: Int32[np.ndarray, "t 3"]
    """Anticlockwise seen from outside; without rows where the model is only a set of points."""
    interaction: Interaction | None = None
    """C; None in a linear model."""

    def part(self, triangles: Int32[np.ndarray, "t 3"]) -> "MorphableModel":
        """The model of these triangles and their vertices alone, numbered anew."""
        kept, numbered = np.unique(triangles, return_inverse=True)
        crossed = self.interaction
        if crossed is not None:
            mine = np.isin(crossed.vertices, kept)
            places = np.searchsorted(kept, crossed.vertices[mine]).astype(np.int32)
            crossed = Interaction(crossed.expressions, places, np.ascontiguousarray(crossed.basis[:, :, mine]))
        bases = (np.ascontiguousarray(basis[:, kept]) for basis in (self.identity_basis, self.expression_basis))
        return MorphableModel(self.mean[kept], *bases, numbered.reshape(-1, 3).astype(np.int32), crossed)


@dataclass(frozen=True)
class Pivots:
    """Where rigs rotate: metres, head frame of the mean head."""

    head: Float[np.ndarray, "3"]
    """Top of the neck, between the ears and below."""
    left_eye: Float[np.ndarray, "3"]
    right_eye: Float[np.ndarray, "3"]


@dataclass(frozen=True, eq=False)
class HeadModel:
    """A morphable model with all that a renderer, a rig and a label need. Compared by identity, so that what is made of
    a head can be cached by it."""

    model: MorphableModel
    uv: Float[np.ndarray, "u 2"]
    """Texture coordinates as in glTF: (0, 0) is the top left corner of the picture. Seams have several per vertex."""
    uv_triangles: Int32[np.ndarray, "t 3"]
    triangle_part: UInt8[np.ndarray, "t"]
    vertex_region: UInt8[np.ndarray, "v"]
    mirror_vertex: Int32[np.ndarray, "v"]
    """The vertex on the other side; midline vertices are their own."""
    identity_mirror: Float[np.ndarray, "i"]
    """+1 for components that keep the face symmetric, -1 for those that change sign in a mirror."""
    pivots: Pivots
    sha256: str = ""
    """Of the file it was read from: networks and takes are of use only with the head that they were made for."""


@cache
def load_head() -> HeadModel:
    """Return the default head; the file is read once per process."""
    return read_head(HEAD_FILE)


def head_or_default(head: HeadModel | None) -> HeadModel:
    """Return the head given, or the default head for None: for entry points, which pass it on to all that need one."""
    return load_head() if head is None else head


@cache
def head_sha256() -> str:
    """The fingerprint of the installed head model."""
    return sha256_of(HEAD_FILE)


def read_head(path: Path) -> HeadModel:
    """Read a compiled head, and fail with one sentence where the file is not one."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = dict(archive)
            _check(arrays)
            return head_from_arrays(arrays, sha256_of(path))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as problem:
        raise WeightsMismatch(f"'{path}' is not a compiled head model: {problem}") from problem


def face_vertices(head: HeadModel) -> Int32[np.ndarray, "n"]:
    """Return the vertices of the face mask, hairline to chin and ear to ear."""
    return np.flatnonzero(np.isin(head.vertex_region, [REGIONS.index(name) for name in FACE_REGIONS])).astype(np.int32)


def head_from_arrays(arrays: dict[str, np.ndarray], digest: str = "") -> HeadModel:
    model = MorphableModel(
        mean=arrays["mean"].astype(np.float32),
        identity_basis=arrays["identity_basis"].astype(np.float32),
        expression_basis=arrays["expression_basis"].astype(np.float32),
        triangles=arrays["triangles"].astype(np.int32),
        interaction=Interaction(
            np.array([EXPRESSION_INDEX["eyeBlinkLeft"], EXPRESSION_INDEX["eyeBlinkRight"]], dtype=np.int32),
            arrays["blink_vertices"].astype(np.int32),
            arrays["blink_interaction"].astype(np.float32),
        ),
    )
    return HeadModel(
        model=model,
        uv=arrays["uv"].astype(np.float32),
        uv_triangles=arrays["uv_triangles"].astype(np.int32),
        triangle_part=arrays["triangle_part"],
        vertex_region=arrays["vertex_region"],
        mirror_vertex=arrays["mirror_vertex"].astype(np.int32),
        identity_mirror=arrays["identity_mirror"].astype(np.float32),
        pivots=Pivots(*(row.astype(np.float32) for row in arrays["pivots"])),
        sha256=digest,
    )


def _check(arrays: dict[str, np.ndarray]) -> None:
    """Compare the arrays with each other and with the conventions, since shapes are not checked in production."""
    count, triangles = len(arrays["mean"]), arrays["triangles"]
    expected = {
        "mean": (count, 3),
        "identity_basis": (IDENTITY_COUNT, count, 3),
        "expression_basis": (len(EXPRESSION_NAMES), count, 3),
        "uv_triangles": triangles.shape,
        "triangle_part": triangles.shape[:1],
        "vertex_region": (count,),
        "mirror_vertex": (count,),
        "identity_mirror": (IDENTITY_COUNT,),
        "pivots": (3, 3),
        "blink_interaction": (IDENTITY_COUNT, 2, len(arrays["blink_vertices"]), 3),
    }
    for name, wanted in expected.items():
        if arrays[name].shape != wanted:
            raise ValueError(f"{name} is {arrays[name].shape}, expected {wanted}")
    for name in ("triangles", "blink_vertices"):
        if arrays[name].size and arrays[name].max() >= count:
            raise ValueError(f"{name} name vertex {arrays[name].max()} of {count}")
