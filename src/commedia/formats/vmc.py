"""The Virtual Motion Capture protocol: OSC messages that move a Unity avatar, on UDP port 39539.

    /VMC/Ext/OK       i                     1: the motion is there
    /VMC/Ext/T        f                     seconds
    /VMC/Ext/Root/Pos s fff ffff            "root", position, rotation xyzw
    /VMC/Ext/Bone/Pos s fff ffff            a bone of HumanBodyBones: position and rotation against its parent
    /VMC/Ext/Blend/Val s f                  an expression's name, which counts letter by letter, and its value
    /VMC/Ext/Blend/Apply                    uses all the values since the last one

Unity is left-handed: +x the avatar's right, +y up, +z ahead, metres. So x changes its sign from our frames, and of a
rotation y and z. Source: github.com/sh-akira/VirtualMotionCaptureProtocol (MIT).
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.formats.columns import blendshape_index
from commedia.formats.osc import OscMessage
from commedia.formats.recorded import RecordedFace
from commedia.geometry.rotations import canonical_wxyz, multiply_wxyz

VRM0_BLENDSHAPES: dict[str, str] = {
    **{"A": "jawOpen", "U": "mouthPucker", "O": "mouthFunnel"},
    **{"Blink_L": "eyeBlinkLeft", "Blink_R": "eyeBlinkRight"},
}
"""VRM 0's expressions that stand for one blendshape each: for senders that do not use ARKit's names."""
IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])


@dataclass(frozen=True)
class BonePose:
    """Where a bone is against its parent, in our frame."""

    position_m: Float[np.ndarray, "3"]
    wxyz: Float[np.ndarray, "4"]


def motion_messages(time_s: float, bones: Mapping[str, BonePose], values: Mapping[str, float]) -> Iterator[OscMessage]:
    """One moment of one avatar to the messages that say it."""
    yield OscMessage("/VMC/Ext/OK", (1,))
    yield OscMessage("/VMC/Ext/T", (float(time_s),))
    yield OscMessage("/VMC/Ext/Root/Pos", ("root", *_unity(BonePose(np.zeros(3), IDENTITY))))
    for bone, pose in bones.items():
        yield OscMessage("/VMC/Ext/Bone/Pos", (bone, *_unity(pose)))
    for name, value in values.items():
        yield OscMessage("/VMC/Ext/Blend/Val", (name, float(value)))
    yield OscMessage("/VMC/Ext/Blend/Apply")


class MotionReader:
    """Messages of one sender to faces: one at each `/VMC/Ext/Blend/Apply`. What is not of a face is passed over."""

    def __init__(self) -> None:
        self._named = np.zeros(EXPRESSION_COUNT)
        self._presets = dict.fromkeys(VRM0_BLENDSHAPES, 0.0)
        self._has_names = False
        self._turns: dict[str, np.ndarray] = {}

    def faces(self, messages: Iterable[OscMessage]) -> Iterator[RecordedFace]:
        """Take messages in their order. The head's turn is that of neck and head together, against the chest."""
        for message in messages:
            match (message.address, *message.arguments):
                case ("/VMC/Ext/Blend/Val", str(name), float(value)) if math.isfinite(value):
                    self._value(name, min(max(value, 0.0), 1.0))
                case ("/VMC/Ext/Bone/Pos", ("Neck" | "Head") as bone, *numbers):
                    self._bone(bone, numbers)
                case ("/VMC/Ext/Blend/Apply",):
                    yield RecordedFace(self._expression(), self._head())
                case _:
                    continue

    def _value(self, name: str, value: float) -> None:
        if name in self._presets:
            self._presets[name] = value
            return
        index = blendshape_index(name)
        if index is not None:
            self._named[index], self._has_names = value, True

    def _bone(self, bone: str, numbers: Sequence[object]) -> None:
        xyzw = np.array([number if isinstance(number, float) else np.nan for number in numbers[3:]])
        if len(xyzw) == 4 and (np.abs(xyzw) < 10).all() and np.linalg.norm(xyzw) > 0.1:
            x, y, z, w = xyzw
            self._turns[bone] = canonical_wxyz(np.array([w, x, -y, -z]))

    def _expression(self) -> Float[np.ndarray, "e"]:
        expression = self._named.copy()
        if not self._has_names:
            for name, blendshape in VRM0_BLENDSHAPES.items():
                expression[EXPRESSION_INDEX[blendshape]] = self._presets[name]
        return expression

    def _head(self) -> Float[np.ndarray, "4"] | None:
        if not self._turns:
            return None
        return canonical_wxyz(multiply_wxyz(self._turns.get("Neck", IDENTITY), self._turns.get("Head", IDENTITY)))


def _unity(pose: BonePose) -> tuple[float, ...]:
    x, y, z = pose.position_m.tolist()
    qw, qx, qy, qz = canonical_wxyz(pose.wxyz.astype(np.float64)).tolist()
    # 0.0 in place of -0.0.
    return tuple(value + 0.0 for value in (-x, y, z, qx, -qy, -qz, qw))
