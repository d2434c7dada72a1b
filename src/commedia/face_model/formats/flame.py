"""FLAME: `generic_model.pkl` and its relatives, or the same arrays as npz, with the landmark embeddings beside it.

The pickle is read without running it; old files with chumpy arrays must be converted first. Joints are left out: jaw,
neck and eyes turn by skinning there, which no weighted sum is, so the jaw of this model moves only as far as the
components go.

Reference: Li et al. 2017. Metres; 300 identity and 100 expression components in standard deviations.
"""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int32

from commedia.face_model.formats import source
from commedia.face_model.formats.archives import npz_arrays
from commedia.face_model.formats.pickles import read_pickle, read_pickled_npy
from commedia.face_model.formats.source import BadFaceModel, Options, RawModel, SourceModel
from commedia.face_model.landmarks import LandmarkScheme, load_scheme
from commedia.face_model.model import MorphableModel

KIND = "flame"
IDENTITIES, EXPRESSIONS = 300, 100
LEFT_EYE, RIGHT_EYE, JOINTS = 3, 4, 5
STATIC, DYNAMIC = "flame_static_embedding.pkl", "flame_dynamic_embedding.npy"
INNER, CONTOUR = 51, 17


def read_flame(path: Path, options: Options) -> SourceModel:
    """Read template and directions; the origin goes between the eyeballs, whose centres are two of its joints."""
    found = _arrays(path)
    mean = source.numbers(path, "v_template", found["v_template"], (None, 3))
    mean = source.vertices_of(path, "v_template", mean)
    directions = source.numbers(path, "shapedirs", found["shapedirs"], (len(mean), 3, IDENTITIES + EXPRESSIONS))
    basis = np.ascontiguousarray(np.moveaxis(directions, -1, 0))
    source.numbers(path, "f", found["f"], (None, 3))
    triangles = source.indices(path, "f", found["f"], len(mean))
    model = MorphableModel(mean, basis[:IDENTITIES], basis[IDENTITIES:], triangles)
    origin = None
    if found.get("J_regressor") is not None:
        joints = source.numbers(path, "J_regressor", found["J_regressor"], (JOINTS, len(mean))) @ mean
        origin = joints[[LEFT_EYE, RIGHT_EYE]].mean(axis=0)
    names = tuple(f"component{number:03d}" for number in range(EXPRESSIONS))
    return source.in_our_frame(path, KIND, RawModel(model, names, 1.0, _landmarks(path.parent, model), origin), options)


def read_embedding(
    static: Path, dynamic: Path, triangles: Int32[np.ndarray, "t 3"], vertex_count: int
) -> LandmarkScheme:
    """Read the 51 inner points, and of the contours that slide with yaw the first, which is that of a frontal face."""
    parts = [
        _embedded(static, read_pickle(static), len(triangles)),
        _embedded(dynamic, read_pickled_npy(dynamic), len(triangles)),
    ]
    inner, contour = parts
    if len(inner[0]) != INNER or len(contour[0]) < CONTOUR:
        raise BadFaceModel(
            f"'{static}' and '{dynamic}' have {len(inner[0])} and {len(contour[0])} points, expected 51 and 17"
        )
    face = np.concatenate([contour[0][:CONTOUR], inner[0]])
    weights = np.concatenate([contour[1][:CONTOUR], inner[1]])
    assert triangles.max(initial=0) < vertex_count
    return LandmarkScheme(KIND, triangles[face], weights, load_scheme("ibug68").labels)


def _landmarks(folder: Path, model: MorphableModel) -> LandmarkScheme | None:
    static, dynamic = folder / STATIC, folder / DYNAMIC
    if not (static.is_file() and dynamic.is_file()):
        return None
    return read_embedding(static, dynamic, model.triangles, len(model.mean))


def _arrays(path: Path) -> dict[str, Any]:
    required, optional = ("v_template", "shapedirs", "f"), ("J_regressor",)
    with source.reading(path, "FLAME"), path.open("rb") as file:
        npz = file.read(2) == b"PK"
    if npz:
        return npz_arrays(path, required, optional=optional)
    found = read_pickle(path)
    missing = [name for name in required if name not in found]
    if missing:
        raise BadFaceModel(f"'{path}' has no {', '.join(missing)}; it has {', '.join(sorted(found)[:12]) or 'nothing'}")
    return found


def _embedded(path: Path, found: dict[str, Any], count: int) -> tuple[Int32[np.ndarray, "n"], Float[np.ndarray, "n 3"]]:
    if not {"lmk_face_idx", "lmk_b_coords"} <= set(found):
        raise BadFaceModel(
            f"'{path}' has {', '.join(sorted(found)[:12]) or 'nothing'}, expected lmk_face_idx and lmk_b_coords"
        )
    face = source.indices(path, "lmk_face_idx", found["lmk_face_idx"], count).reshape(-1)
    flat = source.numbers(path, "lmk_b_coords", np.asarray(found["lmk_b_coords"]).reshape(-1), (3 * len(face),))
    weights = flat.reshape(-1, 3)
    if not np.allclose(weights.sum(axis=1), 1, atol=1e-2):
        raise BadFaceModel(f"'{path}': lmk_b_coords do not sum to 1 per point")
    return face, weights
