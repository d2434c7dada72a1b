"""Write the four bundled characters, `src/commedia/assets/characters/*.glb`, from avatars of the VALID library.

python scripts/compile_troupe --avatars characters/valid [--only isabella]

Each is cut to head and shoulders, thinned out, and given the 52 blendshapes as by `commedia rig make --replace`, with
landmarks that all avatars share. Some 15 seconds each. Look at them: `python scripts/draw_troupe.py`.
"""

import argparse
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
from avatar import Avatar, Part, on_surface, read_avatar
from bust import Shield, base, cut
from jaxtyping import Float
from simplify import simplified
from write import bust_glb, rounded, with_normals

from commedia.characters.container import parse_document
from commedia.characters.gltf import character_from_document
from commedia.rigging.blendshapes import make_blendshapes
from commedia.rigging.face_frame import face_frame
from commedia.rigging.glb import rigged_glb
from commedia.rigging.landmark_search import BROW_WEIGHT, BROWS_END, JAW_LINE
from commedia.rigging.registration import Landmarks
from commedia.rigging.sculpt import assembled
from commedia.rigging.template import load_template

PEOPLE = {
    "isabella": "White_F_1_Default",
    "flaminia": "Black_F_3_Default",
    "orazio": "MENA_M_2_Casual",
    "leandro": "Asian_M_2_Default",
}
"""None of them is an avatar of `commedia evaluate avatars`' test."""
OUT = Path(__file__).resolve().parents[2] / "src" / "commedia" / "assets" / "characters"
LANDMARKS = Path(__file__).with_name("landmarks.toml")
MOST_VERTICES = {"skin": 3850, "hair": 1300, "upper_teeth": 800, "lower_teeth": 800, "tongue": 200}
FEATURES_M, FEATURE_WORTH = 0.013, 60.0
"""Vertices so near to eyes, nose and lips are kept longer than others, by up to this factor."""
JAW_WEIGHT, WEIGHT = 0.003, 0.2
LEAST_M = 2.5e-4
"""What a shape moves by less is left where it is."""


def main() -> None:
    """Parse the command line and compile."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--avatars", type=Path, required=True, help="folder of the VALID avatars, as GLB")
    parser.add_argument("--only", nargs="*", choices=PEOPLE, default=list(PEOPLE))
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    for name in arguments.only:
        data = compile_character(name, arguments.avatars / f"{PEOPLE[name]}.glb")
        (arguments.out / f"{name}.glb").write_bytes(data)
        print(f"{name}: {len(data):,} bytes", flush=True)


def compile_character(name: str, path: Path) -> bytes:
    """One avatar to a character's GLB."""
    avatar = read_avatar(path)
    points = on_surface(avatar.parts["skin"], np.array(tomllib.loads(LANDMARKS.read_text())["points"]))
    bare = parse_document(bust_glb(name, _head_and_shoulders(avatar, points)), name=name)
    sculpt = assembled(character_from_document(bare, needs_morphs=False))
    numbers = np.arange(len(points))
    weights = np.where(numbers < JAW_LINE, JAW_WEIGHT, np.where(numbers < BROWS_END, BROW_WEIGHT, WEIGHT))
    landmarks = Landmarks(numbers, points, weights)
    made = make_blendshapes(sculpt.vertices, sculpt.triangles, landmarks, load_template())
    moved = np.where(np.linalg.norm(made.displacements, axis=2, keepdims=True) < LEAST_M, 0, made.displacements)
    return rounded(with_normals(rigged_glb(sculpt, moved, face=face_frame(sculpt, made, landmarks))))


def _head_and_shoulders(avatar: Avatar, landmarks: Float[np.ndarray, "68 3"]) -> Avatar:
    shield = Shield(0.8 * avatar.shoulder_m, float(avatar.bones[1, 1]) - 0.03, 0.13)
    parts = {name: cut(part, shield) if name in ("skin", "hair") else part for name, part in avatar.parts.items()}
    # Vertices on open edges are kept, so that the base still fits.
    thin = {
        name: simplified(part, MOST_VERTICES.get(name, len(part.positions)), _worth(part, landmarks))
        for name, part in parts.items()
    }
    return replace(avatar, parts=thin | {"base": base(parts["skin"], shield)})


def _worth(part: Part, landmarks: Float[np.ndarray, "68 3"]) -> Float[np.ndarray, "n"]:
    inner = landmarks[BROWS_END:]
    away = np.linalg.norm(part.positions[:, None] - inner, axis=2).min(axis=1)
    return 1 + (FEATURE_WORTH - 1) * np.exp(-np.square(away / FEATURES_M))


if __name__ == "__main__":
    main()
