"""What paper 3 asks of SFN besides the truth: one person, one identity; no two blendshapes that exclude each other."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT, LANDMARK_COUNT
from commedia.losses.faces import FaceTargets
from commedia.losses.regions import RegionLossConfig, region_loss
from commedia.networks.heads import FaceOutputs
from commedia.networks.ours.sfn import RegionFaces
from commedia.training.face_model import FaceModel

ROWS = 8
ASKED = RegionLossConfig(identity_consistent=1.0, expression_exclusive=1.0)


def terms(
    model: FaceModel, identity: Tensor, logits: Tensor, present: Tensor, config: RegionLossConfig = ASKED, size: int = 2
) -> dict[str, Tensor]:
    upright = torch.tensor([1.0, 0, 0, 0]).repeat(ROWS, 1)
    nothing, points = torch.zeros(ROWS), torch.zeros(ROWS, LANDMARK_COUNT, 2)
    faces = FaceOutputs(identity, logits.sigmoid(), upright, torch.zeros(ROWS, 3), torch.full((ROWS, 1), 0.2))
    read = RegionFaces(faces, points, logits, logits, torch.zeros(ROWS, 1))
    expression = torch.zeros(ROWS, EXPRESSION_COUNT)
    targets = FaceTargets(points, identity, nothing, expression, expression, upright, nothing, nothing)
    return dict(region_loss(read, targets, present, model.landmarks, config, size).parts)


@pytest.fixture
def identity() -> Tensor:
    return torch.randn(ROWS, IDENTITY_COUNT, generator=torch.Generator().manual_seed(0))


def test_pictures_of_one_person_want_one_identity(model: FaceModel, identity: Tensor) -> None:
    rest, here = torch.full((ROWS, EXPRESSION_COUNT), -20.0), torch.ones(ROWS)
    alike = identity.clone()
    alike[1], alike[3] = alike[0], alike[2]
    assert terms(model, alike, rest, here)["identity_consistent"] == 0
    apart = terms(model, identity, rest, here)["identity_consistent"]
    assert apart > 0.3
    # The second half of the rows are strangers to each other, and a crop without a face is nobody's.
    strangers = identity.clone()
    strangers[ROWS // 2 :] += 5
    assert terms(model, strangers, rest, here)["identity_consistent"] == apart
    gone = here.clone()
    gone[1] = gone[2] = 0
    assert terms(model, identity, rest, gone)["identity_consistent"] == 0


def test_only_blendshapes_that_exclude_each_other_are_parted(model: FaceModel, identity: Tensor) -> None:
    def said(*names: str) -> Tensor:
        logits = torch.full((ROWS, EXPRESSION_COUNT), -20.0)
        for name, weight in zip(names, (20.0, 2.0, 2.0), strict=False):
            logits[:, EXPRESSION_INDEX[name]] = weight
        return terms(model, identity, logits, torch.ones(ROWS))["expression_exclusive"]

    assert said("mouthLeft", "mouthRight") == pytest.approx(torch.sigmoid(torch.tensor(2.0)).square().item(), rel=1e-5)
    assert said("mouthLeft") < 1e-6
    assert said("mouthLeft", "jawOpen", "eyeBlinkLeft") < 1e-6


def test_neither_is_asked_unless_the_recipe_does(model: FaceModel, identity: Tensor) -> None:
    silent = replace(ASKED, identity_consistent=0.0, expression_exclusive=0.0)
    logits, here = torch.zeros(ROWS, EXPRESSION_COUNT), torch.ones(ROWS)
    assert not terms(model, identity, logits, here, silent).keys() & {"identity_consistent", "expression_exclusive"}
    assert "identity_consistent" not in terms(model, identity, logits, here, ASKED, size=1)


def test_gradients_against_differences(model: FaceModel) -> None:
    chance, landmarks = torch.Generator().manual_seed(1), deepcopy(model.landmarks).double()

    def noise(*shape: int) -> Tensor:
        return torch.randn(4, *shape, generator=chance).double()

    weight = noise().sigmoid()
    targets = FaceTargets(
        *(noise(LANDMARK_COUNT, 2), noise(IDENTITY_COUNT), weight),
        *(noise(EXPRESSION_COUNT).sigmoid(), noise(EXPRESSION_COUNT).sigmoid()),
        *(normalize(noise(4)), weight, weight),
    )

    def total(identity: Tensor, logits: Tensor, wxyz: Tensor, place: Tensor, size: Tensor, *rest: Tensor) -> Tensor:
        points, regions, presence = rest
        faces = FaceOutputs(identity, logits.sigmoid(), wxyz, place, 0.2 + size.square())
        read = RegionFaces(faces, points, logits, regions, presence)
        return region_loss(read, targets, torch.ones(4).double(), landmarks, ASKED, 2).total

    shapes = (IDENTITY_COUNT, EXPRESSION_COUNT, 4, 3, 1), (EXPRESSION_COUNT, 1)
    said = [*map(noise, shapes[0]), noise(LANDMARK_COUNT, 2), *map(noise, shapes[1])]
    said[2] = normalize(said[2])
    assert torch.autograd.gradcheck(total, [part.requires_grad_() for part in said])
