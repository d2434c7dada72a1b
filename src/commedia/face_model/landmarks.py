"""Named points on a face mesh, the cheap models that hold only such points, and what is projected from them."""

import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int32

from commedia.conventions import LANDMARK_COUNT
from commedia.errors import CommediaError, UnknownName
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import HeadModel, Interaction, MorphableModel, face_vertices, head_or_default
from commedia.geometry.boxes import tight_box
from commedia.geometry.cameras import image_from_head
from commedia.structures import Box, FaceParams

SCHEME_FOLDER = Path(__file__).resolve().parents[1] / "assets" / "landmarks"


class BadLandmarkScheme(CommediaError):
    """A landmark table that cannot be read or does not fit the mesh."""


@dataclass(frozen=True)
class LandmarkScheme:
    """Points fixed on a mesh: each is a mixture of three vertices, usually of one triangle."""

    name: str
    vertices: Int32[np.ndarray, "l 3"]
    barycentric: Float[np.ndarray, "l 3"]
    """Weights of the three vertices; rows sum to 1."""
    labels: tuple[str, ...]
    """Anatomical name of each point."""


@cache
def load_scheme(name: str) -> LandmarkScheme:
    """Read one of the shipped schemes: `ibug68` or `mediapipe478`."""
    known = sorted(path.stem for path in SCHEME_FOLDER.glob("*.toml"))
    if name not in known:
        raise UnknownName("landmark scheme", name, known)
    return read_scheme(SCHEME_FOLDER / f"{name}.toml")


def read_scheme(path: Path) -> LandmarkScheme:
    """Read an annotated table: `[[point]]` with number, vertices, barycentric and label, numbered 0, 1, 2 ..."""
    try:
        points = tomllib.loads(path.read_text(encoding="utf-8"))["point"]
        numbers = [point["number"] for point in points]
        scheme = LandmarkScheme(
            name=path.stem,
            vertices=np.array([point["vertices"] for point in points], dtype=np.int32),
            barycentric=np.array([point["barycentric"] for point in points], dtype=np.float32),
            labels=tuple(point["label"] for point in points),
        )
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise BadLandmarkScheme(f"'{path}' is not a landmark table: {problem!r}") from problem
    if numbers != list(range(len(numbers))):
        raise BadLandmarkScheme(f"'{path}' numbers its points {numbers[:5]}..., expected 0, 1, 2, ... in order")
    if not np.allclose(scheme.barycentric.sum(axis=1), 1, atol=1e-3):
        raise BadLandmarkScheme(f"'{path}' has points whose barycentric weights do not sum to 1")
    return scheme


def points(scheme: LandmarkScheme, vertices: Float[np.ndarray, "v 3"]) -> Float[np.ndarray, "l 3"]:
    """Return where the scheme's points are on a mesh."""
    return np.einsum("lk,lkc->lc", scheme.barycentric.astype(vertices.dtype), vertices[scheme.vertices])


def reduced_model(model: MorphableModel, scheme: LandmarkScheme) -> MorphableModel:
    """The model of the scheme's points alone, without triangles: exact, as all is linear, and some 70 times cheaper."""

    def mixed(basis: Float[np.ndarray, "k v 3"]) -> Float[np.ndarray, "k l 3"]:
        found = np.einsum("lk,nlkc->nlc", scheme.barycentric, basis[:, scheme.vertices])
        # In another order of memory every use of it would begin with a copy, which takes ten times as long as the sum.
        return np.ascontiguousarray(found, dtype=np.float32)

    return MorphableModel(
        mean=points(scheme, model.mean),
        identity_basis=mixed(model.identity_basis),
        expression_basis=mixed(model.expression_basis),
        triangles=np.zeros((0, 3), dtype=np.int32),
        interaction=model.interaction and _reduced_interaction(model.interaction, scheme, len(model.mean)),
    )


def _reduced_interaction(crossed: Interaction, scheme: LandmarkScheme, count: int) -> Interaction:
    place = np.full(count, -1)
    place[crossed.vertices] = np.arange(len(crossed.vertices))
    places = place[scheme.vertices]
    reached = np.flatnonzero((places >= 0).any(axis=1))
    shares = np.where(places >= 0, scheme.barycentric, 0)[reached]
    basis = np.einsum("lk,imlkc->imlc", shares, crossed.basis[:, :, places[reached]]).astype(np.float32)
    return Interaction(crossed.expressions, reached.astype(np.int32), basis)


def landmarks_from_params(params: FaceParams, head: HeadModel | None = None) -> Float[np.ndarray, "68 2"]:
    """Project the iBUG-68 points of a head (None: the default head) to pixels; hidden points too."""
    model = landmark_model(head_or_default(head))
    assert len(model.mean) == LANDMARK_COUNT
    return image_from_head(vertices_from_params(model, params.identity, params.expression), params.pose)


def face_box_from_params(params: FaceParams, head: HeadModel | None = None) -> Box:
    """Bound the projected face mask of a head (None: the default head): hairline to chin, ear to ear."""
    model = _face_mask_model(head_or_default(head))
    return tight_box(image_from_head(vertices_from_params(model, params.identity, params.expression), params.pose))


@lru_cache(maxsize=16)
def landmark_model(head: HeadModel, scheme: str = "ibug68") -> MorphableModel:
    """Return the model of a head's landmarks alone; made once per head."""
    return reduced_model(head.model, load_scheme(scheme))


@lru_cache(maxsize=8)
def _face_mask_model(head: HeadModel) -> MorphableModel:
    """Every face vertex, as points; the bound is exact and costs a fifth of a millisecond."""
    chosen = face_vertices(head)
    count = len(chosen)
    scheme = LandmarkScheme(
        name="face",
        vertices=np.repeat(chosen[:, None], 3, axis=1),
        barycentric=np.tile(np.array([1, 0, 0], dtype=np.float32), (count, 1)),
        labels=("face",) * count,
    )
    return reduced_model(head.model, scheme)
