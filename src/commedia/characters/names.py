"""What bones are called: VRM's own table first, then the names that common tools give.

A name is compared without case, separators and namespace, so `mixamorig:Head`, `J_Bip_C_Head` and `head` are one.
"""

import re

from commedia.characters.character import Bones, Node

BONE_NAMES: dict[str, tuple[str, ...]] = {
    # Blender and Ready Player Me, Mixamo, VRoid, Unreal, Character Creator, 3ds Max Biped, Daz.
    "head": ("head", "jbipchead", "ccbasehead", "bip01head", "bip001head", "headbone", "faceroot"),
    "neck": ("neck", "jbipcneck", "neck01", "ccbasenecktwist01", "bip01neck", "bip001neck", "necklower", "neck1"),
    "left_eye": ("lefteye", "eyeleft", "jadjlfaceeye", "eyel", "leye", "ccbaseleye", "lefteyeball", "faceeyel"),
    "right_eye": ("righteye", "eyeright", "jadjrfaceeye", "eyer", "reye", "ccbasereye", "righteyeball", "faceeyer"),
    "jaw": ("jaw", "jawbone", "jbipcjaw", "ccbasejawroot", "jawroot", "lowerjaw", "mandible", "facialjaw"),
}
"""In plain form, best first. `Head` is one bone of two on some rigs with a `HeadTop_End`, which is none of these."""
VRM_BONES = {"head": "head", "neck": "neck", "leftEye": "left_eye", "rightEye": "right_eye", "jaw": "jaw"}


def plain(name: str) -> str:
    """Reduce a name to what is compared: no namespace, no separators, lower case."""
    return re.sub(r"[^a-z0-9]", "", name.rsplit(":", 1)[-1].lower())


def find_bones(tree: dict, nodes: tuple[Node, ...], shown: tuple[int, ...]) -> Bones:
    """Find the bones of a face. A neck above no head, and eyes and a jaw outside it, are left alone."""
    found = _vrm_humanoid(tree, len(nodes)) or _by_name(nodes, shown)
    head = found.get("head")
    if head is None or head not in shown:
        return Bones()
    neck = found.get("neck")
    parts = {
        part: found[part] for part in ("left_eye", "right_eye", "jaw") if head in _ancestors(nodes, found.get(part))
    }
    return Bones(head=head, neck=neck if neck in _ancestors(nodes, head) else None, **parts)


def _vrm_humanoid(tree: dict, count: int) -> dict[str, int]:
    extensions = tree.get("extensions")
    extensions = extensions if isinstance(extensions, dict) else {}
    listed = []
    for key in ("VRMC_vrm", "VRM"):
        bones = ((extensions.get(key) or {}).get("humanoid") or {}).get("humanBones") or {}
        # VRM 1 has an object by bone, VRM 0 a list of objects that name their bone.
        listed += bones.items() if isinstance(bones, dict) else [(bone.get("bone"), bone) for bone in bones]
    found = {VRM_BONES[bone]: entry.get("node") for bone, entry in listed if bone in VRM_BONES}
    return {bone: node for bone, node in found.items() if type(node) is int and 0 <= node < count}


def _by_name(nodes: tuple[Node, ...], shown: tuple[int, ...]) -> dict[str, int]:
    # The place of a mesh is often called `Head` too; only a node without a mesh is a bone.
    by_name: dict[str, int] = {}
    for index in shown:
        if nodes[index].mesh is None:
            by_name.setdefault(plain(nodes[index].name), index)
    found = {}
    for bone, names in BONE_NAMES.items():
        node = next((by_name[name] for name in names if name in by_name), None)
        if node is not None:
            found[bone] = node
    return found


def _ancestors(nodes: tuple[Node, ...], index: int | None) -> set[int]:
    above: set[int] = set()
    while index is not None and nodes[index].parent >= 0 and nodes[index].parent not in above:
        index = nodes[index].parent
        above.add(index)
    return above
