"""VMC as a sink: VSeeFace, VNyan, Warudo, VRM viewers (`vmc://HOST:39539`), one port per person, counting up.

Expressions have VRM 0's names (`A`, `Blink_L`, `Joy`), as the protocol asks, and ARKit's as Perfect Sync spells them
(`JawOpen`). For a character that is a VRM they are exactly its own; for an unknown avatar all are sent, and one that
has both kinds would play the mouth twice: `?names=arkit` or `?names=vrm` sends one kind. Eyes turn by their bones.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from commedia.characters.bones import neck_and_head, rest_rotations
from commedia.characters.character import Character
from commedia.characters.vrm import PRESETS_0
from commedia.errors import BadAddress, nearest
from commedia.face_model.model import Pivots
from commedia.formats.address import Address
from commedia.formats.osc import bundles
from commedia.formats.vmc import BonePose, motion_messages
from commedia.geometry.rotations import inverse_wxyz, matrix_from_wxyz, multiply_wxyz
from commedia.outputs.files.vrma import Channels, expression_channels
from commedia.outputs.sink import StreamInfo
from commedia.outputs.streams.datagrams import DatagramStream, Report
from commedia.retarget.solve import gaze_from_expression
from commedia.structures import FaceParams, TrackedFace

KINDS = ("all", "vrm", "arkit")
VRM0_NAMES = {ours: theirs.title() for theirs, ours in PRESETS_0.items()}
"""What VRM 0's own expressions are called in a message, by the names that VRM 1 has for them."""
NECK_M, HEAD_M = (0.0, 0.1, 0.0), (0.0, 0.1, 0.0)
"""Where neck and head of an unknown grown-up are against their parents."""


class VmcStream(DatagramStream):
    """Bones are `Neck`, `Head`, `LeftEye` and `RightEye`."""

    def __init__(self, address: Address, report: Report | None = None):
        super().__init__(address, report)
        self._kind = address.option("names", "all")
        if self._kind not in KINDS:
            hint = nearest(self._kind, KINDS)
            raise BadAddress(f"'{address}?names={self._kind}': {hint}names is one of {', '.join(KINDS)}")
        self._avatars: dict[int, _Avatar] = {}

    def open(self, info: StreamInfo) -> None:
        super().open(info)
        self._avatars = {}

    def packets(self, people: Sequence[TrackedFace], time_s: Fraction) -> Iterator[tuple[int, bytes]]:
        for face in people:
            avatar = self._avatars.get(face.id)
            if avatar is None:
                role = self.info.cast.role(face.id)
                channels = expression_channels(role.character, role.table)
                avatar = _Avatar(channels, self._kind, role.character, self.info.cast.head.pivots)
                self._avatars[face.id] = avatar
            messages = motion_messages(float(time_s), avatar.bones(face.params), avatar.values(face.params))
            yield from ((face.id - 1, packet) for packet in bundles(messages))


class _Avatar:
    """What one person's avatar is told."""

    def __init__(self, channels: Channels, kind: str, character: Character | None, pivots: Pivots):
        self._channels = channels
        self._names = {
            VRM0_NAMES.get(name, name.title()) if preset else name: row
            for row, (name, preset) in enumerate(zip(channels.names, channels.preset, strict=True))
            if kind == "all" or preset == (kind == "vrm")
        }
        head = pivots.head
        self._at = {
            "Neck": np.array(NECK_M),
            "Head": np.array(HEAD_M),
            "LeftEye": (pivots.left_eye - head).astype(np.float64),
            "RightEye": (pivots.right_eye - head).astype(np.float64),
        }
        self._at |= {} if character is None else _bone_places(character)

    def values(self, params: FaceParams) -> dict[str, float]:
        values = self._channels.values(params.expression).tolist()
        return {name: values[row] for name, row in self._names.items()}

    def bones(self, params: FaceParams) -> dict[str, BonePose]:
        turns = (*neck_and_head(params.pose.wxyz), *gaze_from_expression(params.expression))
        return {bone: BonePose(at, turn) for (bone, at), turn in zip(self._at.items(), turns, strict=True)}


def _bone_places(character: Character) -> dict[str, np.ndarray]:
    """Where a character's bones are against their parents at rest, in the axes of its head: receivers may move them."""
    bones, rest = character.rig.bones, rest_rotations(character)
    nodes = {"Neck": bones.neck, "Head": bones.head, "LeftEye": bones.left_eye, "RightEye": bones.right_eye}
    places = {}
    for name, index in nodes.items():
        if index is not None and character.nodes[index].parent >= 0:
            node = character.nodes[index]
            turn = multiply_wxyz(inverse_wxyz(character.rig.character_from_head), rest[node.parent])
            places[name] = matrix_from_wxyz(turn) @ node.translation
    return places
