"""The embedding trains: people held back are never drawn, its loss falls, and a missing teacher is said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from commedia.data.held_people import is_held
from commedia.data.shards import write_shard
from commedia.errors import BadShard
from commedia.losses.embedding import EmbeddingLossConfig, EmbeddingTargets, embedding_loss
from commedia.networks.registry import network_for
from commedia.training.config import Recipe
from commedia.training.embedding_task import EmbeddingTask, centred
from commedia.training.face_model import FaceModel
from commedia.training.measures import verification
from commedia.training.recipes import recipe_named
from commedia.training.tasks import AT_THE_END
from tests.training.drawings import drawn_picture
from tests.training.tasks import made_task

PEOPLE = 8


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Recipe:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    desktop = recipe_named("embedding-desktop")
    stage = desktop.stages[0]
    optimisation = replace(stage.optimisation, batch_size=8)
    data = replace(stage.data, group_size=2, validation_share=0.4, epoch_steps=0)
    return replace(desktop, stages=(replace(stage, optimisation=optimisation, data=data),))


@pytest.fixture
def shard(model: FaceModel, tmp_path: Path) -> Path:
    """Three pictures each of eight people, and a teacher who knows them."""
    rng, path = np.random.default_rng(5), tmp_path / "people.tar"
    names = [f"person-{number}" for number in range(PEOPLE) for _ in range(3)]
    pictures = [drawn_picture(rng, model.landmarks, 1, 160) for _ in names]
    named = [
        replace(picture, faces=(replace(picture.faces[0], identity_name=name),))
        for picture, name in zip(pictures, names, strict=True)
    ]
    write_shard(path, named)
    truth = rng.normal(size=(PEOPLE, 128)).repeat(3, axis=0) + 0.1 * rng.normal(size=(3 * PEOPLE, 128))
    np.savez(path.with_suffix(".embeddings.npz"), embedding=truth)
    return path


def test_it_learns_what_the_teacher_says_and_never_sees_whom_it_is_judged_by(
    recipe: Recipe, shard: Path, model: FaceModel
) -> None:
    torch.manual_seed(0)
    network = network_for(recipe.network)
    task = made_task(recipe, shard, model, network=network)
    assert isinstance(task, EmbeddingTask)
    held = set(task.person[task.held].tolist())
    drawn = {person for step in range(12) for person in task.person[task.batch(step).rows].tolist()}
    assert held
    assert drawn == set(range(PEOPLE)) - held
    first, again = task.batch(3), task.batch(3)
    assert torch.equal(first.pixels, again.pixels)
    optimiser, losses = torch.optim.Adam(network.reader.parameters(), 3e-3), []
    for _ in range(8):
        loss = task.loss(task.read(network.train(), task.pixels(first)), first, AT_THE_END)
        optimiser.zero_grad()
        loss.total.backward()
        optimiser.step()
        losses.append(dict(loss.parts)["teacher"].item())
    assert losses[-1] < 0.6 * losses[0]
    assert task.contact_sheet(network.eval()).shape[0] % 150 == 0


def test_a_shard_without_a_teacher_or_with_another_ones_is_refused(
    recipe: Recipe, shard: Path, model: FaceModel
) -> None:
    beside = shard.with_suffix(".embeddings.npz")
    np.savez(beside, embedding=np.zeros((3, 128)))
    with pytest.raises(BadShard, match="describes 3 faces, its shard has 24"):
        made_task(recipe, shard, model, network=network_for(recipe.network))
    beside.unlink()
    with pytest.raises(BadShard, match="embed_faces"):
        made_task(recipe, shard, model, network=network_for(recipe.network))


def test_people_are_held_back_by_name_wherever_they_are() -> None:
    names = np.array([f"somebody {number}" for number in range(2000)] + [""] * 50)
    held = is_held(names, 0.15)
    assert 0.12 < held[:2000].mean() < 0.18
    assert not held[2000:].any()
    assert (is_held(names[::-1], 0.15) == held[::-1]).all()
    assert (is_held(names, 0.3) >= held).all()


def test_the_loss_is_nothing_when_all_is_right_and_names_what_is_wrong() -> None:
    truth = torch.eye(4)[[0, 0, 1, 2]]
    config = EmbeddingLossConfig()
    known = EmbeddingTargets(truth, torch.tensor([7, 7, 8, -1]))
    assert embedding_loss(truth, known, config).total == 0
    swapped = dict(embedding_loss(truth[[0, 2, 1, 3]], known, config).parts)
    # One of the two pictures of person 7 now looks like 8, who looks like 7.
    assert swapped["teacher"].item() == pytest.approx(0.5)
    assert swapped["same"].item() == pytest.approx(config.same_least)
    assert swapped["other"].item() == pytest.approx(1 - config.other_most)


def test_whom_nobody_knows_is_neither_the_same_nor_another() -> None:
    alike = torch.ones(3, 1)
    parts = dict(embedding_loss(alike, EmbeddingTargets(alike, torch.full((3,), -1)), EmbeddingLossConfig()).parts)
    assert parts["same"] == parts["other"] == 0


def test_the_gradient_against_differences() -> None:
    chance = torch.Generator().manual_seed(0)
    found, truth = torch.nn.functional.normalize(torch.randn(2, 6, 5, generator=chance).double(), dim=-1)
    known = EmbeddingTargets(truth, torch.tensor([7, 7, 8, 8, 9, -1]))
    config = EmbeddingLossConfig(people=0.7)
    parts = dict(embedding_loss(found, known, config).parts)
    assert all(part > 0 for part in parts.values())
    assert torch.autograd.gradcheck(lambda e: embedding_loss(e, known, config).total, (found.requires_grad_(),))


def test_what_a_kind_of_picture_shares_is_taken_away(rng: np.random.Generator) -> None:
    photographs = np.arange(40) < 30
    base = np.where(photographs[:, None], 5.0, -3.0) + rng.normal(size=(40, 16))
    found = centred(base, photographs)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    wanted = base[photographs] - base[photographs].mean(axis=0)
    np.testing.assert_allclose(found[photographs] * np.linalg.norm(wanted, axis=1, keepdims=True), wanted, atol=1e-6)


def test_verification_is_perfect_where_people_are_and_half_where_nothing_is(rng: np.random.Generator) -> None:
    person = torch.arange(60) // 3
    apart = torch.nn.functional.one_hot(person).float()
    assert verification(apart, person) == (1.0, 0.0)
    noise = torch.from_numpy(rng.normal(size=(60, 8)))
    same, equal_error = verification(noise / noise.norm(dim=1, keepdim=True), person)
    assert same < 0.2
    assert 0.35 < equal_error < 0.65
