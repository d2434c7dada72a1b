"""Open whatever a character may be: a glTF file, or a bare sculpt of OBJ files."""

from pathlib import Path

from commedia.characters.character import Character
from commedia.characters.gltf import read_character
from commedia.characters.obj import read_sculpt


def open_character(path: Path) -> Character:
    """Read a character; `.obj` is the neutral face of a sculpt, whose shapes are the other `.obj` files beside it."""
    return read_sculpt(path, path.parent) if path.suffix.lower() == ".obj" else read_character(path)
