"""The VMC protocol: what a Unity avatar is told, by Unity's own rules."""

import struct

import numpy as np
import pytest
from faces_to_send import face_params, turn_between_deg

from commedia.conventions import EXPRESSION_INDEX
from commedia.formats.osc import OscMessage, bundles, read_messages
from commedia.formats.vmc import BonePose, MotionReader, motion_messages
from commedia.geometry.rotations import matrix_from_wxyz, multiply_wxyz

UNITY_FROM_OURS = np.diag([-1.0, 1.0, 1.0])
"""Unity's +x is the avatar's right, ours the subject's left; up and ahead are the same."""


def message(address: str, types: str, *values: object) -> bytes:
    """Packed by hand from the OSC specification, by other code than the package's."""

    def text(value: str) -> bytes:
        return value.encode() + b"\0" * (4 - len(value) % 4)

    packed = (text(v) if t == "s" else struct.pack(">i" if t == "i" else ">f", v)
              for t, v in zip(types, values, strict=True))  # fmt: skip
    return text(address) + text("," + types) + b"".join(packed)


def test_one_moment_byte_by_byte() -> None:
    half = 0.5**0.5
    turned_left = BonePose(np.array([0.1, 0.2, 0.3]), np.array([half, 0.0, half, 0.0]))
    (packet,) = bundles(motion_messages(1.5, {"Head": turned_left}, {"A": 0.5, "JawOpen": 0.5}))
    expected = [
        message("/VMC/Ext/OK", "i", 1),
        message("/VMC/Ext/T", "f", 1.5),
        message("/VMC/Ext/Root/Pos", "sfffffff", "root", 0, 0, 0, 0, 0, 0, 1),
        message("/VMC/Ext/Bone/Pos", "sfffffff", "Head", -0.1, 0.2, 0.3, 0, -half, 0, half),
        message("/VMC/Ext/Blend/Val", "sf", "A", 0.5),
        message("/VMC/Ext/Blend/Val", "sf", "JawOpen", 0.5),
        message("/VMC/Ext/Blend/Apply", ""),
    ]
    golden = b"#bundle\0" + struct.pack(">Q", 1) + b"".join(struct.pack(">i", len(one)) + one for one in expected)
    assert packet.hex() == golden.hex()


def test_a_turn_is_the_same_turn_in_unitys_axes(rng: np.random.Generator) -> None:
    """A left-handed frame changes the matrix of a rotation to M R M^-1; quaternions multiply alike in both."""
    for _ in range(20):
        params = face_params(*rng.uniform(-70, 70, 3))
        packet = bundles(motion_messages(0.0, {"Head": BonePose(np.zeros(3), params.pose.wxyz)}, {}))[0]
        told = next(one.arguments for one in read_messages(packet) if one.address.endswith("Bone/Pos"))
        x, y, z, w = told[4:]
        ours = matrix_from_wxyz(params.pose.wxyz.astype(float))
        unity = matrix_from_wxyz(np.array([w, x, y, z]))
        np.testing.assert_allclose(unity, UNITY_FROM_OURS @ ours @ UNITY_FROM_OURS, atol=1e-6)


@pytest.mark.parametrize(("axis", "degrees"), [("x", (0, 30, 0)), ("-y", (30, 0, 0)), ("-z", (0, 0, 30))])
def test_down_is_positive_and_left_is_negative_in_unity(axis: str, degrees: tuple[float, float, float]) -> None:
    pose = BonePose(np.zeros(3), face_params(*degrees).pose.wxyz)
    told = next(one for one in motion_messages(0.0, {"Head": pose}, {}) if one.address.endswith("Bone/Pos"))
    xyz = dict(zip("xyz", told.arguments[4:7], strict=True))
    assert xyz.pop(axis[-1]) == pytest.approx(np.sin(np.deg2rad(15)) * (-1 if axis[0] == "-" else 1), abs=1e-6)
    assert list(xyz.values()) == pytest.approx([0, 0], abs=1e-6)


def faces(*messages: OscMessage) -> list:
    return list(MotionReader().faces(messages))


APPLY = OscMessage("/VMC/Ext/Blend/Apply")


def test_what_is_sent_is_received() -> None:
    neck, head = (face_params(*degrees).pose.wxyz for degrees in ((10, 5, 0), (20, -5, 3)))
    bones = {"Neck": BonePose(np.zeros(3), neck), "Head": BonePose(np.zeros(3), head)}
    packets = bundles(motion_messages(0.0, bones, {"JawOpen": 0.5, "EyeBlinkLeft": 1.0}))
    (face,) = faces(*(one for packet in packets for one in read_messages(packet)))
    assert face.expression[EXPRESSION_INDEX["jawOpen"]] == 0.5
    assert face.expression.sum() == 1.5
    assert turn_between_deg(face.head_wxyz, multiply_wxyz(neck.astype(float), head.astype(float))) < 1e-3


def test_values_hold_until_they_are_said_again() -> None:
    first, second = faces(OscMessage("/VMC/Ext/Blend/Val", ("jawOpen", 0.75)), APPLY, APPLY)
    assert first.expression[EXPRESSION_INDEX["jawOpen"]] == second.expression[EXPRESSION_INDEX["jawOpen"]] == 0.75


def test_without_arkits_names_the_presets_count_and_with_them_they_do_not() -> None:
    preset = [OscMessage("/VMC/Ext/Blend/Val", (name, 1.0)) for name in ("A", "Blink_L", "Joy")]
    (face,) = faces(*preset, APPLY)
    assert {name for name, index in EXPRESSION_INDEX.items() if face.expression[index]} == {"jawOpen", "eyeBlinkLeft"}
    (face,) = faces(*preset, OscMessage("/VMC/Ext/Blend/Val", ("JawOpen", 0.25)), APPLY)
    assert face.expression.sum() == 0.25


@pytest.mark.parametrize(
    "strange",
    [
        OscMessage("/VMC/Ext/Blend/Val", ("JawOpen",)),
        OscMessage("/VMC/Ext/Blend/Val", (3, 0.5)),
        OscMessage("/VMC/Ext/Blend/Val", ("JawOpen", float("nan"))),
        OscMessage("/VMC/Ext/Blend/Val", ("JawOpen", "much")),
        OscMessage("/VMC/Ext/Bone/Pos", ("Head", 0.0, 0.0)),
        OscMessage("/VMC/Ext/Bone/Pos", ("Head", *([float("inf")] * 7))),
        OscMessage("/VMC/Ext/Bone/Pos", ("Head", *([0.0] * 7))),
        OscMessage("/VMC/Ext/Bone/Pos", ("LeftFoot", *([1.0] * 7))),
        OscMessage("/something/else", ()),
    ],
)
def test_what_is_not_of_a_face_is_passed_over(strange: OscMessage) -> None:
    (face,) = faces(strange, APPLY)
    assert face.expression.sum() == 0
    assert face.head_wxyz is None


def test_values_are_limited() -> None:
    (face,) = faces(OscMessage("/VMC/Ext/Blend/Val", ("JawOpen", 90.0)), APPLY)
    assert face.expression.max() == 1
