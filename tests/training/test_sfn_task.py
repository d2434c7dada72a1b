"""Training SFN in pairs: kinds alternate, the regularisation is added with its weight, edits need known faces."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from commedia.data.shards import write_shard
from commedia.errors import BadShard
from commedia.losses.disentangling import edit_disagreement, view_disagreement
from commedia.training.config import Recipe
from commedia.training.face_model import FaceModel
from commedia.training.recipes import recipe_named
from commedia.training.sfn_task import SfnTask
from tests.training.drawings import drawn_picture


@pytest.fixture
def recipe() -> Recipe:
    plain, paired = recipe_named("sfn-smoke"), recipe_named("sfn-paper-disentangled")
    return replace(plain, loss=paired.loss, data=replace(plain.data, pairs=paired.data.pairs))


def test_pairs_alternate_and_are_asked_to_agree(recipe: Recipe, shards: Path, model: FaceModel) -> None:
    task = SfnTask(recipe, [shards], model, seed=5)
    size = recipe.optimisation.batch_size
    torch.manual_seed(0)
    for step, kind, disagreement in ((0, "views", view_disagreement), (1, "edits", edit_disagreement)):
        batch = task.batch(step)
        assert (batch.pairs, len(batch.pixels)) == (kind, size)
        assert torch.equal(batch.pixels, task.batch(step).pixels)
        outputs = task.network.train()(task.pixels(batch))
        loss, plain = task.loss(outputs, batch, tau=1.0), task.loss(outputs, batch._replace(pairs="none"), tau=1.0)
        wanted = disagreement(outputs).mean()
        assert wanted > 0
        torch.testing.assert_close(loss.total, plain.total + 0.5 * wanted)
        assert dict(loss.parts)["disentangling"] == wanted


def test_edits_need_known_faces(recipe: Recipe, model: FaceModel, tmp_path: Path, rng: np.random.Generator) -> None:
    known = [drawn_picture(rng, model.landmarks, 1, 160) for _ in range(4)]
    marked = [
        replace(
            picture,
            faces=tuple(replace(f, identity=None, expression=None, landmark_kind="gold") for f in picture.faces),
        )
        for picture in known
    ]
    write_shard(tmp_path / "marked.tar", marked)
    with pytest.raises(BadShard, match="sfn-smoke"):
        SfnTask(recipe, [tmp_path], model, seed=0)
    views = replace(recipe, data=replace(recipe.data, pairs="views"))
    assert SfnTask(views, [tmp_path], model, seed=0).batch(1).pairs == "views"
