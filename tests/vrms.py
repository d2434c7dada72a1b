"""The default head as a VRM, version 0 or 1: its morphs have names that say nothing, only expressions play them."""

from commedia.characters.builder import GlbBuilder
from commedia.characters.container import parse_document
from commedia.characters.default_head import default_head_glb
from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES

HEAD, FACE = 1, 2
"""Nodes of `default_head_glb`."""
PRESETS = {"aa": ("jawOpen",), "blinkLeft": ("eyeBlinkLeft",), "blinkRight": ("eyeBlinkRight",)}
IN_VRM_0 = {"aa": "a", "blinkLeft": "blink_l", "blinkRight": "blink_r"}
META_1 = {"name": "hero", "authors": ["a test"], "licenseUrl": "https://vrm.dev/licenses/1.0/"}


def vrm_head(version: int) -> bytes:
    """The file."""
    document = parse_document(default_head_glb(name="hero"), name="hero")
    builder = GlbBuilder(document.json, bytes(document.buffers[0]))
    builder.tree["meshes"][0]["extras"]["targetNames"] = [f"morph {number}" for number in range(len(EXPRESSION_NAMES))]
    key, extension = ("VRMC_vrm", _vrm_1()) if version else ("VRM", _vrm_0())
    builder.tree |= {"extensionsUsed": [key], "extensions": {key: extension}}
    return builder.to_bytes()


def _vrm_1() -> dict:
    bones = {name: {"node": HEAD if name == "head" else 0} for name in ("hips", "spine", "head")}
    presets = {
        name: {"morphTargetBinds": [{"node": FACE, "index": EXPRESSION_INDEX[moved], "weight": 1.0} for moved in names]}
        for name, names in PRESETS.items()
    }
    return {
        "specVersion": "1.0",
        "meta": META_1,
        "humanoid": {"humanBones": bones},
        "expressions": {"preset": presets},
    }


def _vrm_0() -> dict:
    groups = [
        {
            "name": name,
            "presetName": IN_VRM_0[name],
            "binds": [{"mesh": 0, "index": EXPRESSION_INDEX[moved], "weight": 100} for moved in names],
            "materialValues": [],
        }
        for name, names in PRESETS.items()
    ]
    return {
        "meta": {"title": "hero", "version": "1"},
        "humanoid": {"humanBones": [{"bone": "head", "node": HEAD}, {"bone": "hips", "node": 0}]},
        "blendShapeMaster": {"blendShapeGroups": groups},
    }
