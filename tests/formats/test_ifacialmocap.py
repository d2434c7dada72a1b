"""iFacialMocap's text against the packet that its vendor publishes."""

import numpy as np
import pytest
from faces_to_send import any_params, face_params, turn_between_deg

from commedia.conventions import EXPRESSION_INDEX
from commedia.errors import MalformedPacket
from commedia.formats.ifacialmocap import NAMES, packet_bytes, read_packet
from commedia.geometry.gaze import gaze_yaw_pitch
from commedia.retarget.performance_edit import mirrored

PUBLISHED = (
    "mouthSmile_R-0|eyeLookOut_L-0|mouthUpperUp_L-11|eyeWide_R-0|mouthClose-8|mouthPucker-4|mouthRollLower-9|"
    "eyeBlink_R-7|eyeLookDown_L-17|cheekSquint_R-11|eyeBlink_L-7|tongueOut-0|jawRight-0|eyeLookIn_R-6|cheekSquint_L-11|"
    "mouthDimple_L-10|mouthPress_L-4|eyeSquint_L-11|mouthRight-0|mouthShrugLower-9|eyeLookUp_R-0|eyeLookOut_R-0|"
    "mouthPress_R-5|cheekPuff-2|jawForward-11|mouthLowerDown_L-9|mouthFrown_L-6|mouthShrugUpper-26|browOuterUp_L-4|"
    "browInnerUp-20|mouthDimple_R-10|browDown_R-0|mouthUpperUp_R-10|mouthRollUpper-8|mouthFunnel-12|mouthStretch_R-21|"
    "mouthFrown_R-13|eyeLookDown_R-17|jawOpen-12|jawLeft-0|browDown_L-0|mouthSmile_L-0|noseSneer_R-18|"
    "mouthLowerDown_R-8|noseSneer_L-21|eyeWide_L-0|mouthStretch_L-21|browOuterUp_R-4|eyeLookIn_L-4|eyeSquint_R-11|"
    "eyeLookUp_L-0|mouthLeft-1|=head#-21.488958,-6.038993,-6.6019735,-0.030653415,-0.10287084,-0.6584072|"
    "rightEye#6.0297494,2.4403017,0.25649446|leftEye#6.034903,-1.6660284,-0.17520553|"
)
"""From ifacialmocap.com/for-developer."""


def turns(text: str) -> dict[str, list[float]]:
    entries = (entry.split("#") for entry in text.partition("=")[2].split("|") if entry)
    return {name: [float(number) for number in numbers.split(",")] for name, numbers in entries}


def test_the_packet_of_the_vendor() -> None:
    face = read_packet(PUBLISHED.encode())
    assert face.expression[EXPRESSION_INDEX["noseSneerLeft"]] == pytest.approx(0.21)
    assert face.expression[EXPRESSION_INDEX["noseSneerRight"]] == pytest.approx(0.18)
    percents = [int(entry.split("-")[1]) for entry in PUBLISHED.partition("=")[0].split("|") if entry]
    assert 100 * face.expression.sum() == pytest.approx(sum(percents))
    # Looks up and to the subject's right at a phone that lies low on the table.
    expected = face_params(yaw_deg=-6.038993, pitch_deg=-21.488958, roll_deg=-6.6019735).pose.wxyz
    assert turn_between_deg(face.head_wxyz, expected) < 1e-3


def test_the_vendors_eyes_turn_by_the_signs_of_ours() -> None:
    """Its `eyeLook*` and its angles of the eyes say the same, so they show what its axes are."""
    left, right = gaze_yaw_pitch(read_packet(PUBLISHED.encode()).expression)
    said = turns(PUBLISHED)
    for (yaw, pitch), (x, y, _) in ((left, said["leftEye"]), (right, said["rightEye"])):
        assert np.sign([yaw, pitch]).tolist() == np.sign([y, x]).tolist()
        assert np.rad2deg([yaw, pitch]) == pytest.approx([y, x], rel=0.35)


def test_the_52_names_are_the_vendors() -> None:
    published = {entry.split("-")[0] for entry in PUBLISHED.partition("=")[0].split("|") if entry}
    assert set(NAMES) == published
    assert len(published) == 52


def test_a_packet_letter_by_letter() -> None:
    text = packet_bytes(face_params(yaw_deg=30, jawOpen=0.5, eyeLookOutLeft=1, eyeLookInRight=1)).decode()
    weights, _, rest = text.partition("=")
    assert weights.startswith("eyeBlink_L-0|eyeLookDown_L-0|eyeLookIn_L-0|eyeLookOut_L-100|")
    assert "|jawLeft-0|jawRight-0|jawOpen-50|" in weights
    assert weights.endswith("|tongueOut-0|")
    assert (
        rest
        == "head#0.00000,30.00000,0.00000,0,0,0|rightEye#0.00000,35.00000,0.00000|leftEye#0.00000,35.00000,0.00000|"
    )


def test_a_face_comes_back(rng: np.random.Generator) -> None:
    for _ in range(50):
        params = any_params(rng)
        for data in (packet_bytes(params), packet_bytes(params).replace(b"-", b"&", 52)):
            face = read_packet(data)
            np.testing.assert_allclose(face.expression, params.expression, atol=0.00501)
            assert turn_between_deg(face.head_wxyz, params.pose.wxyz) < 1e-3


def test_a_mirrored_face_turns_the_other_way(rng: np.random.Generator) -> None:
    params = any_params(rng)
    said, seen = (turns(packet_bytes(one).decode()) for one in (params, mirrored(params)))
    flip = np.array([1, -1, -1])
    np.testing.assert_allclose(seen["head"][:3], said["head"][:3] * flip, atol=1e-4)
    np.testing.assert_allclose(seen["leftEye"], said["rightEye"] * flip, atol=1e-4)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "found 0"),
        (b"jawOpen-5|=head#1,2,3|", "found 1"),
        (b"\xff\xfe", "ASCII"),
        (b"x" * 20_000, "20000"),
        (PUBLISHED.replace("head#-21.488958", "head#nan").encode(), "no three angles"),
        (PUBLISHED.replace("head#-21.488958,-6.038993", "head#1e300,1").encode(), "no three angles"),
    ],
)
def test_what_is_no_packet_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(MalformedPacket, match=why):
        read_packet(data)


def test_a_packet_without_a_head_has_none() -> None:
    assert read_packet(PUBLISHED.partition("=")[0].encode()).head_wxyz is None
