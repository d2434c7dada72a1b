"""Open whatever a character may be: a bundled one by name, a glTF file, or a bare sculpt of OBJ files."""

from pathlib import Path

from commedia.characters.bundled import find_character
from commedia.characters.character import Character
from commedia.characters.container import open_document
from commedia.characters.default_head import own_character
from commedia.characters.gltf import character_from_document, read_character
from commedia.characters.obj import read_neutral, read_sculpt
from commedia.face_model.person_file import is_person_file, read_person


def open_character(path: Path) -> Character:
    """Read a character, or a bundled one by its name.

    `.obj` is the neutral face of a sculpt, whose shapes are the other `.obj` files beside it; `.commedia` a person's
    own rig.
    """
    path = find_character(path)
    if is_person_file(path):
        return own_character(read_person(path))
    return read_sculpt(path, path.parent) if path.suffix.lower() == ".obj" else read_character(path)


def open_still(path: Path) -> Character:
    """Read a character that cannot move yet: as `open_character`, without asking for morphs; of OBJ one file alone."""
    path = find_character(path)
    if path.suffix.lower() == ".obj":
        return read_neutral(path)
    return character_from_document(open_document(path), needs_morphs=False)


def open_any(path: Path) -> Character:
    """Read a character with whatever shapes it has, be it none; of OBJ with the others of its folder, if any."""
    return open_character(path) if _has_shapes_beside(path) else open_still(path)


def _has_shapes_beside(path: Path) -> bool:
    if path.suffix.lower() != ".obj" or not path.is_file():
        return False
    try:
        return any(other.suffix.lower() == ".obj" and other.name != path.name for other in path.parent.iterdir())
    except OSError:
        # Who reads the folder says what is wrong with it.
        return True
