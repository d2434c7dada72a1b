"""What was sent is what the GLB plays; the character's own bytes are untouched; outside judges agree."""

import json
import struct
import subprocess
import tracemalloc
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from oracles import CHROMIUM, FOLDER, needs_chromium, needs_validator, validated
from rigs import avatar, own_person, params, small_builder
from test_files import fill_disk

from commedia.characters.bones import local_rotations, rest_rotations
from commedia.characters.character import Character
from commedia.characters.default_head import default_head_character, own_character
from commedia.characters.gltf import character_from_bytes, read_character
from commedia.errors import OutputFailed, SinkClosed
from commedia.geometry.rotations import continuous_wxyz, multiply_wxyz, wxyz_from_yaw_pitch_roll
from commedia.outputs.files.gltf_animation import ClipWriter
from commedia.outputs.sink import write_all
from commedia.retarget.solve import Retargeter
from commedia.structures import RigPose

NTSC = Fraction(30000, 1001)
NAMES = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")


def _small() -> Character:
    return character_from_bytes(small_builder(NAMES).to_bytes(), "small")


def _motion(character: Character, count: int) -> tuple[list[Fraction], list[RigPose]]:
    retargeter = Retargeter(character)
    phase = np.linspace(0, 6, count)
    faces = [params((0.4 * np.sin(p), 0.1, 0.05), jawOpen=abs(np.sin(p)), eyeBlinkLeft=0.25) for p in phase]
    return [index / NTSC for index in range(count)], [retargeter.pose_from_params(face) for face in faces]


def write_clip(character: Character, path: Path, times_s: Iterable[Fraction], poses: Iterable[RigPose]) -> None:
    write_all(ClipWriter(character, path), zip(times_s, poses, strict=True))


def _open(path: Path) -> tuple[dict, bytes]:
    data = path.read_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    assert struct.unpack_from("<I", data, 8)[0] == len(data)
    return json.loads(data[20 : 20 + length]), data[28 + length :]


def _floats(tree: dict, binary: bytes, accessor: int) -> np.ndarray:
    entry = tree["accessors"][accessor]
    view = tree["bufferViews"][entry["bufferView"]]
    width = {"SCALAR": 1, "VEC4": 4}[entry["type"]]
    assert view["byteLength"] == entry["count"] * width * 4
    return np.frombuffer(binary, "<f4", entry["count"] * width, view["byteOffset"])


def test_a_clip_round_trips(tmp_path: Path) -> None:
    character = _small()
    times, poses = _motion(character, 700)
    write_clip(character, tmp_path / "clip.glb", iter(times), iter(poses))
    tree, binary = _open(tmp_path / "clip.glb")
    clip = tree["animations"][0]
    by_target = {(c["target"]["node"], c["target"]["path"]): clip["samplers"][c["sampler"]] for c in clip["channels"]}
    assert set(by_target) == {(4, "weights"), (5, "weights"), (1, "rotation"), (2, "rotation"), (3, "rotation")}
    read_times = _floats(tree, binary, clip["samplers"][0]["input"])
    np.testing.assert_array_equal(read_times, np.array(times, dtype=np.float32))
    bounds = tree["accessors"][clip["samplers"][0]["input"]]
    assert (bounds["min"], bounds["max"]) == ([read_times[0]], [read_times[-1]])
    weights = _floats(tree, binary, by_target[5, "weights"]["output"]).reshape(700, 3)
    np.testing.assert_array_equal(weights, np.array([pose.weights for pose in poses], dtype=np.float32))
    heads = np.array([pose.head_wxyz for pose in poses])
    still = np.tile([1.0, 0, 0, 0], (700, 1))
    for node, wxyz in local_rotations(character, heads, still, still).items():
        xyzw = _floats(tree, binary, by_target[node, "rotation"]["output"]).reshape(700, 4)
        np.testing.assert_allclose(np.abs((xyzw[:, [3, 0, 1, 2]] * wxyz).sum(axis=1)), 1, atol=1e-6)
        assert ((xyzw[1:] * xyzw[:-1]).sum(axis=1) > 0).all()


def test_the_character_s_own_bytes_stay(tmp_path: Path) -> None:
    character = _small()
    write_clip(character, tmp_path / "clip.glb", *_motion(character, 3))
    tree, binary = _open(tmp_path / "clip.glb")
    original = bytes(character.document.buffers[0])
    assert binary[: len(original)] == original
    count = len(character.document.json["accessors"])
    assert tree["accessors"][:count] == character.document.json["accessors"]
    again = read_character(tmp_path / "clip.glb")
    assert again.rig.morph_names == NAMES


def test_a_still_picture_shows_without_playing(tmp_path: Path) -> None:
    character = _small()
    pose = Retargeter(character).pose_from_params(params((0.5, 0, 0), jawOpen=0.75))
    write_clip(character, tmp_path / "still.glb", [Fraction(0)], [pose])
    again = read_character(tmp_path / "still.glb")
    np.testing.assert_allclose(again.rig.rest_weights, [0.75, 0, 0])
    assert not np.allclose(again.nodes[2].wxyz, character.nodes[2].wxyz)


def test_no_frames_give_the_character_alone(tmp_path: Path) -> None:
    write_clip(_small(), tmp_path / "none.glb", [], [])
    tree, _ = _open(tmp_path / "none.glb")
    assert "animations" not in tree


def test_an_existing_clip_comes_second(tmp_path: Path) -> None:
    character = _small()
    times, poses = _motion(character, 2)
    write_clip(character, tmp_path / "one.glb", times, poses)
    write_clip(read_character(tmp_path / "one.glb"), tmp_path / "two.glb", times, poses)
    assert len(_open(tmp_path / "two.glb")[0]["animations"]) == 2


def test_nodes_placed_by_a_matrix_can_be_turned(tmp_path: Path) -> None:
    builder = small_builder(NAMES)
    node = builder.tree["nodes"][2]
    node["matrix"] = [0, 0, -2, 0, 0, 2, 0, 0, 2, 0, 0, 0, *node.pop("translation"), 1]
    character = character_from_bytes(builder.to_bytes(), "small")
    np.testing.assert_allclose(character.nodes[2].scale, [2, 2, 2])
    write_clip(character, tmp_path / "clip.glb", *_motion(character, 2))
    assert "matrix" not in _open(tmp_path / "clip.glb")[0]["nodes"][2]
    np.testing.assert_allclose(read_character(tmp_path / "clip.glb").nodes[2].wxyz, character.nodes[2].wxyz, atol=1e-6)


def test_side_files_are_taken_in(tmp_path: Path) -> None:
    data = small_builder(NAMES).to_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    tree = json.loads(data[20 : 20 + length])
    (tmp_path / "a.bin").write_bytes(b"123")
    (tmp_path / "b.bin").write_bytes(data[28 + length :])
    tree["buffers"] = [{"byteLength": 3, "uri": "a.bin"}, {**tree["buffers"][0], "uri": "b.bin"}]
    for view in tree["bufferViews"]:
        view["buffer"] = 1
    (tmp_path / "rig.gltf").write_text(json.dumps(tree))
    character = read_character(tmp_path / "rig.gltf")
    write_clip(character, tmp_path / "out" / "clip.glb", *_motion(character, 2))
    again = read_character(tmp_path / "out" / "clip.glb")
    for before, after in zip(character.meshes, again.meshes, strict=True):
        np.testing.assert_array_equal(before.primitives[0].morphs, after.primitives[0].morphs)


def test_signs_follow_their_neighbours() -> None:
    track = wxyz_from_yaw_pitch_roll(np.stack([np.linspace(0, 9, 50), np.zeros(50), np.zeros(50)], axis=1))
    parts = [continuous_wxyz(track[:20], None)]
    parts.append(continuous_wxyz(track[20:], parts[0][-1]))
    joined = np.concatenate(parts)
    assert ((joined[1:] * joined[:-1]).sum(axis=1) > 0.9).all()
    np.testing.assert_allclose(np.abs((joined * track).sum(axis=1)), 1)


def test_two_frames_at_one_time_keep_the_first(tmp_path: Path) -> None:
    character = _small()
    times, poses = _motion(character, 3)
    write_clip(character, tmp_path / "clip.glb", [times[0], times[1], times[1]], poses)
    tree, _ = _open(tmp_path / "clip.glb")
    assert tree["accessors"][tree["animations"][0]["samplers"][0]["input"]]["count"] == 2


def test_what_is_not_a_number_is_not_written(tmp_path: Path) -> None:
    character = _small()
    times, poses = _motion(character, 2)
    poses[1].weights[0] = np.nan
    with pytest.raises(OutputFailed, match="not finite"):
        write_clip(character, tmp_path / "clip.glb", times, poses)
    assert not list(tmp_path.iterdir())


def test_a_closed_clip_takes_no_more(tmp_path: Path) -> None:
    character = _small()
    times, poses = _motion(character, 1)
    writer = ClipWriter(character, tmp_path / "clip.glb")
    writer.add(times[0], poses[0])
    writer.close()
    writer.close()
    with pytest.raises(SinkClosed):
        writer.add(times[0], poses[0])


def test_a_full_disk_leaves_the_old_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    character = _small()
    path = tmp_path / "clip.glb"
    path.write_bytes(b"old")
    times, poses = _motion(character, 50)
    fill_disk(monkeypatch, room=3000)
    with pytest.raises(OutputFailed, match="No space left"):
        write_clip(character, path, times, poses)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_memory_does_not_grow_with_the_take(tmp_path: Path) -> None:
    character = _small()
    _, (pose,) = _motion(character, 1)
    peaks = []
    for count in (1_500, 6_000):
        tracemalloc.start()
        write_clip(character, tmp_path / "clip.glb", (Fraction(i, 30) for i in range(count)), [pose] * count)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] + 100_000


@pytest.fixture(scope="module")
def head_clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Fraction], list[RigPose]]:
    character = default_head_character(np.random.default_rng(3).standard_normal(50))
    times, poses = _motion(character, 40)
    path = tmp_path_factory.mktemp("clips") / "person-01.glb"
    write_clip(character, path, times, poses)
    return path, times, poses


@needs_validator
def test_the_khronos_validator_finds_no_error(head_clip: tuple, tmp_path: Path) -> None:
    small = _small()
    write_clip(small, tmp_path / "small.glb", *_motion(small, 2))
    write_clip(small, tmp_path / "still.glb", *_motion(small, 1))
    for issues in validated(head_clip[0], tmp_path / "small.glb", tmp_path / "still.glb"):
        assert issues["numErrors"] == 0, issues["messages"]
    assert validated(head_clip[0])[0]["numWarnings"] == 0


@needs_validator
@pytest.mark.parametrize("name", ["brunette-t", "vroid-meshopt-webp"])
def test_the_validator_finds_no_error_in_an_avatar_s_clip(name: str, shared_data: Path, tmp_path: Path) -> None:
    character = avatar(shared_data / f"characters/{name}.glb")
    write_clip(character, tmp_path / "clip.glb", *_motion(character, 10))
    before, after = validated(shared_data / f"characters/{name}.glb", tmp_path / "clip.glb")
    assert after["numErrors"] == 0, after["messages"]
    assert after["numWarnings"] == before["numWarnings"]


@needs_chromium
def test_three_js_plays_the_default_head(head_clip: tuple, tmp_path: Path) -> None:
    path, times, poses = head_clip
    _play_and_compare(default_head_character(), path, times, poses, tmp_path)


@needs_chromium
@needs_validator
@pytest.mark.slow
def test_three_js_plays_an_own_rig_and_takes_no_notice_of_its_wrinkle_maps(tmp_path: Path) -> None:
    character = own_character(own_person())
    times, poses = _motion(character, 40)
    write_clip(character, tmp_path / "me.glb", times, poses)
    (issues,) = validated(tmp_path / "me.glb")
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"]
    _play_and_compare(character, tmp_path / "me.glb", times, poses, tmp_path)


@needs_chromium
def test_three_js_plays_an_avatar(shared_data: Path, tmp_path: Path) -> None:
    character = avatar(shared_data / "characters/brunette-t.glb")
    times, poses = _motion(character, 40)
    write_clip(character, tmp_path / "clip.glb", times, poses)
    _play_and_compare(character, tmp_path / "clip.glb", times, poses, tmp_path)


def _play_and_compare(character: Character, path: Path, times, poses, folder: Path) -> None:
    at = [0, 13, 31]
    command = ["node", FOLDER / "play_in_three.mjs", CHROMIUM, path, folder / "shot.png"]
    command += [repr(float(np.float32(float(times[index])))) for index in at]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    played = json.loads(done.stdout)
    assert played["messages"] == []
    assert played["dictionaries"]
    assert all(tuple(dictionary) == character.rig.morph_names for dictionary in played["dictionaries"])
    np.testing.assert_allclose(played["duration"], float(times[-1]), atol=1e-5)
    head = character.rig.bones.head
    rest = rest_rotations(character)[head]
    for index, frame in zip(at, played["frames"], strict=True):
        for influences in frame["influences"]:
            np.testing.assert_allclose(influences, poses[index].weights, atol=1e-4)
        x, y, z, w = frame["rotations"][character.nodes[head].name]
        expected = multiply_wxyz(poses[index].head_wxyz, rest)
        np.testing.assert_allclose(np.abs(expected @ [w, x, y, z]), 1, atol=1e-6)
    assert (folder / "shot.png").stat().st_size > 5_000
