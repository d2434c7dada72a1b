"""The table of networks: which name in a file, which configuration and which class belong together.

A new network is one line here; training, export and weights files find it by this table.
"""

from dataclasses import asdict
from typing import Any, get_type_hints

from torch import nn

from commedia.networks.ours.close_ups import CloseUps, CloseUpsConfig
from commedia.networks.ours.mfn_base import MfnBase, MfnBaseConfig
from commedia.networks.ours.sfn_base import SfnBase, SfnBaseConfig
from commedia.networks.ours.sfn_close import SfnClose, SfnCloseConfig
from commedia.networks.ours.sfn_points import SfnPoints, SfnPointsConfig
from commedia.networks.paper1.mfn import Mfn, MfnConfig
from commedia.networks.paper1.sfn import Sfn, SfnConfig

SfnNetwork = Sfn | SfnBase | SfnClose
"""Read one crop; all give `FaceOutputs`."""
MfnNetwork = Mfn | MfnBase
"""Find and read; all give a grid."""
SfnNetworkConfig = SfnConfig | SfnBaseConfig | SfnCloseConfig
MfnNetworkConfig = MfnConfig | MfnBaseConfig
Network = SfnNetwork | MfnNetwork | SfnPoints | CloseUps
NetworkConfig = SfnNetworkConfig | MfnNetworkConfig | SfnPointsConfig | CloseUpsConfig

NETWORKS: dict[str, tuple[type[Any], type[Any]]] = {
    "sfn": (SfnConfig, Sfn),
    "mfn": (MfnConfig, Mfn),
    "sfn-base": (SfnBaseConfig, SfnBase),
    "mfn-base": (MfnBaseConfig, MfnBase),
    "sfn-points": (SfnPointsConfig, SfnPoints),
    "close-ups": (CloseUpsConfig, CloseUps),
    "sfn-close": (SfnCloseConfig, SfnClose),
}
"""Name in weights files and ONNX metadata; the live path asks only how it begins."""


def network_for(config: NetworkConfig) -> Any:
    """Build the untrained network of a configuration."""
    return next(network(config) for kind, network in NETWORKS.values() if type(config) is kind)


def kind_of(network: nn.Module) -> str:
    """Name a network as its files do."""
    return next(name for name, (_, kind) in NETWORKS.items() if type(network) is kind)


def config_from_json(kind: str, fields: dict[str, Any]) -> NetworkConfig:
    """Rebuild a configuration whose tuples JSON made lists; raises KeyError or TypeError when it is none of ours."""
    config, _ = NETWORKS[kind]
    return _built(config, fields)


def config_to_json(network: Network) -> dict[str, Any]:
    """Say a configuration in plain values."""
    return asdict(network.config)


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
