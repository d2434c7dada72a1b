"""Axes, blendshapes, sides and names: the one place where each is decided. `docs/conventions.md` says the same in
prose.

Frames
    head    right-handed, metres, +x the subject's left, +y up, +z out of the face; origin midway between the eyeballs
            of the mean head.
    camera  right-handed, +x image right, +y image up, +z towards the viewer. A face that looks straight at the camera
            has the identity rotation, and its left side is on image right.
    image   pixels, +x right, +y down; the corner of the first pixel is (0, 0) and its centre (0.5, 0.5).
Rotations are unit quaternions `wxyz` with w >= 0; angles are radians. Degrees appear only in names that end in `_deg`.
Positive yaw turns the face to the subject's left (image right), positive pitch looks down, positive roll tilts the head
towards the subject's right shoulder (anticlockwise in the image): the right-hand rule about +y, +x and +z.
Expression weights are 0 (neutral) to 1 (the blendshape's full pose). Left and right are the subject's.
"""

import re
import unicodedata

EXPRESSION_NAMES: tuple[str, ...] = (
    *("eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft"),
    *("eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight"),
    *("eyeSquintRight", "eyeWideRight", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel"),
    *("mouthPucker", "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft"),
    *("mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight"),
    *("mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft"),
    *("browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft"),
    *("cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut"),
)
"""The 52 ARKit blendshapes in the order of every expression array here (that of Apple's and Unreal's enumeration)."""

EXPRESSION_COUNT = len(EXPRESSION_NAMES)
IDENTITY_COUNT = 50
LANDMARK_COUNT = 68

EXPRESSION_INDEX: dict[str, int] = {name: index for index, name in enumerate(EXPRESSION_NAMES)}


def mirrored_name(name: str) -> str:
    """Swap the side in a blendshape's name; a blendshape without a side is its own mirror."""
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    if name.endswith("Right"):
        return name.removesuffix("Right") + "Left"
    return name


def sideless_name(name: str) -> str:
    """Say a blendshape's name without its side; `jawLeft` and `mouthLeft` become `jaw` and `mouth`."""
    return name.removesuffix("Left").removesuffix("Right")


def plain_morph(name: str) -> str:
    """Reduce a morph's name to what is compared: no case or separators, sides written out, one form of each letter.

    `Eye_Blink_L`, `eyeBlink.L` and `EyeBlinkLeft` all become `eyeblinkleft`; half-width katakana become full-width.
    """
    name = unicodedata.normalize("NFKC", name)
    side = re.search(r"[._\- ]([LR])$", name, re.IGNORECASE)
    stem = re.sub(r"[\W_]", "", (name[: side.start()] if side else name).lower())
    stem += {"l": "left", "r": "right"}[side[1].lower()] if side else ""
    # Some names are signs alone, as the mouths `▲` and `□` of MikuMikuDance.
    return stem or re.sub(r"[\s._\-]", "", name)


EXPRESSION_MIRROR: tuple[int, ...] = tuple(EXPRESSION_INDEX[mirrored_name(name)] for name in EXPRESSION_NAMES)
"""`expression[list(EXPRESSION_MIRROR)]` is the expression seen in a mirror."""

LANDMARK_MIRROR: tuple[int, ...] = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65),
)
"""iBUG-68: `landmarks[list(LANDMARK_MIRROR)]` renumbers the points of a mirrored picture."""

_SIDED_PAIRS = tuple(
    (first.format(side), second.format(side))
    for first, second in (
        ("eyeBlink{}", "eyeWide{}"),
        ("eyeSquint{}", "eyeWide{}"),
        ("eyeLookDown{}", "eyeLookUp{}"),
        ("eyeLookIn{}", "eyeLookOut{}"),
        ("browDown{}", "browOuterUp{}"),
        ("browDown{}", "browInnerUp"),
        ("mouthFrown{}", "mouthSmile{}"),
        ("mouthFrown{}", "mouthDimple{}"),
        ("mouthFrown{}", "mouthStretch{}"),
        ("mouthRollUpper", "mouthUpperUp{}"),
        ("mouthRollLower", "mouthLowerDown{}"),
        ("mouthShrugLower", "mouthLowerDown{}"),
    )
    for side in ("Left", "Right")
)

CONTRADICTORY_PAIRS: tuple[tuple[str, str], ...] = (
    *_SIDED_PAIRS,
    ("jawLeft", "jawRight"),
    ("mouthLeft", "mouthRight"),
)
"""Blendshapes one face cannot make at once: paper 3's published pairs (supplement, Table 2) carried over to ARKit
names."""
