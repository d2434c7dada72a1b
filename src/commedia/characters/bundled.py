"""The characters that come with the package, by name: head and shoulders of four people, with the 52 blendshapes.

Made by `scripts/compile_troupe` from avatars of the VALID library (MIT, see `assets/characters/LICENCE.md`).
"""

from pathlib import Path

from commedia.errors import UnknownName

CHARACTER_FOLDER = Path(__file__).resolve().parents[1] / "assets" / "characters"
TROUPE = ("isabella", "flaminia", "orazio", "leandro")
"""In the order in which people get them."""
EVERYONE = "troupe"
"""Stands for all of `TROUPE` where it is said what people play."""


def find_character(path: Path) -> Path:
    """The file of a bundled character for its name, and any other path as it is; a word that is neither is refused."""
    if path.suffix or len(path.parts) != 1 or path.exists():
        return path
    if path.name not in TROUPE:
        raise UnknownName("character", path.name, TROUPE)
    return CHARACTER_FOLDER / f"{path.name}.glb"
