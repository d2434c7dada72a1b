"""Tiny face models written in the layouts of others: the 68 points of the default head are their vertices."""

import json
import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
from runpy import run_path
from typing import NamedTuple

import numpy as np

from commedia.conventions import EXPRESSION_NAMES
from commedia.face_model.landmarks import load_scheme, reduced_model
from commedia.face_model.model import load_head

# The script that makes models in the collection's layout knows what its blendshapes are in our names.
arkit_mixture = run_path(str(Path(__file__).parents[3] / "scripts" / "make_multilinear.py"))["arkit_mixture"]
TRIANGLES = np.array([[30, 48, 54], [27, 31, 35], [57, 54, 48], [30, 31, 35]], dtype=np.int32)
"""Anticlockwise seen from outside."""


class Tiny(NamedTuple):
    """Metres, our axes."""

    mean: np.ndarray
    identity: np.ndarray
    expression: np.ndarray

    def blendshape(self, name: str) -> np.ndarray:
        return self.expression[EXPRESSION_NAMES.index(name)]


@cache
def tiny() -> Tiny:
    model = reduced_model(load_head().model, load_scheme("ibug68"))
    return Tiny(*(array.astype(np.float64) for array in (model.mean, model.identity_basis[:4], model.expression_basis)))


def flat(shapes: np.ndarray) -> np.ndarray:
    """Coordinates of each vertex in turn, as rows; one column per shape."""
    return shapes.reshape(len(shapes), -1).T


def bfm2009_arrays() -> dict[str, np.ndarray]:
    face, deviation = tiny(), np.array([[2.0], [3], [4], [5]])
    return {
        "shapeMU": face.mean.reshape(-1, 1) * 1e6,
        "shapePC": flat(face.identity) * 1e6 / deviation.T,
        "shapeEV": deviation,
        "tl": TRIANGLES[:, ::-1] + 1.0,
    }


def bfm_front_arrays() -> dict[str, np.ndarray]:
    face = tiny()
    return {
        "meanshape": face.mean.reshape(1, -1) * 10,
        "idBase": flat(face.identity) * 10,
        "exBase": flat(face.expression[:3]) * 10,
        "tri": TRIANGLES + 1.0,
        "keypoints": np.arange(1.0, 69)[None],
    }


def write_mat(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    import scipy.io

    scipy.io.savemat(path, arrays)
    return path


def bfm2017_arrays() -> dict[str, np.ndarray]:
    face, variance = tiny(), np.array([4.0, 9, 16, 25])
    offset = np.full(face.mean.size, 0.5)
    return {
        "shape/model/mean": face.mean.reshape(-1) * 1e3 - offset,
        "shape/model/pcaBasis": flat(face.identity) * 1e3 / np.sqrt(variance),
        "shape/model/pcaVariance": variance,
        "expression/model/mean": offset,
        "expression/model/pcaBasis": flat(face.expression[:4]) * 1e3 / np.sqrt(variance),
        "expression/model/pcaVariance": variance,
        "shape/representer/cells": TRIANGLES.T,
    }


def write_h5(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    import h5py

    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return path


def flame_arrays() -> dict[str, np.ndarray]:
    face = tiny()
    directions = np.zeros((68, 3, 400))
    directions[..., :4] = np.moveaxis(face.identity, 0, -1)
    directions[..., 300:352] = np.moveaxis(face.expression, 0, -1)
    joints = np.zeros((5, 68))
    joints[3, 42:48] = joints[4, 36:42] = 1 / 6
    return {"v_template": face.mean, "shapedirs": directions, "f": TRIANGLES.astype(np.uint32), "J_regressor": joints}


def write_flame(path: Path, arrays: dict[str, np.ndarray], protocol: int = 2) -> Path:
    from scipy.sparse import csc_matrix

    held = arrays | {"J_regressor": csc_matrix(arrays["J_regressor"]), "bs_type": "lrotmin"}
    # As numpy before 2 named its modules, which is what circulates.
    data = pickle.dumps(held, protocol=protocol)
    path.write_bytes(data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray") if protocol < 4 else data)
    return path


def write_embeddings(folder: Path) -> None:
    inner = {"lmk_face_idx": np.arange(51) % 4, "lmk_b_coords": np.tile([0.2, 0.3, 0.5], (51, 1))}
    rows = {"lmk_face_idx": np.full((79, 17), 2), "lmk_b_coords": np.tile([1.0, 0, 0], (79, 17, 1))}
    (folder / "flame_static_embedding.pkl").write_bytes(pickle.dumps(inner, protocol=2))
    np.save(folder / "flame_dynamic_embedding.npy", np.array(rows, dtype=object), allow_pickle=True)


def write_obj(path: Path, vertices: np.ndarray, *, faces: bool = False) -> None:
    lines = ["# made by a test", "mtllib none.mtl", *(f"v {x:.7f} {y:.7f} {z:.7f}" for x, y, z in vertices), "vt 0 0"]
    if faces:
        lines += ["f " + " ".join(f"{corner + 1}/1/1" for corner in row) for row in TRIANGLES[:3]]
        lines += ["f -38 -37 -33 -35"]
    path.write_text("\n".join(lines), encoding="utf-8")


def write_ict(folder: Path, names: tuple[str, ...] = ("eyeBlink_L", "eyeBlink_R", "jawLeft", "jawOpen")) -> Path:
    face = tiny()
    folder.mkdir()
    write_obj(folder / "generic_neutral_mesh.obj", face.mean * 100, faces=True)
    for number, mode in enumerate(face.identity):
        write_obj(folder / f"identity{number:03d}.obj", (face.mean + mode) * 100)
    for name, blendshape in zip(names, ("eyeBlinkLeft", "eyeBlinkRight", "jawLeft", "jawOpen"), strict=True):
        write_obj(folder / f"{name}.obj", (face.mean + face.blendshape(blendshape)) * 100)
    table = {"expressions": list(names), "idx_to_landmark_verts": list(range(68))}
    (folder / "vertex_indices.json").write_text(json.dumps(table), encoding="utf-8")
    return folder


def warehouse_people(count: int = 4) -> np.ndarray:
    """People x 47 x 68 x 3 in decimetres; the first two blendshapes are those of the subject's right and left eye."""
    face, draw = tiny(), np.random.default_rng(3)
    blendshapes = np.tensordot(arkit_mixture(), face.expression, axes=1)
    whole = np.concatenate([face.mean[None], face.mean + blendshapes]) * 10
    who = draw.standard_normal((count, 4))
    return (
        whole + 10 * np.einsum("pi,ivc->pvc", who, face.identity)[:, None] * draw.uniform(0.9, 1.1, (count, 47, 1, 1))
    ).astype(np.float32)


def write_shapes(path: Path, shapes: np.ndarray) -> Path:
    path.parent.mkdir(parents=True)
    header = np.array([len(shapes) - 1, shapes.shape[1], 1], dtype="<i4")
    path.write_bytes(header.tobytes() + shapes.astype("<f4").tobytes())
    return path


def write_warehouse(folder: Path, people: np.ndarray) -> Path:
    for number, shapes in enumerate(people, start=1):
        write_shapes(folder / f"Tester_{number}" / "Blendshape" / "shape.bs", shapes)
    scan = folder / "Tester_1" / "TrainingPose"
    scan.mkdir()
    write_obj(scan / "pose_0.obj", people[0, 0] * 1.01, faces=True)
    return folder


def facescape_arrays() -> dict[str, np.ndarray]:
    people = warehouse_people(3)[:, :6] * 100
    return {
        "shape_bm_core": people.reshape(3, 6, -1).transpose(2, 1, 0),
        "id_mean": np.full(3, 1 / 3),
        "id_var": np.full(3, 0.25),
        "fv_indices": TRIANGLES + 1,
        "lm_list_v16": np.arange(68),
        "sym_dict": np.array({0: 1}, dtype=object),
    }


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    np.savez(path, **arrays)
    return path


FILES: dict[str, Callable[[Path], Path]] = {
    "bfm2009.mat": lambda folder: write_mat(folder / "bfm2009.mat", bfm2009_arrays()),
    "front.mat": lambda folder: write_mat(folder / "front.mat", bfm_front_arrays()),
    "bfm2017.h5": lambda folder: write_h5(folder / "bfm2017.h5", bfm2017_arrays()),
    "flame.pkl": lambda folder: write_flame(folder / "flame.pkl", flame_arrays()),
    "flame.npz": lambda folder: write_npz(folder / "flame.npz", flame_arrays()),
    "facescape.npz": lambda folder: write_npz(folder / "facescape.npz", facescape_arrays()),
    "shape.bs": lambda folder: write_shapes(folder / "Blendshape" / "shape.bs", warehouse_people()[0]),
}
"""Every kind of file, whole."""
KINDS = {
    "bfm2009.mat": "bfm2009",
    "front.mat": "bfm2009",
    "bfm2017.h5": "bfm2017",
    "flame.pkl": "flame",
    "flame.npz": "flame",
    "facescape.npz": "facescape",
    "shape.bs": "facewarehouse",
}
