"""TrackNet and ModelNet as the one network that is trained: frames of people to what draws each frame again.

What is exported answers as any network that reads faces (`forward`), which needs TrackNet alone.

Reference: Chaudhuri et al. 2020, section 3.3 and Fig. 1.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.conventions import IDENTITY_COUNT
from commedia.networks.heads import FaceOutputs
from commedia.networks.paper2.modelnet import CorrectionMaps, ModelNet, ModelNetConfig
from commedia.networks.paper2.region_tracker import RegionTracker
from commedia.networks.paper2.tracknet import TrackNet, TrackNetConfig
from commedia.networks.paper3.cpem import CPEM_SIZE, CpemOutputs, in_weak_perspective

Frames = Callable[[Tensor, CpemOutputs], Tensor]
"""Pictures and what was read of them to the frames that ModelNet sees."""


@dataclass(frozen=True)
class PersonalConfig:
    """The paper's two networks."""

    input_size: int = CPEM_SIZE
    track: TrackNetConfig = field(default_factory=TrackNetConfig)
    model: ModelNetConfig = field(default_factory=ModelNetConfig)


class ModelledFaces(NamedTuple):
    """All that draws faces."""

    faces: CpemOutputs
    """The first rows are people in several frames each, who have one identity and one texture then."""
    maps: CorrectionMaps
    """Of those people."""
    mean_albedo: Float[Tensor, "3 s s"]
    """R_0^t of Eq. 2, as what is added to the template's."""


class PersonalNet(nn.Module):
    """See the file."""

    def __init__(self, config: PersonalConfig | None = None):
        super().__init__()
        self.config = config = config or PersonalConfig()
        sfn = config.track.backbone == "sfn"
        self.tracker = RegionTracker() if sfn else TrackNet(config.track)
        self.model = ModelNet(config.model)
        self.mean_albedo = nn.Parameter(torch.zeros(3, config.model.map_size, config.model.map_size))

    def read(
        self, pixels: Float[Tensor, "b 3 s s"], groups: int, group_size: int, frames: Frames | None = None
    ) -> ModelledFaces:
        """Read faces, the first `groups` times `group_size` as people, and make a model for each of these."""
        said, grouped = self.tracker.read(pixels), groups * group_size
        faces = self._known(said)
        agreed = (agreed_on(part, groups, group_size) for part in (faces.identity, faces.texture))
        faces = faces._replace(**dict(zip(("identity", "texture"), agreed, strict=True)))
        if not groups or not (self.config.model.shape or self.config.model.albedo):
            return ModelledFaces(faces, CorrectionMaps(None, None), self.mean_albedo)
        seen = pixels[:grouped] if frames is None else frames(pixels[:grouped], first_rows(faces, grouped))
        who = agreed_on(said.identity, groups, group_size)[:grouped:group_size]
        return ModelledFaces(faces, self.model(seen, group_size, who), self.mean_albedo)

    def forward(self, pixels: Float[Tensor, "b 3 s s"]) -> FaceOutputs:
        said = in_weak_perspective(self._known(self.tracker.read(pixels)))
        if said.identity.shape[1]:
            return said
        return said._replace(identity=said.expression[:, :1].expand(-1, IDENTITY_COUNT) * 0)

    def _known(self, said: CpemOutputs) -> CpemOutputs:
        """Leave out what the template has no basis for."""
        track = self.config.track
        identity, texture = said.identity[:, : track.identity_count], said.texture[:, : track.texture_count]
        return said._replace(identity=identity, texture=texture)


def agreed_on(values: Float[Tensor, "b k"], groups: int, group_size: int) -> Float[Tensor, "b k"]:
    """Give all frames of a person their mean; rows after them stay."""
    grouped = values[: groups * group_size].unflatten(0, (groups, group_size))
    mean = grouped.mean(1, keepdim=True).expand_as(grouped).flatten(0, 1)
    return torch.cat([mean, values[groups * group_size :]])


def first_rows(faces: CpemOutputs, count: int) -> CpemOutputs:
    """Take the first faces."""
    return CpemOutputs(*(part[:count] for part in faces))
