"""Training SFN in pairs: kinds alternate, the regularisation is added with its weight, edits need known faces."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from commedia.data.shards import write_shard
from commedia.errors import BadShard
from commedia.losses.disentangling import edit_disagreement, view_disagreement
from commedia.networks.registry import network_for
from commedia.training.config import Recipe
from commedia.training.face_model import FaceModel
from commedia.training.recipes import recipe_named
from commedia.training.tasks import AT_THE_END
from tests.training.drawings import drawn_picture
from tests.training.tasks import made_task


@pytest.fixture
def recipe() -> Recipe:
    plain, paired = recipe_named("sfn-smoke"), recipe_named("sfn-paper-disentangled")
    stage, groups = plain.stages[0], paired.stages[0].data.groups
    data = replace(stage.data, groups=groups)
    return replace(plain, stages=(replace(stage, loss=paired.stages[0].loss, data=data),))


def test_pairs_alternate_and_are_asked_to_agree(recipe: Recipe, shards: Path, model: FaceModel) -> None:
    torch.manual_seed(0)
    network = network_for(recipe.network).train()
    task = made_task(recipe, shards, model, seed=5)
    size = recipe.stages[0].optimisation.batch_size
    for step, kind, disagreement in ((0, "views", view_disagreement), (1, "edits", edit_disagreement)):
        batch = task.batch(step)
        assert (batch.groups, len(batch.pixels)) == (kind, size)
        assert torch.equal(batch.pixels, task.batch(step).pixels)
        outputs = network(task.pixels(batch))
        loss, plain = (task.loss(outputs, one, AT_THE_END) for one in (batch, batch._replace(groups="single")))
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
    with pytest.raises(BadShard, match="edits expressions"):
        made_task(recipe, tmp_path, model)
    stage = recipe.stages[0]
    views = replace(recipe, stages=(replace(stage, data=replace(stage.data, groups="views")),))
    assert made_task(views, tmp_path, model).batch(1).groups == "views"
