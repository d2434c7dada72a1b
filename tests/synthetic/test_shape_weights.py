"""Weights that come nearest to a person's own expressions: exact where they can be, and found again from a seed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from commedia.data.shards import read_shard
from commedia.evaluation.paper2_people import CROP_MM, surface_of
from commedia.evaluation.shape_error import shape_error_mm
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import load_head
from commedia.synthetic.backgrounds import load_backgrounds
from commedia.synthetic.motion import moved_heads
from commedia.synthetic.performers import Performer, sample_performers, stream_rng
from commedia.synthetic.shape_weights import shape_weights
from commedia.synthetic.shards import generate_shard, single_performers


def performers(count: int) -> list[Performer]:
    return sample_performers(stream_rng("test", 5), count, name="somebody")


def test_who_goes_farther_in_the_head_models_shape_has_larger_weights() -> None:
    for one in performers(3):
        plain = replace(one, deviations=np.zeros_like(one.deviations))
        np.testing.assert_allclose(shape_weights(plain, load_head()), one.truth.expression * one.sizes, atol=1e-6)


def test_these_weights_come_nearer_than_labels() -> None:
    head, people = load_head(), performers(12)
    found = []
    for one, moved in zip(people, moved_heads(people, head, "cpu").numpy(), strict=True):
        truth = surface_of(moved)
        said = one.truth.expression, shape_weights(one, head)
        found.append(
            [
                shape_error_mm(
                    surface_of(vertices_from_params(head.model, one.truth.identity, weights)), truth, crop_mm=CROP_MM
                )
                for weights in said
            ]
        )
    labels, nearest = np.mean(found, axis=0)
    assert nearest < 0.6 * labels


@pytest.mark.parametrize("seed", [3, 4])
def test_performers_are_drawn_again_from_a_seed(seed: int, tmp_path: Path) -> None:
    generate_shard(tmp_path / "drawn.tar", "single", 19, seed=seed, size=64)
    known = [sample.faces[0] for sample in read_shard(tmp_path / "drawn.tar")]
    again = single_performers("train", seed, 19, load_backgrounds(None, "train"), size=64)
    for one, face in zip(again, known, strict=True):
        np.testing.assert_allclose(one.truth.identity, np.asarray(face.identity), atol=0.01)
        np.testing.assert_allclose(one.truth.expression, np.asarray(face.expression), atol=0.01)
