"""What every reader shares: the result, the checks of what comes from outside, and the way into our frame and unit."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import log10
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int32

from commedia.conventions import LANDMARK_COUNT
from commedia.errors import CommediaError
from commedia.face_model.albedo import AlbedoModel
from commedia.face_model.landmarks import LandmarkScheme, load_scheme, points
from commedia.face_model.model import MorphableModel

MAX_VALUES = 400_000_000
"""Of one array. The largest in public use, FaceScape's, has 205 million."""
MAX_VERTICES = 2_000_000
MAX_VALUE = 1e9
"""Heads in micrometres have coordinates of 100,000; what is larger would only overflow later."""
HEAD_DIAGONAL_M = 0.3
"""Typical diagonal of the box around a face model: a mask has 0.25 m, a head with neck 0.5 m."""
POSSIBLE_DIAGONALS_M = (0.05, 2.0)


class BadFaceModel(CommediaError):
    """A face model file that cannot be read, or that is not what it should be."""


@dataclass(frozen=True)
class Options:
    """What only the user can know about a file."""

    axes: str | None = None
    """Order of a bilinear core's axes: a permutation of `vie`, v the coordinates, i identity, e the units."""
    metres_per_unit: float | None = None
    """Length of the file's unit, where the reader's own idea of it is wrong."""
    blendshapes: Path | None = None
    """FaceWarehouse's blendshapes on BFM 2009's front model, in place of its expression components."""


@dataclass(frozen=True)
class SourceModel:
    """A face model somebody else made, in metres and in our axes, and what is known about its parts."""

    kind: str
    model: MorphableModel
    expression_names: tuple[str, ...]
    """One per expression; sides are the subject's, seen in the geometry."""
    landmarks: LandmarkScheme | None
    """iBUG-68, where the source says where they are."""
    albedo: AlbedoModel | None = None
    """Colours of all vertices, where the source has them."""
    skin: Bool[np.ndarray, "v"] | None = None
    """Which vertices show skin of the face, where the source says so."""


@dataclass(frozen=True)
class RawModel:
    """A model as its file has it: any unit of length, axes already +x subject's left, +y up, +z out of the face."""

    model: MorphableModel
    expression_names: tuple[str, ...]
    metres_per_unit: float
    landmarks: LandmarkScheme | None = None
    origin: Float[np.ndarray, "3"] | None = None
    """Midway between the eyeballs, where known; else estimated from the landmarks, else left where it is."""
    albedo: AlbedoModel | None = None
    skin: Bool[np.ndarray, "v"] | None = None


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn whatever a parser makes of foreign bytes, MemoryError included, into one sentence."""
    try:
        yield
    except CommediaError:
        raise
    except Exception as problem:
        said = (str(problem).splitlines() or [""])[0][:160]
        raise BadFaceModel(f"'{path}' cannot be read as {what}: {said or type(problem).__name__}") from problem


def numbers(path: Path, name: str, value: object, shape: tuple[int | None, ...]) -> Float[np.ndarray, "..."]:
    """Return finite float32 of the expected shape, None standing for any length; fail with one sentence."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise BadFaceModel(f"'{path}': {name} holds {array.dtype}, expected numbers")
    check_shape(path, name, array.shape, shape)
    with np.errstate(over="ignore", invalid="ignore"):
        result = array.astype(np.float32)
    # Written so that NaN fails it too.
    if not (np.abs(result) <= MAX_VALUE).all():
        raise BadFaceModel(f"'{path}': {name} holds values that are no finite numbers or beyond {MAX_VALUE:g}")
    return result


def check_shape(path: Path, name: str, found: tuple[int, ...], expected: tuple[int | None, ...]) -> None:
    """Compare a shape with what is expected, and its size with what is sane, before anything is allocated."""
    fits = len(found) == len(expected) and all(want in (None, have) for have, want in zip(found, expected, strict=True))
    if not fits:
        wanted = " x ".join("any" if length is None else str(length) for length in expected)
        raise BadFaceModel(f"'{path}': {name} is {' x '.join(map(str, found)) or 'a single value'}, expected {wanted}")
    check_size(path, name, found)


def check_size(path: Path, name: str, shape: tuple[int, ...]) -> None:
    """Refuse what no face model needs."""
    count = 1
    for length in shape:
        count *= int(length)
    if not 0 < count <= MAX_VALUES:
        raise BadFaceModel(f"'{path}': {name} has {count} values, expected 1 to {MAX_VALUES}")


def vertices_of(path: Path, name: str, value: object) -> Float[np.ndarray, "v 3"]:
    """Read x, y, z of each vertex in turn, whatever the shape they are packed in."""
    flat = numbers(path, name, np.asarray(value).reshape(-1), (None,))
    if len(flat) % 3 or not 9 <= len(flat) <= 3 * MAX_VERTICES:
        raise BadFaceModel(f"'{path}': {name} has {len(flat)} values, expected x, y, z of 3 to {MAX_VERTICES} vertices")
    return flat.reshape(-1, 3)


def columns(path: Path, name: str, value: object, count: int) -> Float[np.ndarray, "k v 3"]:
    """Read displacements stored as columns: 3 v rows, one column per component."""
    return np.ascontiguousarray(numbers(path, name, value, (3 * count, None)).T).reshape(-1, count, 3)


def indices(path: Path, name: str, value: object, count: int, *, first: int = 0) -> Int32[np.ndarray, "..."]:
    """Read indices of vertices or triangles that count from `first`, and return them counted from 0."""
    array = np.asarray(value)
    check_size(path, name, array.shape)
    if array.dtype.kind not in "fiu" or not (array == np.floor(array)).all():
        raise BadFaceModel(f"'{path}': {name} holds {array.dtype} that are no indices")
    low, high = int(array.min()), int(array.max())
    if low < first or high >= count + first:
        raise BadFaceModel(f"'{path}': {name} names {low} to {high}, expected {first} to {count + first - 1}")
    return (array.astype(np.int64) - first).astype(np.int32)


def no_triangles() -> Int32[np.ndarray, "t 3"]:
    """What a set of points has."""
    return np.zeros((0, 3), dtype=np.int32)


def metres_from_size(vertices: Float[np.ndarray, "v 3"]) -> float:
    """Guess the unit where a file does not say: the power of ten that makes the model as large as a head."""
    diagonal = diagonal_of(vertices)
    return 10.0 ** round(log10(HEAD_DIAGONAL_M / diagonal)) if diagonal > 0 else 1.0


def diagonal_of(vertices: Float[np.ndarray, "v 3"]) -> float:
    """Return the distance between opposite corners of the box around the vertices."""
    return float(np.linalg.norm(np.ptp(vertices.astype(np.float64), axis=0)))


def ibug68_of(path: Path, kind: str, name: str, value: Any, count: int, *, first: int = 0) -> LandmarkScheme | None:
    """Read the iBUG points as 68 indices of vertices; None where the file has none, or another number of them."""
    if value is None or np.size(value) != LANDMARK_COUNT:
        return None
    return LandmarkScheme(
        name=kind,
        vertices=np.repeat(indices(path, name, np.reshape(value, -1), count, first=first)[:, None], 3, axis=1),
        barycentric=np.tile(np.array([1, 0, 0], dtype=np.float32), (LANDMARK_COUNT, 1)),
        labels=load_scheme("ibug68").labels,
    )


def in_our_frame(path: Path, kind: str, raw: RawModel, options: Options) -> SourceModel:
    """Scale to metres, move the origin between the eyes, turn triangles outwards.

    Refuses what is no head by its size, or lies mirrored or turned by its landmarks.
    """
    scale = options.metres_per_unit or raw.metres_per_unit
    model, landmarks = raw.model, raw.landmarks
    diagonal = diagonal_of(model.mean) * scale
    low, high = POSSIBLE_DIAGONALS_M
    if not low <= diagonal <= high:
        raise BadFaceModel(
            f"'{path}' read as {kind} is {diagonal:.3g} m across, expected a head of {low} to {high} m; "
            "say metres_per_unit if the file has another unit"
        )
    if landmarks is not None:
        _check_axes(path, points(landmarks, model.mean))
    crossed = model.interaction
    scaled = MorphableModel(
        mean=((model.mean - _origin(raw)) * scale).astype(np.float32),
        identity_basis=(model.identity_basis * scale).astype(np.float32),
        expression_basis=(model.expression_basis * scale).astype(np.float32),
        triangles=_turned_outwards(model.mean, model.triangles),
        interaction=crossed and replace(crossed, basis=(crossed.basis * scale).astype(np.float32)),
    )
    assert len(raw.expression_names) == len(scaled.expression_basis)
    return SourceModel(kind, scaled, raw.expression_names, landmarks, raw.albedo, raw.skin)


def _origin(raw: RawModel) -> Float[np.ndarray, "3"]:
    if raw.origin is not None or raw.landmarks is None:
        return np.zeros(3, dtype=np.float32) if raw.origin is None else raw.origin
    # An eyeball's centre lies about 10 mm behind the rims of its lids.
    behind = np.array([0, 0, 0.010 / raw.metres_per_unit], dtype=np.float32)
    return points(raw.landmarks, raw.model.mean)[36:48].mean(axis=0) - behind


def _check_axes(path: Path, marks: Float[np.ndarray, "68 3"]) -> None:
    right, left = marks[36:42].mean(axis=0), marks[42:48].mean(axis=0)
    facts = (
        (left[0] > right[0], "the subject's left eye at +x"),
        ((left + right)[1] / 2 > marks[8, 1], "eyes above the chin"),
        (marks[30, 2] > (left + right)[2] / 2, "the nose in front of the eyes"),
    )
    for holds, fact in facts:
        if not holds:
            raise BadFaceModel(f"'{path}' has other axes than its format: expected {fact}")


def _turned_outwards(mean: Float[np.ndarray, "v 3"], triangles: Int32[np.ndarray, "t 3"]) -> Int32[np.ndarray, "t 3"]:
    """Make triangles anticlockwise seen from outside: seen from the middle, most of the surface looks away."""
    corners = mean[triangles].astype(np.float64) - mean.mean(axis=0)
    volume = np.einsum("tc,tc->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))
    return triangles[:, ::-1].copy() if volume < 0 else triangles
