"""What the bones of a face are called in common tools, and whether a name is one of those.

A name is compared by its words: without namespace, numbers, the words that a tool or a rigger puts around every name,
and those that most bones of the rig share. So `mixamorig:Head_06`, `J_Bip_C_Head`, `Armature|Head`, `Head_M` and `頭`
are all a head, and `HeadTop_End`, `Head_ctrl` and `頭先` are none.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

AROUND = frozenset(
    # Prefixes and suffixes of Blender's rigs, Maya, 3ds Max, VRoid, Character Creator, Source, Second Life, HumanIK.
    "def org mch deform bone bones bn joint jnt jt jts bind bnd skin sk drv m c md mid middle center centre x j b bip "
    "biped valve base cc rl mixamorig armature rig character char skeleton human humanoid avatar genesis male female "
    "main fk root".split()
)
HEAD = (
    "head",
    "頭",
    "あたま",
    "kopf",
    "cabeza",
    "cabeca",
    "tete",
    "testa",
    "golova",
    "голова",
    "머리",
    "头",
    "頭部",
    "skull",
)
NECK = ("neck", "首", "くび", "hals", "cuello", "pescoco", "cou", "collo", "sheya", "шея", "목", "颈", "頸")
EYE = ("eye", "eyeball", "目", "auge", "ojo", "olho", "oeil", "occhio")
JAW = ("jaw", "jawbone", "mandible", "顎", "あご", "kiefer", "chin jaw")
LEFT, RIGHT = ("left", "l", "左", "links", "lft"), ("right", "r", "右", "rechts", "rgt")
NECKS = ("lower", "upper", "twist")
"""Words beside `neck` where there are several."""
JAWS = ("lower", "root", "facial", "adj", "face")
EYES = ("adj", "face", "facial", "ball")
COMPOUNDS = {
    **{"headbone": "head", "headjnt": "head", "headjoint": "head", "faceroot": "head", "neckbone": "neck"},
    **{"necktwist": "neck", "necklower": "neck", "lowerneck": "neck", "neckjnt": "neck", "lowerjaw": "jaw"},
    **{"lefteye": "left eye", "righteye": "right eye", "leye": "left eye", "reye": "right eye"},
    **{"eyel": "left eye", "eyer": "right eye", "eyeleft": "left eye", "eyeright": "right eye"},
    **{"左目": "left eye", "右目": "right eye", "左眼": "left eye", "右眼": "right eye"},
}
"""Words that are written together."""
SHARED = 0.5
"""Share of a rig's bones from which on a word is the rig's own, such as a character's name before every bone's."""
FEWEST = 6
"""Bones from which on that is asked."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\dA-Za-z_]+")
_SPINE = re.compile(r"(?:def|org)?[-_. ]?spine[-_. ]?(\d{3})", re.IGNORECASE)


def plain(name: str) -> str:
    """Reduce a name to what is compared: no namespace, no separators, lower case."""
    return re.sub(r"[^a-z0-9]", "", name.rsplit(":", 1)[-1].lower())


def words(name: str) -> tuple[str, ...]:
    """A bone's name to its words, without namespace, numbers and accents: `rig:Bip01_L_Eye` to bip, l, eye."""
    last = re.split(r"[:|/\\]", name)[-1]
    flat = unicodedata.normalize("NFKC", last)
    if flat.isascii() is False:
        flat = "".join(sign for sign in unicodedata.normalize("NFKD", flat) if not "\u0300" <= sign <= "\u036f")
        flat = unicodedata.normalize("NFKC", flat)
    found = [word.lower() for word in _WORD.findall(flat)]
    together = " ".join(COMPOUNDS.get(word, word) for word in found if not word.isdecimal())
    return tuple(together.split())


def bones_by_name(names: Sequence[str]) -> dict[str, list[int]]:
    """Places of the names that may be a head's, a neck's, an eye's or a jaw's, in the order of the names."""
    split = [words(name) for name in names]
    counts = Counter(word for listed in split for word in set(listed))
    shared = {word for word, count in counts.items() if len(names) >= FEWEST and count >= SHARED * len(names)}
    found: dict[str, list[int]] = {}
    for place, listed in enumerate(split):
        left = frozenset(word for word in listed if word not in AROUND and word not in shared)
        bone = _bone(left) or _bone(frozenset(listed))
        if bone:
            found.setdefault(bone, []).append(place)
    if "head" not in found:
        _add_rigify(names, found)
    return found


def _bone(left: frozenset[str]) -> str:
    """What a name means whose words are these, or nothing."""
    for bone, known, beside in (("head", HEAD, ()), ("neck", NECK, NECKS), ("jaw", JAW, JAWS)):
        if left & set(known) and left <= {*known, *beside}:
            return bone
    sides = [side for side, known in (("left_eye", LEFT), ("right_eye", RIGHT)) if left & set(known)]
    if left & set(EYE) and len(sides) == 1 and left <= {*EYE, *EYES, *LEFT, *RIGHT}:
        return sides[0]
    return ""


def _add_rigify(names: Sequence[str], found: dict[str, list[int]]) -> None:
    """Rigify numbers its spine from hips to head: the last is the head, two before it are the neck."""
    spine = {int(match[1]): place for place, name in enumerate(names) if (match := _SPINE.fullmatch(name.strip()))}
    last = max(spine, default=0)
    if last >= 5:
        found["head"] = [spine[last]]
        found["neck"] = [spine[number] for number in (last - 2, last - 1) if number in spine]
