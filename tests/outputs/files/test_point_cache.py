"""A point cache and the OBJ it goes with, read by the words of their formats, hold a posed character's vertices."""

import struct
import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from rigs import params, small_builder
from test_files import fill_disk

from commedia.characters.character import Character
from commedia.characters.default_head import default_head_character
from commedia.characters.gltf import character_from_bytes
from commedia.characters.posing import pose_character
from commedia.errors import BadCharacter, CommediaError, OutputFailed, SinkClosed
from commedia.geometry.wavefront import read_obj
from commedia.outputs.files.point_cache import PointCacheWriter
from commedia.outputs.files.wavefront import ObjWriter, write_obj
from commedia.outputs.people import check_formats
from commedia.retarget.solve import Retargeter
from commedia.structures import RigPose

RATE = Fraction(30000, 1001)
NAMES = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")


@pytest.fixture(scope="module")
def small() -> Character:
    return character_from_bytes(small_builder(NAMES).to_bytes(), "small")


def poses(character: Character, count: int) -> list[RigPose]:
    retargeter = Retargeter(character)
    phase = np.linspace(0, 3, count)
    faces = [params((0.3 * np.sin(p), 0.1, 0), jawOpen=np.sin(p), eyeBlinkLeft=p / 3) for p in phase]
    return [retargeter.pose_from_params(face) for face in faces]


def write(path: Path, character: Character, moving: list[RigPose]) -> None:
    writer = PointCacheWriter(character, path, RATE)
    for index, pose in enumerate(moving):
        writer.add(index / RATE, pose)
    writer.close()


def read_pc2(path: Path) -> np.ndarray:
    """Vertices (frames, points, 3), by the layout that Blender, 3ds Max and Houdini publish."""
    data = path.read_bytes()
    assert data[:12] == b"POINTCACHE2\0"
    version, points, start, rate, samples = struct.unpack_from("<iiffi", data, 12)
    assert (version, start, rate) == (1, 0.0, 1.0)
    assert len(data) == 32 + 12 * points * samples
    return np.frombuffer(data, "<f4", offset=32).reshape(samples, points, 3)


def all_vertices(character: Character, pose: RigPose) -> np.ndarray:
    return np.concatenate([piece.positions for piece in pose_character(character, pose)])


def test_every_vertex_of_every_frame_comes_back(tmp_path: Path, small: Character) -> None:
    moving = poses(small, 12)
    write(tmp_path / "a.pc2", small, moving)
    read = read_pc2(tmp_path / "a.pc2")
    assert len(read) == 12
    for frame, pose in zip(read, moving, strict=True):
        np.testing.assert_array_equal(frame, all_vertices(small, pose).astype(np.float32))
    # Frames differ, so an order of frames could be noticed.
    assert np.abs(np.diff(read, axis=0)).max(axis=(1, 2)).min() > 1e-4


def test_the_neutral_obj_has_the_points_of_the_cache_in_order(tmp_path: Path) -> None:
    character = default_head_character()
    neutral = Retargeter(character).pose_from_params(params())
    write(tmp_path / "a.pc2", character, [neutral])
    write_obj(tmp_path / "a.obj", pose_character(character, neutral))
    (cached,) = read_pc2(tmp_path / "a.pc2")
    surface = read_obj(tmp_path / "a.obj", BadCharacter)
    np.testing.assert_array_equal(surface.positions.astype(np.float32), cached)
    pieces = pose_character(character, neutral)
    first = np.cumsum([0, *(len(piece.positions) for piece in pieces)])
    expected = [tuple(row + start) for piece, start in zip(pieces, first, strict=False) for row in piece.triangles]
    assert surface.faces == [tuple(int(corner) for corner in face) for face in expected]


def test_obj_corners_point_at_their_own_normals_and_coordinates(tmp_path: Path) -> None:
    character = default_head_character()
    pieces = pose_character(character, Retargeter(character).pose_from_params(params()))
    write_obj(tmp_path / "a.obj", pieces)
    rows: dict[str, list[list[str]]] = {"v": [], "vn": [], "vt": [], "f": [], "o": [], "g": []}
    for line in (tmp_path / "a.obj").read_text().splitlines():
        key, *words = line.split()
        if key in rows:
            rows[key].append(words)
    assert len(rows["o"]) == 1
    assert len(rows["g"]) == len(pieces)
    normals, uv = np.array(rows["vn"], float), np.array(rows["vt"], float)
    corners = np.array([[[int(number) for number in word.split("/")] for word in face] for face in rows["f"]]) - 1
    np.testing.assert_allclose(normals, np.concatenate([piece.normals for piece in pieces]), atol=1e-7)
    np.testing.assert_array_equal(corners[..., 0], corners[..., 2])
    texture = np.concatenate([piece.uv for piece in pieces if piece.uv is not None])
    np.testing.assert_allclose(uv, np.stack([texture[:, 0], 1 - texture[:, 1]], axis=1), atol=1e-7)
    assert corners[..., 1].max() == len(uv) - 1


def test_pieces_without_coordinates_keep_the_count(tmp_path: Path, small: Character) -> None:
    write_obj(tmp_path / "a.obj", pose_character(small, poses(small, 1)[0]))
    text = (tmp_path / "a.obj").read_text()
    assert "vt " not in text
    assert "f 5//5 6//6 7//7" in text
    surface = read_obj(tmp_path / "a.obj", BadCharacter)
    assert (len(surface.positions), len(surface.faces)) == (8, 4)


def test_each_still_becomes_a_file(tmp_path: Path, small: Character) -> None:
    writer = ObjWriter(small, tmp_path / "person-01")
    moving = poses(small, 2)
    for pose in moving:
        writer.add(Fraction(0), pose)
    writer.close()
    assert [path.name for path in writer.paths] == ["person-01-0000.obj", "person-01-0001.obj"]
    for path, pose in zip(writer.paths, moving, strict=True):
        read = read_obj(path, BadCharacter).positions
        np.testing.assert_array_equal(read.astype(np.float32), all_vertices(small, pose).astype(np.float32))
    again = ObjWriter(small, tmp_path / "person-02")
    again.add(Fraction(0), moving[0])
    again.discard()
    assert not list(tmp_path.glob("person-02*"))
    with pytest.raises(SinkClosed):
        again.add(Fraction(0), moving[0])


def test_obj_files_of_a_video_are_refused_in_a_sentence() -> None:
    with pytest.raises(CommediaError, match=r"'obj' is for photos.*take 'pc2'"):
        check_formats(("glb", "obj"), is_still=False)
    check_formats(("glb", "obj"), is_still=True)


def test_nothing_half_written_stays(tmp_path: Path, small: Character, monkeypatch: pytest.MonkeyPatch) -> None:
    (good,) = poses(small, 1)
    (bad,) = poses(small, 1)
    bad.weights[1] = np.nan
    for writer in (PointCacheWriter(small, tmp_path / "a.pc2", RATE), ObjWriter(small, tmp_path / "a")):
        writer.add(Fraction(0), good)
        with pytest.raises(OutputFailed, match="not finite"):
            writer.add(1 / RATE, bad)
        writer.discard()
        with pytest.raises(SinkClosed):
            writer.add(1 / RATE, good)
    (tmp_path / "a.pc2").write_bytes(b"old")
    fill_disk(monkeypatch, room=1000)
    with pytest.raises(OutputFailed, match="No space left"):
        write(tmp_path / "a.pc2", small, [good] * 30)
    assert [path.name for path in tmp_path.iterdir()] == ["a.pc2"]
    assert (tmp_path / "a.pc2").read_bytes() == b"old"


def test_memory_does_not_grow_with_the_take(tmp_path: Path) -> None:
    character = default_head_character()
    (pose,) = poses(character, 1)
    peaks = []
    for count in (2, 12):
        tracemalloc.start()
        write(tmp_path / "a.pc2", character, [pose] * count)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Ten more frames of five thousand vertices take 600 kB.
    assert peaks[1] < peaks[0] + 100_000
