"""CPEM trains: batches hold frames of one person, drawn faces come to look like the pictures, points are in place."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from commedia.conventions import IDENTITY_COUNT
from commedia.data.shards import write_shard
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.landmarks import load_scheme, points
from commedia.face_model.model import load_head
from commedia.geometry.rotations import matrix_from_wxyz
from commedia.networks.heads import wxyz_from_euler
from commedia.networks.paper3.cpem import CAMERA_DM, FOCAL_SIDES, Cpem, CpemConfig, CpemOutputs
from commedia.training.config import Recipe
from commedia.training.cpem_face import CpemFace
from commedia.training.face_model import default_face_model
from commedia.training.recipes import recipe_named
from commedia.training.tasks import AT_THE_END
from tests.training.drawings import drawn_picture
from tests.training.tasks import made_task

SMALL = CpemConfig("resnet18", width_mult=0.125, input_size=64)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    desktop = recipe_named("cpem-desktop")
    stage = desktop.stages[0]
    stage = replace(
        stage,
        optimisation=replace(stage.optimisation, batch_size=8),
        data=replace(stage.data, validation_share=0.25, labelled_share=None),
        loss=replace(stage.loss, picture_px=32),
    )
    return replace(desktop, network=SMALL, stages=(stage,))


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people in six pictures each."""
    layer, rng, pictures = default_face_model().landmarks, np.random.default_rng(0), []
    for index in range(24):
        picture = drawn_picture(rng, layer, 1, 96)
        faces = tuple(replace(face, identity_name=f"p{index // 6}") for face in picture.faces)
        kind = "labelled" if index % 2 else "synthetic"
        pictures.append(replace(picture, source=f"set/{index}", faces=faces, kind=kind))
    path = tmp_path_factory.mktemp("cpem") / "people.tar"
    write_shard(path, pictures)
    return path


def resting(rows: int = 2) -> CpemOutputs:
    upright = torch.tensor([[1.0, 0.0, 0.0, 0.0]]).repeat(rows, 1)
    return CpemOutputs(
        torch.zeros(rows, IDENTITY_COUNT), torch.zeros(rows, 52), torch.zeros(rows, 40), upright,
        torch.zeros(rows, 3, 9), torch.tensor([[0.0, 0.3, 1.1]]).repeat(rows, 1),
    )  # fmt: skip


def test_points_fall_where_a_pinhole_puts_them() -> None:
    rng, model = np.random.default_rng(1), load_head().model
    outputs = resting(1)._replace(
        identity=torch.from_numpy(rng.normal(size=(1, IDENTITY_COUNT)).astype(np.float32)),
        expression=torch.from_numpy(rng.uniform(size=(1, 52)).astype(np.float32)),
        wxyz=wxyz_from_euler(torch.tensor([[0.2, -0.4, 0.1]])),
        translation=torch.tensor([[0.2, 0.1, -1.5]]),
    )
    vertices = vertices_from_params(model, outputs.identity[0].numpy(), outputs.expression[0].numpy())
    turned = 10 * points(load_scheme("ibug68"), vertices) @ matrix_from_wxyz(outputs.wxyz[0].numpy()).T
    x, y, z = (turned + outputs.translation[0].numpy()).T
    expected = FOCAL_SIDES * np.stack([x, -y], 1) / (CAMERA_DM - z)[:, None]
    found = CpemFace(default_face_model()).points(outputs)[0]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_a_resting_face_fills_its_crop_as_a_crop_is_cut() -> None:
    face = CpemFace(default_face_model())
    found = face.points(resting(1))[0]
    low, high = found.amin(0), found.amax(0)
    # The landmark box's longer side is the crop's over 1.5, and in its middle.
    assert float((high - low).max()) == pytest.approx(1 / 1.5, abs=0.04)
    assert float(((low + high) / 2).abs().max()) < 0.05
    mask = face.pictures(resting(1), 64).mask[0]
    assert 0.3 < float(mask.float().mean()) < 0.6
    middle = ((found + 0.5) * 64).long()
    assert mask[middle[30, 1], middle[30, 0]]


def test_a_drawn_face_explains_itself_best() -> None:
    face, truth = CpemFace(default_face_model()), resting(1)._replace(texture=0.8 * torch.ones(1, 40))
    drawn = (255 * face.pictures(truth, 64).image.clamp(0, 1)).byte().permute(0, 3, 1, 2)
    assert float(face.compared(truth, drawn, None, 64).photometric) < 0.01
    for other in (
        truth._replace(texture=torch.zeros(1, 40)),
        truth._replace(wxyz=wxyz_from_euler(torch.tensor([[0.0, 0.3, 0.0]]))),
        truth._replace(light=0.1 * torch.ones(1, 3, 9)),
    ):
        assert float(face.compared(other, drawn, None, 64).photometric) > 0.02
    nothing_is_skin = torch.zeros(1, 64, 64, dtype=torch.uint8)
    assert float(face.compared(resting(1), drawn, nothing_is_skin, 64).photometric) == 0


def test_half_of_a_batch_is_people(recipe: Recipe, people: Path) -> None:
    task = made_task(recipe, people, default_face_model(), network=Cpem(SMALL))
    batch = task.batch(0)
    assert (batch.groups, batch.group_size) == (1, 4)
    assert batch.crops.pixels.shape == (8, 3, 64, 64)
    again = task.batch(0)
    assert torch.equal(batch.crops.pixels, again.crops.pixels)
    whole = replace(recipe.stages[0], data=replace(recipe.stages[0].data, grouped_share=1.0))
    batch = made_task(replace(recipe, stages=(whole,)), people, default_face_model(), network=Cpem(SMALL)).batch(0)
    assert batch.groups == 2
    assert len(batch.crops.pixels) == 8


def test_it_learns_what_it_sees_again(recipe: Recipe, people: Path) -> None:
    torch.manual_seed(0)
    network = Cpem(SMALL)
    task = made_task(recipe, people, default_face_model(), network=network)
    batch, optimiser = task.batch(0), torch.optim.Adam(network.parameters(), 1e-3)
    losses = []
    for _ in range(8):
        loss = task.loss(task.read(network.train(), task.pixels(batch)), batch, AT_THE_END)
        optimiser.zero_grad()
        loss.total.backward()
        optimiser.step()
        losses.append(dict(loss.parts) | {"total": loss.total})
    assert losses[-1]["total"] < 0.9 * losses[0]["total"]
    assert all(losses[-1][part] < losses[0][part] for part in ("photometric", "expression", "expression_exclusive"))
    measured = task.validate(network.eval())
    assert all(np.isfinite(getattr(measured, name)) for name in ("loss", "error", "photometric", "contradiction"))
    sheet = task.contact_sheet(network)
    assert sheet.shape[2] == 3
    assert sheet.std() > 10
