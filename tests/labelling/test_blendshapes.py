import numpy as np

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_MIRROR, EXPRESSION_NAMES, mirrored_name
from commedia.geometry.rotations import mirrored_wxyz, wxyz_from_yaw_pitch_roll
from commedia.labelling.blendshapes import load_blendshapes, seen_weight


def test_the_table_names_every_unit_and_treats_both_sides_alike():
    blendshapes = load_blendshapes()
    for column in (blendshapes.weight, blendshapes.hint, blendshapes.pull):
        assert column.shape == (52,)
        np.testing.assert_array_equal(column, column[list(EXPRESSION_MIRROR)])
    assert 0 <= blendshapes.weight.min()
    assert blendshapes.weight.max() <= 1
    assert blendshapes.hint[EXPRESSION_INDEX["mouthFunnel"]] == 0 < blendshapes.hint[EXPRESSION_INDEX["jawOpen"]]


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
