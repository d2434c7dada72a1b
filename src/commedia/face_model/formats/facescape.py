"""FaceScape's bilinear model as npz, for instance `facescape_bm_v1.6_847_50_52_id_front.npz`.

Albedo is left in the file, and so is whatever it holds as pickled objects.

Reference: Yang et al. 2020. Core of 3 v x 52 expressions x 50 identities, all absolute, expression 0 the neutral.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Int32, Shaped

from commedia.face_model.formats import source
from commedia.face_model.formats.archives import npz_arrays
from commedia.face_model.formats.source import BadFaceModel, Options, RawModel, SourceModel
from commedia.face_model.multilinear import model_from_tensor

KIND = "facescape"
FACES = ("fv_indices_front", "fv_indices")
MARKS = "lm_list_v16"


def read_facescape(path: Path, options: Options) -> SourceModel:
    """Read the shape core, its unit guessed by size; identity 0 is the mean person, its blendshapes its own 51."""
    found = npz_arrays(path, ("shape_bm_core", "id_mean", "id_var"), optional=(*FACES, MARKS))
    core = source.numbers(path, "shape_bm_core", found["shape_bm_core"], (None, None, None))
    rows, blendshapes, people = core.shape
    if rows % 3 or blendshapes < 2:
        raise BadFaceModel(
            f"'{path}': shape_bm_core is {rows} x {blendshapes} x {people}, expected 3 v x expressions x identities"
        )
    mean = source.numbers(path, "id_mean", found["id_mean"].reshape(-1), (people,))
    variance = source.numbers(path, "id_var", found["id_var"].reshape(-1), (people,))
    if (variance < 0).any():
        raise BadFaceModel(f"'{path}': id_var is negative somewhere, expected variances")
    triangles = next((_triangles(path, n, found[n], rows // 3) for n in FACES if n in found), source.no_triangles())
    model = model_from_tensor(np.swapaxes(core, 1, 2), triangles, identity_mean=mean, identity_std=np.sqrt(variance))
    landmarks = source.ibug68_of(path, KIND, MARKS, found.get(MARKS), rows // 3)
    names = tuple(f"facescape{number:02d}" for number in range(1, blendshapes))
    raw = RawModel(model, names, source.metres_from_size(model.mean), landmarks)
    return source.in_our_frame(path, KIND, raw, options)


def _triangles(path: Path, name: str, value: Shaped[np.ndarray, "..."], count: int) -> Int32[np.ndarray, "t 3"]:
    """Split quads, and count from 0 or 1 as the smallest index says."""
    source.check_shape(path, name, value.shape, (None, 4 if value.shape[-1] == 4 else 3))
    first = 0 if value.min() == 0 else 1
    faces = source.indices(path, name, value, count, first=first)
    return faces if faces.shape[1] == 3 else np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])
