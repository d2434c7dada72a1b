"""Colours of the head: they belong to visible skin, survive being stored, and vary as what they were made of."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from commedia.errors import WeightsMismatch
from commedia.face_model.albedo import AlbedoModel, albedo_of, load_albedo, read_albedo, save_albedo, skin_triangles
from commedia.face_model.model import PARTS, REGIONS, HeadModel, load_head


@pytest.fixture(scope="module")
def head() -> HeadModel:
    return load_head()


def test_skin_is_neither_eye_nor_mouth_nor_neck(head: HeadModel) -> None:
    triangles = skin_triangles(head)
    shown = {REGIONS[region] for region in np.unique(head.vertex_region[triangles])}
    assert {"skin", "nose", "upper_lip", "left_brow"} <= shown
    assert not shown & {"left_eye", "inner_mouth", "neck", "scalp", "left_socket", "teeth"}
    rows = {tuple(row) for row in triangles.tolist()}
    others = head.model.triangles[head.triangle_part != PARTS.index("skin")]
    assert not rows & {tuple(row) for row in others.tolist()}


def test_the_default_heads_colours_are_of_skin(head: HeadModel) -> None:
    albedo = load_albedo()
    vertices = np.unique(skin_triangles(head))
    assert albedo.mean.shape == (len(vertices), 3)
    red, green, blue = albedo.mean.mean(0)
    assert 1 > red > green > blue > 0
    lips = np.isin(head.vertex_region[vertices], [REGIONS.index("upper_lip"), REGIONS.index("lower_lip")])
    redness = albedo.mean[:, 0] / albedo.mean[:, 1]
    assert redness[lips].mean() > 1.05 * redness[~lips].mean()
    strength = np.square(albedo.basis).sum((1, 2))
    assert (np.diff(strength) < 0.01 * strength[0]).all()
    # The strongest is how dark somebody is: all of the skin goes with it.
    assert (np.sign(albedo.basis[0]) == np.sign(albedo.basis[0].mean())).mean() > 0.95


def test_components_give_back_what_they_were_made_of() -> None:
    rng = np.random.default_rng(0)
    mean, basis = rng.uniform(size=(6, 3)), rng.normal(size=(2, 6, 3))
    weights = rng.normal(size=(400, 2))
    found = albedo_of(mean + np.tensordot(weights, basis, 1), 2)
    flat, truth = found.basis.reshape(2, -1), basis.reshape(2, -1)
    inside = truth @ np.linalg.pinv(flat) @ flat
    np.testing.assert_allclose(inside, truth, atol=1e-4)
    np.testing.assert_allclose(np.square(found.basis).sum(), np.square(truth).sum(), rtol=0.2)


def test_files_keep_colours_and_know_their_head(head: HeadModel, tmp_path: Path) -> None:
    albedo = load_albedo()
    save_albedo(tmp_path / "a.npz", albedo)
    again = read_albedo(tmp_path / "a.npz", head)
    np.testing.assert_allclose(again.basis, albedo.basis, atol=np.abs(albedo.basis).max() / 100)
    save_albedo(tmp_path / "b.npz", AlbedoModel(albedo.mean[1:], albedo.basis[:, 1:]))
    with pytest.raises(WeightsMismatch, match="another head"):
        read_albedo(tmp_path / "b.npz", replace(head))
