"""A VRM animation made by a table moves the avatar as the clip made by that table does."""

import json
from pathlib import Path

import numpy as np
import pytest
from rigs import small_builder
from test_vrma import NTSC, Animation, blendshapes, some_faces, write

from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes
from commedia.characters.vrm import applied, read_vrm
from commedia.outputs.files.vrma import VrmaWriter, expression_channels
from commedia.pipeline import retarget
from commedia.retarget.equivalents import equivalents
from commedia.retarget.expressions import morph_weights
from commedia.retarget.mapping import map_morphs
from commedia.retarget.solve import Retargeter
from commedia.structures import FaceParams

MORPHS = ("mouthX", "shutX", "smileX", "browX", "loneX")
DIGITS = 5e-4
"""Gains of expressions are counted to three digits, as tables are written."""
BINDS: dict[str, dict[str, dict[str, float]]] = {
    "preset": {"aa": {"mouthX": 0.5}, "blinkRight": {"shutX": 1.0}, "happy": {"smileX": 0.8, "browX": 0.4}},
    "custom": {"wide": {"mouthX": 1.0}, "grin": {"smileX": 1.0}, "frown": {"browX": 0.9}},
}


def avatar_bytes(**more: dict) -> bytes:
    """A VRM whose morphs have names that say nothing; `more` adds to the expressions."""
    builder = small_builder(MORPHS)
    listed = {
        group: {
            name: {
                "morphTargetBinds": [
                    {"node": 4, "index": MORPHS.index(morph), "weight": weight} for morph, weight in binds.items()
                ],
                **more.get(name, {}),
            }
            for name, binds in entries.items()
        }
        for group, entries in BINDS.items()
    }
    builder.tree["extensionsUsed"] = ["VRMC_vrm"]
    builder.tree["extensions"] = {"VRMC_vrm": {"specVersion": "1.0", "expressions": listed}}
    return builder.to_bytes()


def avatar(**more: dict) -> Character:
    return character_from_bytes(avatar_bytes(**more), "small")


def played(path: Path, faces: list[FaceParams], character: Character, mapping: str) -> np.ndarray:
    """Weights of the avatar's morphs when a player that knows VRM plays the file."""
    writer = VrmaWriter(path, character, NTSC, table=map_morphs(character, mapping))
    for index, face in enumerate(faces):
        writer.add(index / NTSC, face)
    writer.close()
    read, vrm = Animation(path), read_vrm(character.document)
    assert vrm is not None
    values = np.zeros((len(read.times), len(vrm.expressions)))
    for column, one in enumerate(vrm.expressions):
        group = "preset" if one.preset else "custom"
        if one.name in read.names(group):
            values[:, column] = read.expression(group, one.name)
    columns = np.stack([morph_weights(character, one) for one in vrm.expressions], axis=1)
    return np.array([columns @ applied(vrm.expressions, row) for row in values])


TABLES = {
    "gains": "[morphs]\nmouthX = { jawOpen = 0.6 }\nshutX = { eyeBlinkRight = 0.9 }\nsmileX = { mouthSmileLeft = 1.0 }",
    "mixtures": "[morphs]\nmouthX = { jawOpen = 0.5, eyeBlinkRight = 0.25 }\nshutX = { mouthSmileLeft = 0.7 }",
    "bias and clamp": """[morphs]
        mouthX = { jawOpen = 1.4, bias = -0.3, clamp = [0.1, 0.7] }
        shutX = { eyeBlinkRight = 1.2 }
        browX = { mouthSmileLeft = 0.5, bias = 0.1, clamp = [0.2, 0.5] }""",
    "expressions": "[expressions]\naa = { eyeBlinkRight = 0.7 }\n[morphs]\nsmileX = { jawOpen = 0.5 }",
    "one twice": "[expressions]\ngrin = { eyeBlinkRight = 0.3 }\n[morphs]\nsmileX = { jawOpen = 0.5 }",
}


@pytest.mark.parametrize("kind", TABLES)
def test_the_file_moves_the_avatar_as_the_clip_does(kind: str, tmp_path: Path) -> None:
    table = tmp_path / "mine.toml"
    table.write_text(TABLES[kind])
    character, faces = avatar(), some_faces(60)
    retargeter = Retargeter(character, mapping=str(table))
    clip = np.array([retargeter.pose_from_params(face).weights for face in faces])
    assert clip.max() > 0.4
    np.testing.assert_allclose(played(tmp_path / "a.vrma", faces, character, str(table)), clip, atol=DIGITS)


def test_what_blocks_or_is_binary_is_left_to_the_player(tmp_path: Path) -> None:
    table = tmp_path / "mine.toml"
    table.write_text("[expressions]\nblinkRight = { mouthSmileLeft = 1.0 }\naa = { jawOpen = 1.0 }\n")
    character, faces = avatar(blinkRight={"isBinary": True, "overrideMouth": "block"}), some_faces(60)
    retargeter = Retargeter(character, mapping=str(table))
    clip = np.array([retargeter.pose_from_params(face).weights for face in faces])
    assert set(clip[:, 1]) == {0, 1}
    np.testing.assert_allclose(played(tmp_path / "a.vrma", faces, character, str(table)), clip, atol=DIGITS)


def test_shapes_that_no_expression_moves_alone_leave_their_units_to_the_avatar_s_own(tmp_path: Path) -> None:
    table = tmp_path / "mine.toml"
    table.write_text("[morphs]\nloneX = { jawOpen = 1.0 }\nshutX = { eyeBlinkRight = 1.0 }\n")
    character = avatar()
    channels = expression_channels(character, map_morphs(character, str(table)))
    assert dict(zip(channels.names, channels.from_blendshape.argmax(axis=1), strict=True)).keys() == {
        "aa",
        "blinkRight",
    }


def test_without_a_vrm_there_is_nothing_to_stand_for_it(tmp_path: Path) -> None:
    table = tmp_path / "mine.toml"
    table.write_text("[morphs]\nmouthX = { jawOpen = 1.0 }\n")
    plain = character_from_bytes(small_builder(MORPHS).to_bytes(), "plain")
    assert equivalents(plain, map_morphs(plain, str(table))) is None


def test_the_command_s_table_reaches_the_file(tmp_path: Path) -> None:
    """From a table of motion to the file: `wide` opens by the user's gain, and the preset that names suggest is out."""
    (tmp_path / "avatar.vrm").write_bytes(avatar_bytes())
    (tmp_path / "mine.toml").write_text("[morphs]\nmouthX = { jawOpen = 0.8 }\n")
    rows = [f"{index / 30},{index / 40}" for index in range(30)]
    (tmp_path / "motion.csv").write_text("\n".join(["time,jawOpen", *rows]))
    options = {"character": tmp_path / "avatar.vrm", "formats": ("vrma",), "preview": False}
    retarget(tmp_path / "motion.csv", tmp_path / "out", mapping=str(tmp_path / "mine.toml"), **options)
    read = Animation(tmp_path / "out" / "person-01.vrma")
    assert (read.names("preset"), read.names("custom")) == (set(), {"wide"})
    np.testing.assert_allclose(read.expression("custom", "wide"), np.arange(30) / 40 * 0.8, atol=1e-6)
    retarget(tmp_path / "motion.csv", tmp_path / "by-names", **options)
    assert "aa" in Animation(tmp_path / "by-names" / "person-01.vrma").names("preset")


def test_a_table_for_another_kind_of_rig_changes_nothing(tmp_path: Path) -> None:
    """Without a VRM the file is for all avatars, and a table is about this rig's morphs only."""
    table = tmp_path / "mine.toml"
    table.write_text("[morphs]\nmouthX = { jawOpen = 0.2 }\n")
    plain = character_from_bytes(small_builder(MORPHS).to_bytes(), "plain")
    faces = some_faces(5)
    write(tmp_path / "a.vrma", faces, plain)
    writer = VrmaWriter(tmp_path / "b.vrma", plain, NTSC, table=map_morphs(plain, str(table)))
    for index, face in enumerate(faces):
        writer.add(index / NTSC, face)
    writer.close()
    assert (tmp_path / "a.vrma").read_bytes() == (tmp_path / "b.vrma").read_bytes()
    tree = json.dumps(Animation(tmp_path / "b.vrma").tree)
    assert "JawOpen" in tree
    np.testing.assert_allclose(
        Animation(tmp_path / "b.vrma").expression("custom", "JawOpen"), blendshapes(faces, "jawOpen"), atol=1e-7
    )
