"""ICT-FaceKit: the folder `FaceXModel` with its neutral, expression and identity OBJ files. Linear, centimetres.

Reference:
    Li et al. 2020. A displacement is a file's positions minus the neutral's; identities are in standard deviations.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from commedia.face_model.formats import source
from commedia.face_model.formats.archives import read_positions, read_surface
from commedia.face_model.formats.sides import sided_names
from commedia.face_model.formats.source import BadFaceModel, Options, RawModel, SourceModel
from commedia.face_model.landmarks import LandmarkScheme
from commedia.face_model.model import MorphableModel

KIND = "ict"
CENTIMETRES = 0.01
NEUTRAL, TABLE = "generic_neutral_mesh.obj", "vertex_indices.json"
IDENTITY, NAME = re.compile(r"identity(\d{3})$"), re.compile(r"\w{1,64}$")
MAX_MODES = 1000
WHOLE_COUNT = 26_719
EYEBALLS = (slice(21_451, 23_021), slice(23_021, 24_591))
"""Vertices of the two eyeballs in the published mesh."""


def read_ict(path: Path, options: Options) -> SourceModel:
    """Read all identities, and the expressions that the table lists in its order, or all without a table."""
    folder = path if (path / NEUTRAL).is_file() else path / "FaceXModel"
    mean, triangles = read_surface(folder / NEUTRAL)
    table = _table(folder)
    stems = sorted(file.stem for file in folder.glob("*.obj"))
    identities = [stem for stem in stems if IDENTITY.match(stem)]
    names = _expressions(folder, table, [s for s in stems if not IDENTITY.match(s) and f"{s}.obj" != NEUTRAL])
    if len(identities) + len(names) > MAX_MODES:
        raise BadFaceModel(f"'{folder}' has {len(identities) + len(names)} modes, expected at most {MAX_MODES}")
    source.check_size(folder, "the model", (len(identities) + len(names) + 1, *mean.shape))
    model = MorphableModel(
        mean=mean,
        identity_basis=_modes(folder, identities, mean),
        expression_basis=_modes(folder, names, mean),
        triangles=triangles,
    )
    sided = sided_names(folder, tuple(names), mean, model.expression_basis)
    raw = RawModel(model, sided, CENTIMETRES, _landmarks(folder, table, len(mean)), _eyes(mean))
    return source.in_our_frame(folder, KIND, raw, options)


def _modes(folder: Path, stems: list[str], mean: Float[np.ndarray, "v 3"]) -> Float[np.ndarray, "k v 3"]:
    basis = np.zeros((len(stems), *mean.shape), dtype=np.float32)
    for row, stem in enumerate(stems):
        positions = read_positions(folder / f"{stem}.obj")
        if positions.shape != mean.shape:
            raise BadFaceModel(
                f"'{folder / stem}.obj' has {len(positions)} vertices, expected {len(mean)} as the neutral"
            )
        basis[row] = positions - mean
    return basis


def _eyes(mean: Float[np.ndarray, "v 3"]) -> Float[np.ndarray, "3"] | None:
    """Return the middle between the eyeballs' centres; known for the published mesh only."""
    if len(mean) != WHOLE_COUNT:
        return None
    low, high = (np.stack([getattr(mean[ball], end)(axis=0) for ball in EYEBALLS]) for end in ("min", "max"))
    return ((low + high) / 2).mean(axis=0)


def _table(folder: Path) -> dict[str, Any]:
    path = folder / TABLE
    if not path.is_file():
        return {}
    with source.reading(path, "a table of ICT-FaceKit"):
        found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise BadFaceModel(f"'{path}' holds a {type(found).__name__}, expected a table of expressions and vertices")
    return found


def _expressions(folder: Path, table: dict[str, Any], there: list[str]) -> list[str]:
    listed = table.get("expressions", there)
    sane = isinstance(listed, list) and all(isinstance(name, str) and NAME.match(name) for name in listed)
    if not sane or len(set(listed)) != len(listed):
        raise BadFaceModel(f"'{folder / TABLE}' lists expressions that are no distinct file names")
    missing = [name for name in listed if name not in there]
    if missing:
        raise BadFaceModel(f"'{folder}' has no {', '.join(missing[:5])} among its {len(there)} expression files")
    return listed


def _landmarks(folder: Path, table: dict[str, Any], count: int) -> LandmarkScheme | None:
    marks = table.get("idx_to_landmark_verts")
    if not isinstance(marks, list) or len(marks) != 68:
        return None
    with source.reading(folder / TABLE, "a table of ICT-FaceKit"):
        return source.ibug68_of(folder / TABLE, KIND, "idx_to_landmark_verts", marks, count)
