"""Files that lie, break off or want to run something: one sentence each, never a traceback, and nothing is run."""

import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from model_files import (
    FILES,
    KINDS,
    bfm2009_arrays,
    bfm2017_arrays,
    facescape_arrays,
    flame_arrays,
    warehouse_people,
    write_flame,
    write_h5,
    write_ict,
    write_mat,
    write_npz,
    write_obj,
    write_shapes,
    write_warehouse,
)

from commedia.errors import CommediaError, UnknownName
from commedia.face_model.formats.load import load_model
from commedia.face_model.formats.pickles import read_pickle
from commedia.face_model.formats.source import BadFaceModel

pytest.importorskip("scipy")
pytest.importorskip("h5py")

Broken = tuple[str, Callable[[Path], Path], str]


def changed(arrays: dict[str, np.ndarray], name: str, change: Callable[[np.ndarray], object]) -> dict[str, np.ndarray]:
    return arrays | {name: np.asarray(change(np.array(arrays[name])))}


def put(array: np.ndarray, value: float) -> np.ndarray:
    array.flat[5] = value
    return array


def without(arrays: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    return {key: value for key, value in arrays.items() if key != name}


def mat(name: str, change: Callable[[np.ndarray], object]) -> Callable[[Path], Path]:
    return lambda folder: write_mat(folder / "m.mat", changed(bfm2009_arrays(), name, change))


def h5(name: str, change: Callable[[np.ndarray], object]) -> Callable[[Path], Path]:
    return lambda folder: write_h5(folder / "m.h5", changed(bfm2017_arrays(), name, change))


def npz(name: str, change: Callable[[np.ndarray], object]) -> Callable[[Path], Path]:
    return lambda folder: write_npz(folder / "m.npz", changed(facescape_arrays(), name, change))


def pkl(name: str, change: Callable[[np.ndarray], object]) -> Callable[[Path], Path]:
    return lambda folder: write_flame(folder / "m.pkl", changed(flame_arrays(), name, change))


BROKEN: tuple[Broken, ...] = (
    ("mean with NaN", mat("shapeMU", lambda a: put(a, np.nan)), "no finite numbers"),
    ("too large for single precision", mat("shapeMU", lambda a: put(a, 1e200)), "no finite numbers"),
    ("basis of another mesh", mat("shapePC", lambda a: a[:-3]), "shapePC is 201 x 4, expected 204 x any"),
    ("too few deviations", mat("shapeEV", lambda a: a[:2]), "shapeEV is 2, expected 4"),
    ("vertex 0 where they count from 1", mat("tl", lambda a: put(a, 0)), "tl names 0 to 58, expected 1 to 68"),
    ("vertex beyond the last", mat("tl", lambda a: put(a, 999)), "expected 1 to 68"),
    ("half a vertex", mat("tl", lambda a: put(a, 1.5)), "no indices"),
    ("corners in fours", mat("tl", lambda a: a[:, [0, 1, 2, 0]]), "tl is 4 x 4, expected any x 3"),
    ("coordinates not in threes", mat("shapeMU", lambda a: a[:-1]), "expected x, y, z of 3"),
    ("as large as a house", mat("shapeMU", lambda a: a * 100), "m across, expected a head"),
    ("negative variance", h5("shape/model/pcaVariance", np.negative), "pcaVariance is negative"),
    ("words for numbers", h5("shape/model/mean", lambda a: b"mean"), "expected numbers"),
    ("infinite expression", h5("expression/model/pcaBasis", lambda a: put(a, np.inf)), "no finite numbers"),
    ("cells beyond", h5("shape/representer/cells", lambda a: put(a, -1)), "names -1 to 57, expected 0 to 67"),
    ("core of two axes", npz("shape_bm_core", lambda a: a[..., 0]), "expected any x any x any"),
    ("objects for a core", npz("shape_bm_core", lambda a: np.array([{}])), "pickled objects"),
    ("mean of other people", npz("id_mean", lambda a: a[:1]), "id_mean is 1, expected 3"),
    ("faces beyond", npz("fv_indices", lambda a: a + 60), "expected 1 to 68"),
    ("landmark beyond", npz("lm_list_v16", lambda a: a + 1), "expected 0 to 67"),
    ("light FLAME", pkl("shapedirs", lambda a: a[..., :50]), "shapedirs is 68 x 3 x 50, expected 68 x 3 x 400"),
    ("complex numbers", pkl("v_template", lambda a: a + 1j), "are no numbers"),
    ("objects in FLAME", pkl("v_template", lambda a: a.astype(object)), "holds objects"),
    ("no faces", lambda folder: write_flame(folder / "m.pkl", without(flame_arrays(), "f")), "has no f; it has"),
)


@pytest.mark.parametrize(("write", "says"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_what_is_wrong_is_said_in_one_sentence(write: Callable[[Path], Path], says: str, tmp_path: Path):
    path = write(tmp_path)
    with pytest.raises(BadFaceModel) as caught:
        load_model(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_files_that_break_off(name: str, tmp_path: Path):
    path = FILES[name](tmp_path)
    whole = path.read_bytes()
    for length in (0, 1, 10, len(whole) // 3, len(whole) - 40):
        path.write_bytes(whole[:length])
        for kind in (None, KINDS[name]):
            with pytest.raises(CommediaError) as caught:
                load_model(path, kind=kind)
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["flame.pkl", "facescape.npz", "shape.bs", "bfm2009.mat"])
def test_files_with_wrong_bytes_are_read_or_refused(name: str, tmp_path: Path, rng: np.random.Generator):
    path = FILES[name](tmp_path)
    whole = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    for _ in range(12):
        spoilt = whole.copy()
        # Where the structure is: at the ends.
        places = np.concatenate([rng.integers(0, 400, 2), len(whole) - rng.integers(1, 400, 2)])
        spoilt[places] = rng.integers(0, 256, 4)
        path.write_bytes(spoilt.tobytes())
        try:
            load_model(path, kind=KINDS[name])
        except CommediaError as error:
            assert "\n" not in str(error)  # noqa: PT017


class Runs:
    def __init__(self, function: Callable, *given: object):
        self.what = function, given

    def __reduce__(self):
        return self.what


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_cannot_run_anything(protocol: int, tmp_path: Path):
    for inside in (
        Runs(os.system, f"touch {tmp_path}/ran"),
        Runs(eval, "1"),
        Runs(getattr, 1, "real"),
        Runs(open, "x"),
    ):
        path = tmp_path / "m.pkl"
        path.write_bytes(pickle.dumps({"v_template": inside}, protocol=protocol))
        with pytest.raises(BadFaceModel, match=r"asks for '(\w+\.)?(system|eval|getattr|open|\w+\.\w+)'"):
            load_model(path, kind="flame")
    assert not (tmp_path / "ran").exists()


def test_chumpy_is_refused_with_a_way_out(tmp_path: Path):
    path = tmp_path / "generic_model.pkl"
    path.write_bytes(b"\x80\x02}X\x01\x00\x00\x00fcchumpy.ch\nCh\n)\x81s.")
    with pytest.raises(BadFaceModel, match=r"chumpy arrays.*numpy\.savez"):
        load_model(path)


def test_a_pickle_cannot_change_what_the_next_one_gets(tmp_path: Path):
    """BUILD with a slot state sets attributes of anything, also of the stand-ins' classes."""
    spoils = b"\x80\x02cnumpy\ndtype\n(N}X\x04\x00\x00\x00realX\x01\x00\x00\x00xstb."
    path = tmp_path / "m.pkl"
    path.write_bytes(spoils)
    with pytest.raises(BadFaceModel):
        read_pickle(path)
    load_model(write_flame(path, flame_arrays()))


def test_absurd_sizes_are_refused_before_they_are_allocated(tmp_path: Path):
    huge = tmp_path / "core.npy"
    np.save(huge, np.zeros((3, 3, 3)))
    huge.write_bytes(huge.read_bytes().replace(b"(3, 3, 3), }" + b" " * 18, b"(300000, 90000, 47), }" + b" " * 8))
    with pytest.raises(BadFaceModel, match="1269000000000 values"):
        load_model(huge)
    shapes = tmp_path / "shape.bs"
    shapes.write_bytes(struct.pack("<3i", 46, 2_000_000_000, 1) + b"0" * 100)
    with pytest.raises(BadFaceModel, match="46 shapes of 2000000000 vertices in 112 bytes"):
        load_model(shapes)
    shapes.write_bytes(struct.pack("<3i", -5, 68, 1))
    with pytest.raises(BadFaceModel, match="expected 46 of 11510"):
        load_model(shapes)


def test_hdf5_that_points_elsewhere(tmp_path: Path):
    import h5py

    write_h5(tmp_path / "other.h5", bfm2017_arrays())
    path = write_h5(tmp_path / "m.h5", without(bfm2017_arrays(), "shape/model/mean"))
    with h5py.File(path, "a") as file:
        file["shape/model/mean"] = h5py.ExternalLink("other.h5", "shape/model/mean")
    with pytest.raises(BadFaceModel, match=r"expected shape/model/mean, found a link"):
        load_model(path)
    secret = tmp_path / "secret"
    secret.write_bytes(np.zeros(204).tobytes())
    path = write_h5(tmp_path / "m2.h5", without(bfm2017_arrays(), "shape/model/mean"))
    with h5py.File(path, "a") as file:
        file.create_dataset("shape/model/mean", (204,), "f8", external=[(str(secret), 0, 1632)])
    with pytest.raises(BadFaceModel, match="no numbers of its own"):
        load_model(path)


def test_folders_that_lie(tmp_path: Path):
    folder = write_ict(tmp_path / "ict")
    table = folder / "vertex_indices.json"
    for text, says in (
        ('{"expressions": ["../../secret"]}', "no distinct file names"),
        ('{"expressions": ["frown_L"]}', "has no frown_L among its 4"),
        ('["eyeBlink_L"]', "holds a list"),
        ("{", "cannot be read"),
        ('{"idx_to_landmark_verts": [' + ",".join(["99"] * 68) + "]}", "expected 0 to 67"),
    ):
        table.write_text(text, encoding="utf-8")
        with pytest.raises(BadFaceModel, match=says):
            load_model(folder)
    table.unlink()
    write_obj(folder / "jawOpen.obj", np.zeros((5, 3)))
    with pytest.raises(BadFaceModel, match=r"jawOpen.obj' has 5 vertices, expected 68"):
        load_model(folder)
    (folder / "jawOpen.obj").write_text("v 1 2 3\nv 1 2\nv a b c\n", encoding="utf-8")
    with pytest.raises(BadFaceModel, match="cannot be read as an OBJ"):
        load_model(folder)


def test_people_of_different_shapes(tmp_path: Path):
    folder = write_warehouse(tmp_path / "FW", warehouse_people(2))
    write_shapes(folder / "Tester_9" / "Blendshape" / "shape.bs", warehouse_people(1)[0, :, :60])
    with pytest.raises(BadFaceModel, match=r"Tester_9.*expected \(47, 68, 3\)"):
        load_model(folder)


def test_an_order_that_is_not_plain_must_be_said(tmp_path: Path):
    path = tmp_path / "core.npy"
    np.save(path, np.ones((204, 10, 12)))
    with pytest.raises(BadFaceModel, match="say axes, one of vie"):
        load_model(path)
    with pytest.raises(BadFaceModel, match="axes 'xyz' are unknown"):
        load_model(path, axes="xyz")
    with pytest.raises(BadFaceModel, match="read as ive has 10 coordinates"):
        load_model(path, axes="ive")


def test_what_is_no_model_at_all(tmp_path: Path):
    text = tmp_path / "notes.txt"
    text.write_text("not a face", encoding="utf-8")
    with pytest.raises(BadFaceModel, match="no face model that is known here; known: facewarehouse"):
        load_model(text)
    with pytest.raises(BadFaceModel, match="no face model that is known here"):
        load_model(tmp_path)
    with pytest.raises(BadFaceModel, match="does not exist"):
        load_model(tmp_path / "nothing.npz")
    with pytest.raises(UnknownName, match="did you mean 'flame'"):
        load_model(text, kind="flam")
    with pytest.raises(BadFaceModel, match="length above 0"):
        load_model(text, metres_per_unit=-1.0)
    newer = tmp_path / "new.mat"
    newer.write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF")
    with pytest.raises(BadFaceModel, match="save it again with -v7"):
        load_model(newer)
