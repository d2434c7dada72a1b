"""The table of networks: name in a file -> configuration, class, input and outputs.

A new network is one file and one line in `NETWORKS`; training, export, the size report and weights files ask only the
table. Networks hold their configuration as `config`.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_type_hints

import torch
from torch import Tensor, nn

from commedia.networks.heads import FaceOutputs, JudgedFaces
from commedia.networks.ours.cpem_regions import CpemRegions, CpemRegionsConfig
from commedia.networks.ours.embedding import CHIP_SIZE, Embedding, EmbeddingConfig
from commedia.networks.ours.identity import FoundIdentity, IdentityConfig, IdentityNet
from commedia.networks.ours.mfn_base import MfnBase, MfnBaseConfig
from commedia.networks.ours.parser import PARSER_SIZE, FaceParser, ParserConfig
from commedia.networks.ours.points import FoundPoints, PointsConfig, PointsNet
from commedia.networks.ours.sfn import INPUT_SIZE, SfnRegions, SfnRegionsConfig
from commedia.networks.paper1.mfn import MFN_SIZE, Mfn, MfnConfig
from commedia.networks.paper1.sfn import SFN_SIZE, Sfn, SfnConfig
from commedia.networks.paper2.personal import PersonalConfig, PersonalNet
from commedia.networks.paper3.cpem import CPEM_SIZE, Cpem, CpemConfig

HALF_TOLERANCE = 3e-2
"""How far a network's answers may differ once its weights are rounded; seen in 16 bit: 0.002 of a weight, 0.02 of a
grid logit."""

Network = nn.Module
"""One of the table's; has `config`."""


def made_up_pictures(count: int, size: int) -> Tensor:
    """Say (count, 3, size, size) pixels of blots with a little noise.

    Patches are cut at places that the network finds; in white noise alone, as in no photograph, a ten-thousandth of a
    pixel aside is another picture.
    """
    chance = torch.Generator().manual_seed(count)
    blots = torch.rand(count, 3, -(-size // 8), -(-size // 8), generator=chance)
    noise = torch.rand(count, 3, size, size, generator=chance)
    return 0.9 * nn.functional.interpolate(blots, (size, size), mode="bilinear", align_corners=True) + 0.1 * noise


@dataclass(frozen=True)
class NetworkSpec:
    """What everybody but the network itself needs to know of it."""

    config: type[Any]
    """A frozen dataclass of plain values, tuples and dataclasses, whose defaults are the network itself."""
    build: Callable[[Any], nn.Module]
    """Makes the untrained network of a configuration."""
    input_size: int
    """Pixels of the square input's side, where a configuration does not say its own `input_size`."""
    outputs: tuple[str, ...]
    """Names of the graph's outputs, in the order that `forward` returns them."""
    example: Callable[[int, int], Tensor] = made_up_pictures
    """(batch, input size) -> something `forward` takes."""
    batch: int | None = None
    """Batch of the exported graph; None leaves it free."""
    weight_bits: Literal[8, 16] = 16
    """In which the exported graph stores its weights."""
    narrow_tolerance: float = HALF_TOLERANCE
    """How far its answers may then differ, as `export.Parity` counts."""

    @property
    def reads_faces(self) -> bool:
        """Say whether `forward` gives one face's parameters for each crop."""
        return self.outputs[: len(FaceOutputs._fields)] == FaceOutputs._fields


# A fixed shape is faster, and MFN sees one picture at a time.
NETWORKS: dict[str, NetworkSpec] = {
    "sfn": NetworkSpec(SfnConfig, Sfn, SFN_SIZE, FaceOutputs._fields),
    "mfn": NetworkSpec(MfnConfig, Mfn, MFN_SIZE, ("grid",), batch=1),
    # Of 1,000 drawn faces 8 bit change no table in its third digit; who somebody is, which it says with an error of .8,
    # moves by .008 standard deviations, in made-up pictures by .07 (by a script that is not kept).
    "sfn-regions": NetworkSpec(
        SfnRegionsConfig, SfnRegions, INPUT_SIZE, JudgedFaces._fields, weight_bits=8, narrow_tolerance=0.15
    ),
    "sfn-cpem-regions": NetworkSpec(CpemRegionsConfig, CpemRegions, INPUT_SIZE, JudgedFaces._fields),
    "sfn-personal": NetworkSpec(PersonalConfig, PersonalNet, CPEM_SIZE, FaceOutputs._fields),
    "sfn-cpem": NetworkSpec(CpemConfig, Cpem, CPEM_SIZE, FaceOutputs._fields),
    "mfn-base": NetworkSpec(MfnBaseConfig, MfnBase, MFN_SIZE, ("grid",), batch=1),
    "embedding": NetworkSpec(EmbeddingConfig, Embedding, CHIP_SIZE, ("embedding",), weight_bits=8),
    # Of 60 drawn crops 8 bit move points by .04 px of 192, logarithms of how sure they are by .004, at most .07 (by a
    # script that is not kept).
    "points": NetworkSpec(
        PointsConfig, PointsNet, INPUT_SIZE, FoundPoints._fields, weight_bits=8, narrow_tolerance=0.05
    ),
    # Seen on drawn crops: 8 bit move who somebody is by .08 mm at rest; it is off by two.
    "identity": NetworkSpec(
        IdentityConfig, IdentityNet, INPUT_SIZE, FoundIdentity._fields, weight_bits=8, narrow_tolerance=0.15
    ),
    "parser": NetworkSpec(ParserConfig, FaceParser, PARSER_SIZE, ("classes",)),
}
"""By the name in weights files and ONNX metadata; the live path asks only how it begins."""


def kind_of(network: nn.Module) -> str:
    """Name a network as its files do."""
    return kind_of_config(network.config)


def spec_of(network: nn.Module) -> NetworkSpec:
    """Find a network's line of the table."""
    return spec_of_config(network.config)


def spec_of_config(config: Any) -> NetworkSpec:
    """Find the line of a configuration's network, with the configuration's own input."""
    spec = NETWORKS[kind_of_config(config)]
    return replace(spec, input_size=getattr(config, "input_size", spec.input_size))


def kind_of_config(config: Any) -> str:
    """Name the network of a configuration."""
    return next(name for name, spec in NETWORKS.items() if type(config) is spec.config)


def network_for(config: Any) -> Any:
    """Build the untrained network of a configuration."""
    return NETWORKS[kind_of_config(config)].build(config)


def config_from_json(kind: str, fields: dict[str, Any]) -> Any:
    """Rebuild a configuration whose tuples JSON made lists; raises KeyError or TypeError when it is none of ours."""
    return _built(NETWORKS[kind].config, fields)


def config_to_json(network: nn.Module) -> dict[str, Any]:
    """Say a configuration in plain values."""
    return asdict(network.config)  # type: ignore[arg-type]


def _built(config: type[Any], fields: dict[str, Any]) -> Any:
    """Fill a dataclass; members that are dataclasses are filled the same way."""
    kinds = get_type_hints(config)
    return config(
        **{
            name: _built(kinds[name], value) if isinstance(value, dict) else _tupled(value)
            for name, value in fields.items()
        }
    )


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value
