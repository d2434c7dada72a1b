"""The parser trains: maps follow their crops, sides change places in a mirror, and it learns what a picture shows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from commedia.data.sample import PictureSample
from commedia.data.shards import read_shard, write_shard
from commedia.data.truth import COVERED, PARSE_UNKNOWN
from commedia.errors import BadShard
from commedia.face_model.model import PARSE_CLASSES
from commedia.networks.ours.parser import FaceParser, ParserConfig
from commedia.training.config import STILL, Recipe
from commedia.training.crops import crop_placement
from commedia.training.face_model import default_face_model
from commedia.training.parser_task import ParserTask, mirrored_classes, shares
from commedia.training.pictures import ShardPictures
from commedia.training.recipes import recipe_named
from commedia.training.tasks import AT_THE_END
from tests.training.drawings import drawn_picture
from tests.training.tasks import made_task

SMALL = ParserConfig(widths=(8, 16), blocks=(0, 1))
BROW, OTHER_BROW = PARSE_CLASSES.index("left_brow"), PARSE_CLASSES.index("right_brow")


def discs(picture: PictureSample) -> PictureSample:
    """A picture whose map shows the brows of either side as discs around their points, on skin."""
    points = picture.faces[0].landmarks_px
    size = len(picture.image)
    rows, columns = np.mgrid[0:size, 0:size] + 0.5
    parse = np.full((size, size), 1, np.uint8)
    for number, part in ((OTHER_BROW, points[17:22]), (BROW, points[22:27])):
        x, y = part.mean(0)
        parse[(rows - y) ** 2 + (columns - x) ** 2 < (size / 16) ** 2] = number
    image = np.where((parse == 1)[..., None], 180, np.array([90, 20, 20]))
    image = np.where((parse == BROW)[..., None], np.array([20, 20, 90]), image)
    return replace(picture, image=image.astype(np.uint8), parse=parse)


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures with maps, and one without."""
    layer, rng = default_face_model().landmarks, np.random.default_rng(0)
    plain = [replace(drawn_picture(rng, layer, 1, 96), source=f"set/{index}") for index in range(13)]
    path = tmp_path_factory.mktemp("parser") / "discs.tar"
    write_shard(path, [*(discs(one) for one in plain[:12]), plain[12]])
    return path


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    desktop = recipe_named("parser-desktop")
    stage = desktop.stages[0]
    optimisation = replace(stage.optimisation, batch_size=6, precision="32-true")
    data = replace(stage.data, validation_share=0.2, labelled_share=None)
    return replace(desktop, network=SMALL, stages=(replace(stage, optimisation=optimisation, data=data),))


def task_of(recipe: Recipe, shard: Path) -> ParserTask:
    return made_task(recipe, shard, default_face_model(), network=FaceParser(SMALL))


def test_a_map_of_half_the_size_says_the_same_of_its_picture(shard: Path, tmp_path: Path) -> None:
    (fine, *_), coarse = read_shard(shard), tmp_path / "coarse.tar"
    assert fine.parse is not None
    write_shard(coarse, [replace(fine, parse=fine.parse[::2, ::2])])
    pair = [ShardPictures([path]).face_crops.parse for path in (shard, coarse)]
    assert pair[0] is not None
    assert pair[1] is not None
    known = pair[0][0] != PARSE_UNKNOWN
    assert 0.5 < known.mean()
    assert (pair[0][0] == pair[1][0])[known].mean() > 0.95
    # The picture that has none is unknown everywhere.
    assert (pair[0][12] == PARSE_UNKNOWN).all()


def test_the_map_of_a_crop_lies_where_its_picture_does_also_mirrored(recipe: Recipe, shard: Path) -> None:
    task = task_of(recipe, shard)
    for flip in (0.0, 1.0):
        batch = task._cut(np.arange(12), replace(STILL, flip=flip), np.random.default_rng(0))
        red, blue = batch.pixels[:, 0].float(), batch.pixels[:, 2].float()
        sure = (red - blue).abs() > 50
        # In the picture the left brow is blue, the right one red; mirrored, the red one is the left one.
        brow = batch.parse == (OTHER_BROW if flip else BROW)
        assert sure.any()
        assert ((blue > red) == brow)[sure].float().mean() > 0.97
        found = crop_placement(task.pictures.face(0), replace(STILL, flip=flip), task.mirror, np.random.default_rng(0))
        assert found.mirror == bool(flip)


def test_sides_change_places_and_nothing_else_does() -> None:
    every = np.array([*range(len(PARSE_CLASSES)), PARSE_UNKNOWN, COVERED], np.uint8)
    mirrored = mirrored_classes(every[None])
    np.testing.assert_array_equal(mirrored[0], [0, 1, 3, 2, 5, 4, 6, 7, 8, 9, PARSE_UNKNOWN, COVERED])


def test_shares_say_what_is_known_and_covered_is_background() -> None:
    parse = torch.tensor([[[1, 1, COVERED, COVERED], [1, 6, 0, 0], [PARSE_UNKNOWN] * 4, [2, 2, 2, PARSE_UNKNOWN]]])
    found = shares(parse.byte())[0]
    assert found.shape == (10, 2, 2)
    assert found[1, 0, 0] == 0.75
    assert found[6, 0, 0] == 0.25
    assert found[0, 0, 1] == 1
    assert found[2, 1].tolist() == [0.5, 0.25]
    assert found.sum(0)[1].tolist() == [0.5, 0.25]


def test_only_pictures_with_maps_are_drawn(recipe: Recipe, shard: Path) -> None:
    task = task_of(recipe, shard)
    assert len(task.held) == 2
    assert task.chances[12] == 0
    assert (task.chances[task.held] == 0).all()
    assert torch.equal(task.batch(3).pixels, task.batch(3).pixels)


def test_it_learns_what_a_picture_shows(recipe: Recipe, shard: Path) -> None:
    torch.manual_seed(0)
    task, network = task_of(recipe, shard), FaceParser(SMALL).train()
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    before = task.validate(network.eval())
    network.train()
    for step in range(25):
        batch = task.batch(step)
        loss = task.loss(task.read(network, task.pixels(batch)), batch, AT_THE_END)
        optimiser.zero_grad()
        loss.total.backward()
        optimiser.step()
    after = task.validate(network.eval())
    assert after.loss < 0.5 * before.loss
    assert after.skin > 0.9
    assert after.brows > 0.15
    sheet = task.contact_sheet(network)
    assert sheet.shape == (128, 3 * 3 * 128, 3)


def test_shards_without_maps_are_refused(recipe: Recipe, tmp_path: Path) -> None:
    layer, path = default_face_model().landmarks, tmp_path / "plain.tar"
    write_shard(path, [drawn_picture(np.random.default_rng(1), layer, 1, 96)])
    with pytest.raises(BadShard, match="what its pixels show"):
        task_of(recipe, path)
