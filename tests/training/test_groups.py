"""Frames of one person or clip are drawn together, masks follow the pixels, validation is drawn from everywhere."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from commedia.data.shards import write_shard
from commedia.errors import BadShard
from commedia.losses.disentangling import identity_disagreement
from commedia.networks.heads import FaceOutputs
from commedia.training.config import STILL
from commedia.training.crops import crops
from commedia.training.face_model import FaceModel
from commedia.training.groups import Groups
from commedia.training.pictures import FaceCrops, load_face_crops
from commedia.training.recipe_parts import varied
from commedia.training.recipes import recipe_named
from commedia.training.tasks import split_rows
from tests.training.drawings import drawn_picture
from tests.training.tasks import made_task


@pytest.fixture(scope="module")
def people(model: FaceModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people in two clips each, three frames a clip; the dots are the mask of every other picture."""
    folder = tmp_path_factory.mktemp("people")
    rng = np.random.default_rng(0)
    pictures = []
    for index in range(18):
        picture = drawn_picture(rng, model.landmarks, 1, 160)
        person, clip = f"p{index // 6}", f"p{index // 6}/c{index // 3 % 2}"
        faces = tuple(replace(face, identity_name=person) for face in picture.faces)
        mask = None if index % 2 else np.where(picture.image[..., 0] > 125, 255, 0).astype(np.uint8)
        pictures.append(replace(picture, source=f"set/{index}", faces=faces, clip=clip, frame=str(index), mask=mask))
    write_shard(folder / "people.tar", pictures)
    return folder


@pytest.fixture(scope="module")
def face_crops(people: Path) -> FaceCrops:
    return load_face_crops([people / "people.tar"])


@pytest.mark.parametrize("kind", ["person", "clip"])
def test_rows_of_a_group_belong_together_and_differ(face_crops: FaceCrops, kind: str) -> None:
    names = getattr(face_crops, kind)
    chances = np.full(18, 1 / 18)
    chances[names == names[0]] = 0
    rows = Groups(names, chances, kind).draw(np.random.default_rng(0), 40, 3)
    assert rows.shape == (40, 3)
    assert all(len(set(names[members])) == 1 and len(set(members)) == 3 for members in rows)
    assert set(names[rows.ravel()]) == set(names) - {names[0]}


def test_pictures_without_a_name_are_in_no_group(shards: Path) -> None:
    nameless = load_face_crops([shards / "singles.tar"])
    with pytest.raises(BadShard, match="belong to one person"):
        Groups(nameless.person, np.ones(len(nameless)), "person")


def test_a_batch_of_groups_is_asked_to_agree_on_who_it_is(people: Path, model: FaceModel) -> None:
    stage = recipe_named("sfn-smoke").stages[0]
    data = replace(stage.data, groups="person", group_size=3)
    loss = replace(stage.loss, disentangling=2.0)
    recipe = varied(
        recipe_named("sfn-smoke"), "x", data=data, loss=loss, optimisation=replace(stage.optimisation, batch_size=6)
    )
    batch = made_task(recipe, people, model).batch(0)
    assert (len(batch.pixels), batch.groups, batch.group_size) == (6, "person", 3)
    assert batch.pixels.unflatten(0, (-1, batch.group_size)).shape[:2] == (2, 3)
    identity = torch.arange(6.0)[:, None].repeat(1, 4)
    faces = FaceOutputs(identity, *(torch.zeros(6, 1) for _ in range(4)))
    assert identity_disagreement(faces, 3).tolist() == pytest.approx([2 / 3, 2 / 3])


def test_masks_lie_on_the_pixels_they_speak_of(face_crops: FaceCrops, model: FaceModel) -> None:
    moved = replace(STILL, roll_deg=30.0, flip=0.5, shift=0.1, scale=(0.8, 1.2))
    batch = crops(face_crops, np.arange(18), moved, model.identity_mirror, np.random.default_rng(0))
    assert batch.masks is not None
    assert (batch.masks[1::2] > 0).float().mean() > 0.5  # no mask: whatever the picture shows counts
    dots = batch.pixels[0::2].float().mean(1) > 150
    masks = batch.masks[0::2] > 128
    assert (dots & masks).sum() / (dots | masks).sum() > 0.7


def test_validation_comes_from_everywhere_and_is_the_same_again() -> None:
    shown = np.random.default_rng(0).normal(size=(10_000, 68, 2)).astype(np.float32)
    training, held = split_rows(shown, 0.5, 100)
    assert len(held) == 100
    assert len(training) == pytest.approx(5000, abs=200)
    assert not set(training) & set(held)
    assert np.histogram(held, 10, (0, 10_000))[0].min() > 0
    for first, second in zip((training, held), split_rows(shown, 0.5, 100), strict=True):
        np.testing.assert_array_equal(first, second)


def test_no_picture_changes_sides_when_shards_come_and_go() -> None:
    shown = np.random.default_rng(1).normal(size=(3_000, 68, 2)).astype(np.float32)
    training, _ = split_rows(shown, 0.1, 3_000)
    fewer = np.arange(700, 2_700)
    _, held = split_rows(shown[fewer], 0.1, 3_000)
    assert len(held) > 100
    assert not set(fewer[held]) & set(training)
    assert [len(part) for part in split_rows(shown[:2], 0.0, 5)] == [1, 1]
