"""TrackNet and ModelNet train: torch draws what the numpy rig says, people come with their truth, losses fall."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.data.shards import write_shard
from commedia.data.truth import DrawnTruth
from commedia.face_model.chart import load_chart
from commedia.face_model.corrections import Corrections, PersonalRig
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import PARSE_CLASSES, load_head
from commedia.losses.faces import FaceTargets
from commedia.networks.heads import wxyz_from_euler
from commedia.networks.paper2.modelnet import CorrectionMaps, ModelNetConfig
from commedia.networks.paper2.personal import ModelledFaces, PersonalConfig, PersonalNet
from commedia.networks.paper2.tracknet import TrackNetConfig
from commedia.networks.paper3.cpem import CpemOutputs
from commedia.training.batches import SfnBatch
from commedia.training.config import Recipe
from commedia.training.cpem_face import CpemFace
from commedia.training.crops import PARSE_MIRROR
from commedia.training.face_model import default_face_model
from commedia.training.modelled_face import Corrected, ModelledFace, soft_parts
from commedia.training.personal_task import Drawn, PersonalTask, people_apart, pooled, shape_errors, shares_of
from commedia.training.recipes import RECIPES, recipe_named
from commedia.training.tasks import AT_THE_END
from tests.training.drawings import drawn_picture
from tests.training.tasks import made_task

MAP = 32
SMALL = PersonalConfig(
    64,
    TrackNetConfig(width_mult=0.125, hidden=(), identity_count=IDENTITY_COUNT, texture_count=40),
    ModelNetConfig("charts", MAP, encoder=(8, 12, 16), decoder=(12, 8)),
)


@pytest.fixture(scope="module")
def face() -> ModelledFace:
    return ModelledFace(default_face_model(), MAP)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    desktop = recipe_named("personal-desktop")
    stages = tuple(
        replace(
            stage,
            optimisation=replace(stage.optimisation, batch_size=10),
            data=replace(stage.data, validation_share=0.3, labelled_share=None, grouped_share=0.8),
            loss=replace(stage.loss, picture_px=32),
            frozen=("tracker",) if stage.name == "model" else (),
        )
        for stage in desktop.stages
    )
    return replace(desktop, network=SMALL, stages=stages)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six people in five pictures each, four of them drawn with their truth and a parse map of skin."""
    layer, rng, pictures = default_face_model().landmarks, np.random.default_rng(0), []
    for index in range(30):
        picture = drawn_picture(rng, layer, 1, 96)
        faces = tuple(replace(one, identity_name=f"p{index // 5}") for one in picture.faces)
        drawn, known = index // 5 < 4, faces[0]
        truth = DrawnTruth(
            *(np.asarray(part, np.float32) for part in (known.identity, np.ones(52), np.zeros((52, 4, 8)))),
            *(np.asarray(part, np.float32) for part in (known.expression, known.pose.wxyz, [48, 48, 400, np.inf])),
            paint={},
        )
        parse = np.full((96, 96), PARSE_CLASSES.index("skin"), np.uint8) if drawn else None
        extras = {"truth": truth if drawn else None, "parse": parse}
        kind = "synthetic" if drawn else "labelled"
        pictures.append(replace(picture, source=f"set/{index}", faces=faces, kind=kind, **extras))
    path = tmp_path_factory.mktemp("personal") / "people.tar"
    write_shard(path, pictures)
    return path


def faces_of(rows: int, seed: int) -> CpemOutputs:
    chance = torch.Generator().manual_seed(seed)
    return CpemOutputs(
        torch.randn(1, IDENTITY_COUNT, generator=chance).expand(rows, -1),
        torch.rand(rows, EXPRESSION_COUNT, generator=chance) * 0.4,
        0.5 * torch.randn(1, 40, generator=chance).expand(rows, -1),
        wxyz_from_euler(0.1 * torch.randn(rows, 3, generator=chance)),
        0.02 * torch.randn(rows, 3, 9, generator=chance),
        torch.tensor([[0.0, 0.3, 1.1]]).repeat(rows, 1),
    )


def maps_of(seed: int) -> CorrectionMaps:
    chance = torch.Generator().manual_seed(seed)
    return CorrectionMaps(
        *(scale * torch.randn(1, 1 + EXPRESSION_COUNT, 3, MAP, MAP, generator=chance) for scale in (2e-3, 0.05))
    )


def test_torch_draws_the_rig_that_numpy_makes(face: ModelledFace) -> None:
    faces, maps, mean = faces_of(2, 0), maps_of(1), 0.1 * torch.rand(3, MAP, MAP)
    assert maps.shape is not None
    assert maps.albedo is not None
    corrected = face.corrected(ModelledFaces(faces, maps, mean))
    corrections = Corrections(
        *(part.numpy() for part in (maps.shape[0, 0], maps.shape[0, 1:])),
        *(part.numpy() for part in (maps.albedo[0, 0] + mean, maps.albedo[0, 1:])),
    )
    rig, chart = PersonalRig(corrections, faces.identity[0].numpy(), faces.texture[0].numpy()), load_chart()
    for row in range(2):
        said = faces.expression[row].numpy()
        np.testing.assert_allclose(
            face.vertices(faces, corrected)[row].numpy(), rig.vertices(said)[chart.vertices], atol=2e-6
        )
        expected = chart.sampled(rig.albedo(said)).T
        # The rig's mean is a map, here it stands at the vertices.
        assert np.abs(face.albedo(faces, corrected, mean)[row].numpy() - expected).mean() < 0.03


def test_without_corrections_it_is_cpem(face: ModelledFace) -> None:
    faces, nobody = faces_of(3, 2), Corrected(None, None)
    cpem = CpemFace(default_face_model())
    torch.testing.assert_close(face.points(faces, nobody, 3), cpem.points(faces), atol=1e-6, rtol=1e-5)
    drawn = face.pictures(faces, face.vertices(faces, nobody), face.albedo(faces, nobody, torch.zeros(3, MAP, MAP)), 48)
    expected = cpem.pictures(faces, 48)
    assert (drawn.mask == expected.mask).float().mean() > 0.999
    torch.testing.assert_close(drawn.image[drawn.mask & expected.mask], expected.image[drawn.mask & expected.mask])
    # The paper's template has no basis: the mean face then.
    plain = faces._replace(identity=faces.identity[:, :0], texture=faces.texture[:, :0])
    mean = vertices_from_params(load_head().model, np.zeros(IDENTITY_COUNT), faces.expression[1].numpy())
    np.testing.assert_allclose(face.vertices(plain, nobody)[1].numpy(), mean[load_chart().vertices], atol=1e-6)
    assert face.albedo(plain, nobody, torch.zeros(3, MAP, MAP)).shape == (3, len(load_chart().vertices), 3)


def test_points_follow_corrections(face: ModelledFace) -> None:
    """A face moved as a whole, by a constant map, moves its points as far: those on the jaw too."""
    faces = faces_of(2, 3)._replace(wxyz=torch.tensor([[1.0, 0, 0, 0]]).repeat(2, 1))
    shape = torch.zeros(1, 1 + EXPRESSION_COUNT, 3, MAP, MAP)
    shape[:, 0, 0] = 0.01
    corrected = face.corrected(ModelledFaces(faces, CorrectionMaps(shape, None), torch.zeros(3, MAP, MAP)))
    moved = face.points(faces, corrected, 2) - face.points(faces, Corrected(None, None), 2)
    pushed = face.points(
        faces._replace(translation=faces.translation + torch.tensor([0.1, 0, 0])), Corrected(None, None), 2
    )
    torch.testing.assert_close(moved, pushed - face.points(faces, Corrected(None, None), 2), atol=1e-5, rtol=1e-3)
    # Faces after the people have no corrections.
    again = face.points(CpemOutputs(*(torch.cat([part, part]) for part in faces)), corrected, 2)
    torch.testing.assert_close(again[2:], face.points(faces, Corrected(None, None), 2))


def test_a_face_that_is_as_expected_differs_nowhere_on_its_chart(face: ModelledFace) -> None:
    faces, nobody = faces_of(1, 4), Corrected(None, None)
    vertices, albedo = face.vertices(faces, nobody), face.albedo(faces, nobody, torch.zeros(3, MAP, MAP))
    picture = face.pictures(faces, vertices, albedo, 256).image.movedim(-1, 1)
    seen = face.on_chart(picture, faces)[0]
    frontal = seen[9] > 0.5
    assert frontal.float().mean() > 0.4
    assert seen[:3, frontal].abs().mean() < 0.03
    brighter = face.on_chart(picture + 0.2, faces)[0]
    # Nearly everywhere: a texel on the brink of a lid has corners that are not seen.
    assert float((brighter[:3, frontal] - seen[:3, frontal] - 0.2).abs().mean()) < 1e-3
    # What the expression moves, in centimetres: the mouth's corner, not the brow at rest.
    assert seen[6:9].abs().max() < 6


def test_parts_of_a_drawn_face_lie_where_they_are(face: ModelledFace) -> None:
    """Its own parse map costs little, another's more, and the gradient leads back."""
    assert np.allclose(soft_parts(load_head()).sum(1), 1, atol=1e-5)
    faces, nobody = faces_of(1, 5), Corrected(None, None)
    vertices, albedo = face.vertices(faces, nobody), face.albedo(faces, nobody, torch.zeros(3, MAP, MAP))
    shares = face.pictures(faces, vertices, albedo, 64).shares
    assert shares is not None
    classes = torch.where(shares.sum(-1) > 0, shares.argmax(-1), 0).byte()
    nothing = torch.zeros(1)
    targets = FaceTargets(
        *(torch.zeros(1, *shape) for shape in ((68, 2), (IDENTITY_COUNT,))), nothing,
        *(torch.zeros(1, EXPRESSION_COUNT) for _ in range(2)), torch.zeros(1, 4), nothing, nothing,
    )  # fmt: skip
    batch = SfnBatch(torch.zeros(1, 3, 64, 64, dtype=torch.uint8), targets, parse=classes)

    def cost(place: torch.Tensor) -> torch.Tensor:
        moved = faces._replace(translation=faces.translation + place)
        return Drawn(face.pictures(moved, vertices, albedo, 64), batch, 1).parsing()[0]

    here, aside = cost(torch.zeros(3)), torch.tensor([0.06, 0.0, 0.0], requires_grad=True)
    off = cost(aside)
    assert off > 1.2 * here
    off.backward()
    assert aside.grad is not None
    assert aside.grad[0] > 0


def test_batches_are_people_with_their_truth(recipe: Recipe, people: Path) -> None:
    task = made_task(recipe, people, default_face_model(), network=PersonalNet(SMALL))
    assert isinstance(task, PersonalTask)
    seen = 0
    for step in range(4):
        batch = task.batch(step)
        assert (batch.groups, batch.group_size, len(batch.crops.pixels)) == (2, 4, 10)
        assert len(batch.vertices) == 8
        identity = batch.crops.targets.identity[:8].unflatten(0, (2, 4))
        assert batch.crops.parse is not None
        for row in np.flatnonzero(~batch.vertices[:, 0, 0].isnan().numpy()).tolist():
            targets = batch.crops.targets
            expected = vertices_from_params(
                load_head().model, targets.identity[row].numpy(), targets.expression[row].numpy()
            )[load_chart().vertices]
            # As the labels say, mirrored or not, but for a lid that gives way to a squint.
            apart = np.linalg.norm(batch.vertices[row].numpy() - expected, axis=1)
            assert np.median(apart) < 2e-5
            seen += 1
        assert len(batch.chosen) == recipe.stages[0].loss.shapes_at_once
        assert identity.shape == (2, 4, IDENTITY_COUNT)
    assert seen > 8
    first = task.batch(0)
    assert torch.equal(first.crops.pixels, task.batch(0).crops.pixels)


def test_nobody_is_on_both_sides(recipe: Recipe, people: Path) -> None:
    task = made_task(recipe, people, default_face_model(), network=PersonalNet(SMALL))
    assert isinstance(task, PersonalTask)
    training, held = people_apart(task.pictures, 0.3)
    names = task.pictures.person
    assert len(set(names[held])) > 0
    assert not set(names[training]) & set(names[held])
    assert len(training) + len(held) == len(names)


def test_a_mirror_swaps_sides_of_a_parse_map() -> None:
    for first, second in (("left_brow", "right_brow"), ("left_eye", "right_eye"), ("nose", "nose")):
        assert PARSE_MIRROR[PARSE_CLASSES.index(first)] == PARSE_CLASSES.index(second)
    assert PARSE_MIRROR[255] == 255
    shares = shares_of(torch.tensor([[[0, 255], [1, 254]]], dtype=torch.uint8))
    assert shares.sum(1).tolist() == [[[1, 0], [1, 0]]]


def test_averaging_down_is_one_thing() -> None:
    maps = torch.rand(2, 3, 48, 48)
    torch.testing.assert_close(pooled(maps, 16), torch.nn.functional.adaptive_avg_pool2d(maps, 16))
    assert pooled(maps, 20).shape == (2, 3, 20, 20)


def test_shapes_are_measured_of_whom_is_known() -> None:
    truth = torch.zeros(2, 4, 3)
    truth[1] = float("nan")
    moved = torch.zeros(2, 4, 3)
    moved[:, :, 0] = 0.002
    assert shape_errors(moved, truth).tolist() == pytest.approx([0.02])


def test_it_learns_what_it_sees_again(recipe: Recipe, people: Path) -> None:
    torch.manual_seed(0)
    network = PersonalNet(SMALL)
    task = made_task(recipe, people, default_face_model(), network=network)
    batch, optimiser = task.batch(0), torch.optim.Adam(network.parameters(), 2e-3)
    losses = []
    for _ in range(10):
        loss = task.loss(task.read(network.train(), task.pixels(batch)), batch, AT_THE_END)
        optimiser.zero_grad()
        loss.total.backward()
        optimiser.step()
        losses.append(dict(loss.parts) | {"total": loss.total})
    assert losses[-1]["total"] < 0.9 * losses[0]["total"]
    assert losses[-1]["photometric"] < losses[0]["photometric"]
    assert losses[0]["blendshape_gradient"] == 0 < losses[-1]["blendshape_gradient"]
    assert network.mean_albedo.abs().max() > 0
    measured = task.validate(network.eval())
    assert all(np.isfinite(getattr(measured, name)) for name in ("loss", "shape_mm", "prior_mm", "photometric"))
    assert measured.shape_mm != measured.prior_mm
    sheet = task.contact_sheet(network)
    assert sheet.shape[2] == 3
    assert sheet.std() > 10


def test_table_1_is_a_row_of_recipes() -> None:
    """Each line has what the line before has, and one thing more."""
    names = ("personal-prior", "personal-blendshapes", "personal-albedo", "personal-parsing", "personal-desktop")
    asked = []
    for name in names:
        recipe = RECIPES[name]
        model, loss = recipe.network.model, recipe.stages[0].loss
        asked.append([model.shape, model.albedo, loss.parsing > 0, loss.blendshape_gradient > 0 and model.shape])
        assert recipe.stages[-1].frozen == (("tracker",) if model.shape else recipe.stages[0].frozen)
    assert asked == [[place < row for place in range(4)] for row in range(5)]
