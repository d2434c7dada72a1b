"""A rig of one's own: nothing added is the template, what is added stays where it belongs, a mirror mirrors."""

from dataclasses import replace

import numpy as np
import pytest

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_MIRROR, IDENTITY_COUNT
from commedia.face_model.albedo import load_albedo
from commedia.face_model.chart import load_chart
from commedia.face_model.corrections import Corrections, PersonalRig, map_of, masks_of, no_corrections
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import PARTS, REGIONS, load_head

SIZE = 64
JAW = EXPRESSION_INDEX["jawOpen"]


def expression(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(size=EXPRESSION_COUNT).astype(np.float32)


def smooth_maps(seed: int, *lead: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).normal(size=(*lead, 8, 8)).astype(np.float32)
    return 1e-3 * np.kron(coarse, np.ones((SIZE // 8, SIZE // 8), np.float32))


def someone(seed: int) -> PersonalRig:
    corrections = Corrections(
        smooth_maps(seed, 3), smooth_maps(seed + 1, 52, 3), smooth_maps(seed + 2, 3), smooth_maps(seed + 3, 52, 3)
    )
    identity = np.random.default_rng(seed).normal(size=IDENTITY_COUNT).astype(np.float32)
    return PersonalRig(corrections, identity)


def test_nothing_added_is_the_template() -> None:
    identity = np.random.default_rng(0).normal(size=IDENTITY_COUNT).astype(np.float32)
    model, said = load_head().model, expression(1)
    plain = PersonalRig(no_corrections(SIZE), identity)
    np.testing.assert_allclose(plain.vertices(said), vertices_from_params(model, identity, said), atol=1e-7)
    nobody = PersonalRig(no_corrections(SIZE))
    np.testing.assert_array_equal(nobody.vertices(0 * said), model.mean)
    np.testing.assert_array_equal(nobody.model.expression_basis, model.expression_basis)
    np.testing.assert_array_equal(nobody.albedo(said), map_of(load_albedo().mean, SIZE))


def test_equation_1_by_hand() -> None:
    """One texel's worth: a constant map moves every vertex of the face by it, times weight and mask."""
    corrections = no_corrections(SIZE)
    corrections.neutral[1] = 0.002
    corrections.blendshapes[JAW, 2] = 0.004
    chart, model, said = load_chart(), load_head().model, np.zeros(EXPRESSION_COUNT, np.float32)
    said[JAW] = 0.5
    mask = chart.sampled(masks_of(load_head(), SIZE)[JAW])
    expected = np.zeros((len(chart.vertices), 3))
    expected[:, 1], expected[:, 2] = 0.002, 0.5 * 0.004 * mask
    moved = PersonalRig(corrections).vertices(said) - vertices_from_params(model, np.zeros(IDENTITY_COUNT), said)
    np.testing.assert_allclose(moved[chart.vertices], expected, atol=1e-6)


def test_equation_2_by_hand() -> None:
    corrections = no_corrections(SIZE)
    corrections.albedo[0] = 0.1
    corrections.wrinkles[JAW, 1] = -0.2
    said, masks = np.zeros(EXPRESSION_COUNT, np.float32), masks_of(load_head(), SIZE)
    said[JAW] = 0.5
    albedo = PersonalRig(corrections, mean_albedo=np.full((3, SIZE, SIZE), 0.5, np.float32)).albedo(said)
    np.testing.assert_allclose(albedo[0], 0.6, atol=1e-6)
    np.testing.assert_allclose(albedo[1], 0.5 - 0.1 * masks[JAW], atol=1e-6)
    np.testing.assert_allclose(albedo[2], 0.5, atol=1e-6)
    strong = np.zeros(40)
    strong[0] = 2.0
    dark = PersonalRig(no_corrections(SIZE), texture=strong).albedo(0 * said) - map_of(load_albedo().mean, SIZE)
    np.testing.assert_allclose(dark, 2 * map_of(load_albedo().basis[0], SIZE), atol=1e-5)


def test_a_correction_outside_the_mask_changes_nothing() -> None:
    rig = someone(3)
    masks = masks_of(load_head(), SIZE)
    outside = replace(
        rig.corrections,
        blendshapes=rig.corrections.blendshapes + np.where(masks[:, None] == 0, 0.05, 0).astype(np.float32),
        wrinkles=rig.corrections.wrinkles + np.where(masks[:, None] == 0, 0.5, 0).astype(np.float32),
    )
    other, said = replace(rig, corrections=outside), expression(4)
    np.testing.assert_array_equal(other.vertices(said), rig.vertices(said))
    np.testing.assert_array_equal(other.albedo(said), rig.albedo(said))
    inside = replace(rig.corrections, blendshapes=rig.corrections.blendshapes + np.float32(0.05))
    assert np.abs(replace(rig, corrections=inside).vertices(said) - rig.vertices(said)).max() > 0.01


def test_a_mirror_shows_the_mirror() -> None:
    rig, head, said = someone(5), load_head(), expression(6)
    assert rig.identity is not None
    mirrored = PersonalRig(rig.corrections.mirrored(), rig.identity * head.identity_mirror)
    found = mirrored.vertices(said[list(EXPRESSION_MIRROR)])
    np.testing.assert_allclose(found[head.mirror_vertex] * [-1, 1, 1], rig.vertices(said), atol=2e-5)
    plain = replace(rig, mean_albedo=smooth_maps(9, 3)), replace(mirrored, mean_albedo=smooth_maps(9, 3)[..., ::-1])
    np.testing.assert_allclose(
        plain[1].albedo(said[list(EXPRESSION_MIRROR)])[..., ::-1], plain[0].albedo(said), atol=1e-5
    )


def test_the_rest_of_the_head_follows_and_fades() -> None:
    corrections = no_corrections(SIZE)
    corrections.neutral[2] = 0.01
    head = load_head()
    moved = (PersonalRig(corrections).vertices(np.zeros(EXPRESSION_COUNT)) - head.model.mean)[:, 2]
    region = np.array(REGIONS)[head.vertex_region]
    assert moved[np.isin(region, ["skin", "nose"])].min() > 0.0099
    assert 0 <= moved.min() <= moved.max() < 0.0101
    far = (region == "scalp") & (head.model.mean[:, 2] < -0.12)
    assert far.any()
    assert moved[far].max() < 0.0025
    solid = head.model.triangles[~np.isin(head.triangle_part, [PARTS.index("skin")])]
    assert moved[np.unique(solid)].max() == 0
    # No tear: neighbours differ by less than half of what the face moved.
    skin = head.model.triangles[head.triangle_part == PARTS.index("skin")]
    assert np.abs(moved[skin[:, 0]] - moved[skin[:, 1]]).max() < 0.005


def test_it_is_a_person() -> None:
    rig, said = someone(7), expression(8)
    person = rig.person("me")
    found = vertices_from_params(person.head.model, np.zeros(IDENTITY_COUNT), said)
    np.testing.assert_allclose(found, rig.vertices(said), atol=1e-6)


@pytest.mark.parametrize("size", [32, 128])
def test_maps_of_any_size(size: int) -> None:
    corrections = no_corrections(size)
    corrections.neutral[0] = 0.001
    moved = PersonalRig(corrections).vertices(np.zeros(EXPRESSION_COUNT)) - load_head().model.mean
    np.testing.assert_allclose(moved[load_chart().vertices, 0], 0.001, atol=1e-6)
