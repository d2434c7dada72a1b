import numpy as np

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_MIRROR, EXPRESSION_NAMES, mirrored_name
from commedia.geometry.rotations import mirrored_wxyz, wxyz_from_yaw_pitch_roll
from commedia.labelling.blendshapes import eye_weight, load_blendshapes, seen_weight


def test_the_table_names_every_blendshape_and_treats_both_sides_alike():
    blendshapes = load_blendshapes()
    for column in (blendshapes.weight, blendshapes.pull):
        assert column.shape == (52,)
        np.testing.assert_array_equal(column, column[list(EXPRESSION_MIRROR)])
    assert 0 <= blendshapes.weight.min()
    assert blendshapes.weight.max() <= 1


def test_a_louder_score_never_means_less():
    for rows in load_blendshapes().rows:
        assert (np.diff(rows[:, 0]) > 0).all()
        assert (np.diff(rows[:, 1:], axis=0) >= 0).all()
        assert (0 <= rows[:, 1]).all()
        assert (rows[:, 1] <= rows[:, 2]).all()
        assert rows[:, 2].max() <= 1


def limits(name: str, score: float, *, yaw_deg: float = 0, **others: float) -> tuple[float, float]:
    scores = np.zeros((1, 52))
    for key, value in {name: score, **others}.items():
        scores[0, EXPRESSION_INDEX[key]] = value
    wxyz = wxyz_from_yaw_pitch_roll(np.radians([[float(yaw_deg), 0, 0]]))
    least, most = load_blendshapes().limits(scores, wxyz)
    return float(least[0, EXPRESSION_INDEX[name]]), float(most[0, EXPRESSION_INDEX[name]])


def test_a_face_that_the_teacher_finds_at_rest_rests():
    least, most = load_blendshapes().limits(np.zeros((1, 52)), np.array([[1.0, 0, 0, 0]]))
    assert least.max() == 0
    assert most.mean() <= 0.03
    assert limits("browInnerUp", 0.03)[1] <= 0.05


def test_both_eyes_shut_is_shut_and_a_wink_is_one_eye():
    assert limits("eyeBlinkLeft", 0.56, eyeBlinkRight=0.6)[0] >= 0.9
    assert limits("eyeBlinkRight", 0.6, eyeBlinkLeft=0.56)[0] >= 0.9
    assert limits("eyeBlinkLeft", 0.8, eyeBlinkRight=0.1)[0] >= 0.9
    assert limits("eyeBlinkRight", 0.1, eyeBlinkLeft=0.8)[1] <= 0.1
    # Half a noise apart: no wink.
    assert limits("eyeBlinkLeft", 0.45, eyeBlinkRight=0.35) == limits("eyeBlinkRight", 0.35, eyeBlinkLeft=0.45)
    # Turned to its left, the left eye is hidden; the right one speaks for both.
    assert limits("eyeBlinkLeft", 0.9, eyeBlinkRight=0.1, yaw_deg=40)[1] == 0
    assert limits("eyeBlinkLeft", 0.9, eyeBlinkRight=0.1, yaw_deg=-40)[0] == 1


def test_nobody_knows_where_a_shut_eye_looks():
    expression = np.zeros(52)
    assert eye_weight(expression).min() == 1
    expression[[EXPRESSION_INDEX["eyeBlinkLeft"], EXPRESSION_INDEX["eyeBlinkRight"]]] = 1
    weight = dict(zip(EXPRESSION_NAMES, eye_weight(expression), strict=True))
    assert {name for name, value in weight.items() if value < 1} == {n for n in EXPRESSION_NAMES if "eyeLook" in n}
    assert weight["eyeLookDownRight"] == 0
    expression[EXPRESSION_INDEX["eyeBlinkRight"]] = 0.2
    doubted = dict(zip(EXPRESSION_NAMES, eye_weight(expression), strict=True))
    np.testing.assert_allclose(
        [doubted["eyeBlinkLeft"], doubted["eyeBlinkRight"], doubted["eyeLookUpRight"]], [0.2, 0.2, 1]
    )


def test_the_side_that_turns_away_is_not_believed():
    everything = np.ones(52)
    wxyz = wxyz_from_yaw_pitch_roll(np.radians([70.0, 10, 5]))
    weight = dict(zip(EXPRESSION_NAMES, seen_weight(everything, wxyz), strict=True))
    # Positive yaw turns to the subject's left, which hides the left side.
    assert weight["mouthDimpleLeft"] == 0
    assert weight["mouthDimpleRight"] == weight["jawOpen"] == weight["mouthLeft"] == 1
    mirrored = dict(zip(EXPRESSION_NAMES, seen_weight(everything, mirrored_wxyz(wxyz)), strict=True))
    assert all(
        mirrored[mirrored_name(name)] == value for name, value in weight.items() if name.startswith("mouthDimple")
    )
    frontal = wxyz_from_yaw_pitch_roll(np.radians([15.0, 0, 0]))
    np.testing.assert_array_equal(seen_weight(everything, frontal), everything)
