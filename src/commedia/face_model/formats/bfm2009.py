"""Basel Face Model 2009 as MATLAB file: `01_MorphableModel.mat`, and the `BFM_model_front.mat` others made of it.

Refuses version 7.3 files, which are HDF5 in disguise: save them again with `-v7`.

Reference:
    Paysan et al. 2009; for the front model Deng et al. 2019 (Deep3DFaceReconstruction), decimetres, indices from 1.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.face_model.albedo import AlbedoModel
from commedia.face_model.formats import source
from commedia.face_model.formats.archives import mat_arrays, mat_headers, npy_array
from commedia.face_model.formats.facewarehouse import BLENDSHAPE_NAMES
from commedia.face_model.formats.sides import sided_names
from commedia.face_model.formats.source import BadFaceModel, Options, RawModel, SourceModel
from commedia.face_model.model import MorphableModel

KIND = "bfm2009"
MICROMETRES, DECIMETRES = 1e-6, 0.1
GREY_LEVELS = np.float32(255)


def read_bfm2009(path: Path, options: Options) -> SourceModel:
    """Read shape, colours and in the front model expression, all in standard deviations of their components.

    With `options.blendshapes` the front model's expressions are FaceWarehouse's 46 blendshapes, as CPEM's authors
    carried them over (`mean_delta_blendshape.npy`).
    """
    whole = "shapeMU" in mat_headers(path)
    if whole and options.blendshapes is not None:
        raise BadFaceModel(f"'{options.blendshapes}' belongs to the front model; '{path}' is the whole one")
    return source.in_our_frame(path, KIND, _whole(path) if whole else _front(path, options.blendshapes), options)


def _whole(path: Path) -> RawModel:
    found = mat_arrays(path, ("shapeMU", "shapePC", "shapeEV", "tl"), optional=("texMU", "texPC", "texEV"))
    mean = source.vertices_of(path, "shapeMU", found["shapeMU"])
    model = MorphableModel(
        mean=mean,
        identity_basis=_deviations(path, found, "shape", len(mean)),
        expression_basis=np.zeros((0, *mean.shape), dtype=np.float32),
        triangles=_triangles(path, "tl", found["tl"], len(mean)),
    )
    albedo = None
    if {"texMU", "texPC", "texEV"} <= found.keys():
        albedo = _albedo(path, "texMU", found["texMU"], _deviations(path, found, "tex", len(mean)), len(mean))
    return RawModel(model, (), MICROMETRES, albedo=albedo)


def _front(path: Path, blendshapes: Path | None) -> RawModel:
    optional = ("keypoints", "meantex", "texBase", "skinmask")
    found = mat_arrays(path, ("meanshape", "idBase", "exBase", "tri"), optional=optional)
    mean = source.vertices_of(path, "meanshape", found["meanshape"])
    expression = source.columns(path, "exBase", found["exBase"], len(mean))
    names = tuple(f"component{number:03d}" for number in range(len(expression)))
    if blendshapes is not None:
        expression = source.columns(blendshapes, "the blendshapes", npy_array(blendshapes), len(mean))
        if len(expression) != len(BLENDSHAPE_NAMES):
            wanted = len(BLENDSHAPE_NAMES)
            raise BadFaceModel(f"'{blendshapes}' has {len(expression)} blendshapes, expected FaceWarehouse's {wanted}")
        names = sided_names(blendshapes, BLENDSHAPE_NAMES, mean, expression)
    model = MorphableModel(
        mean=mean,
        identity_basis=source.columns(path, "idBase", found["idBase"], len(mean)),
        expression_basis=expression,
        triangles=_triangles(path, "tri", found["tri"], len(mean)),
    )
    albedo, skin = None, None
    if {"meantex", "texBase"} <= found.keys():
        basis = source.columns(path, "texBase", found["texBase"], len(mean))
        albedo = _albedo(path, "meantex", found["meantex"], basis, len(mean))
    if "skinmask" in found:
        skin = source.numbers(path, "skinmask", found["skinmask"].reshape(-1), (len(mean),)) > 0.5
    landmarks = source.ibug68_of(path, KIND, "keypoints", found.get("keypoints"), len(mean), first=1)
    return RawModel(model, names, DECIMETRES, landmarks, albedo=albedo, skin=skin)


def _deviations(path: Path, found: dict[str, np.ndarray], what: str, count: int) -> Float[np.ndarray, "k v 3"]:
    """Components times their standard deviations."""
    basis = source.columns(path, f"{what}PC", found[f"{what}PC"], count)
    name = f"{what}EV"
    return basis * source.numbers(path, name, found[name].reshape(-1), (len(basis),))[:, None, None]


def _albedo(path: Path, name: str, mean: np.ndarray, basis: Float[np.ndarray, "k v 3"], count: int) -> AlbedoModel:
    """Colours of 0 to 255 to those of 0 to 1."""
    colours = source.numbers(path, name, mean.reshape(-1), (3 * count,)).reshape(-1, 3)
    return AlbedoModel(colours / GREY_LEVELS, basis / GREY_LEVELS)


def _triangles(path: Path, name: str, value: np.ndarray, count: int) -> np.ndarray:
    source.numbers(path, name, value, (None, 3))
    return source.indices(path, name, value, count, first=1)
