"""CPEM on our own network: SFN with patch readers, which says texture and light as well.

It begins from SFN's weights, and learns from pictures without labels what paper 3's network learns: by drawing the face
again (Mo et al. 2022). A plain trunk on the whole face, as the paper's, wants far more pictures to see a lid move.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from commedia.networks.ours.region_patches import region_patches
from commedia.networks.ours.sfn import POOL, SfnRegions, SfnRegionsConfig
from commedia.networks.paper3.cpem import CpemOutputs, linear_head, through_pinhole


@dataclass(frozen=True)
class CpemRegionsConfig(SfnRegionsConfig):
    """SFN's, and how many numbers say the skin's colours."""

    texture_count: int = 40


class CpemRegions(SfnRegions):
    """SFN whose face features say texture and light too."""

    def __init__(self, config: CpemRegionsConfig | None = None):
        config = config or CpemRegionsConfig()
        super().__init__(config)
        self.texture = linear_head(config.face_features, config.texture_count)
        self.light = linear_head(config.face_features, 27)

    def read(self, pixels: Float[Tensor, "b 3 h w"]) -> CpemOutputs:  # type: ignore[override]
        """Say all that draws the faces of crops in [0, 1]; CPEM's task hands it crops, not SFN's views."""
        face, points = self._face(nn.functional.avg_pool2d(pixels, POOL))
        faces = self._read(
            face, points, region_patches(pixels, points, self.config.eye_size, self.config.mouth_size)
        ).faces
        return through_pinhole(faces, self.texture(face), self.light(face).unflatten(1, (3, 9)))
