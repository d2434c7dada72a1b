"""Cut a trained sfn-close down to the size of another recipe: of every hidden layer the strongest units stay.

python scripts/narrow_sfn.py sfn-base-full.safetensors --recipe sfn-small -o narrow.safetensors

Strong is whose norm is loud and who is listened to: |gain| x length of the weights that read it (Liu et al. 2017,
Network Slimming, without its training). What is left answers badly until it is trained on (`commedia train
--init-from`), but soon does well: convolutions, heat maps and the best features are there.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from commedia.errors import CommediaError, WeightsMismatch
from commedia.networks.ours.sfn_close import SfnClose, SfnCloseConfig
from commedia.networks.weights import facts_of_weights, network_from_weights, save_weights, start_from
from commedia.training.recipes import recipe_named


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, help="weights of a larger sfn-close")
    parser.add_argument("--recipe", default="sfn-small", help="whose network is wanted")
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    try:
        wide, config = network_from_weights(given.weights), recipe_named(given.recipe).network
        if not isinstance(wide, SfnClose):
            raise WeightsMismatch(f"'{given.weights}' holds a {type(wide).__name__}; expected weights of sfn-close")
        if not isinstance(config, SfnCloseConfig) or not _fits(narrow := SfnClose(config), wide):
            raise WeightsMismatch(
                f"the network of '{given.recipe}' is not a smaller one of the kind in '{given.weights}'"
            )
        start_from(given.weights, narrow)
        with torch.no_grad():
            narrowed(wide, narrow)
        save_weights(given.output, narrow, facts_of_weights(given.weights))
    except CommediaError as error:
        print(f"narrow_sfn: {error}", file=sys.stderr)
        return 2
    return 0


def _fits(narrow: SfnClose, wide: SfnClose) -> bool:
    """Whether every tensor of the one is there in the other, and at least as large."""
    there = wide.state_dict()
    return all(
        name in there and all(size <= most for size, most in zip(tensor.shape, there[name].shape, strict=True))
        for name, tensor in narrow.state_dict().items()
    )


def narrowed(wide: SfnClose, narrow: SfnClose) -> None:
    """Fill every layer of `narrow` whose shape differs; the others are the wide one's already."""
    seen = _head(wide.base.base.expression, narrow.base.base.expression)
    _head(wide.base.base.identity, narrow.base.base.identity)
    _head(wide.base.base.pose, narrow.base.base.pose)
    places = torch.arange(2 * wide.config.base.points)
    _meaning(wide.base.meaning, narrow.base.meaning, torch.cat([places, len(places) + seen]))
    eye, mouth = (
        _reader(getattr(wide.close_ups, region), getattr(narrow.close_ups, region)) for region in ("eye", "mouth")
    )
    _together(wide, narrow, eye, mouth)


def _head(wide: Any, narrow: Any) -> Tensor:
    """A `PlacedHead`; says which hidden units stay."""
    hidden, norm, last = wide.hidden, wide.norm, wide.last
    return _placed((wide.reduce, hidden, norm, last), (narrow.reduce, narrow.hidden, narrow.norm, narrow.last))


def _reader(wide: nn.Sequential, narrow: nn.Sequential) -> Tensor:
    """The same at the end of a close-up: cells, flattened, hidden layer, norm, ReLU, answer."""
    return _placed(*((layers[-6], layers[-4], layers[-3], layers[-1]) for layers in (wide, narrow)))


def _placed(wide: Any, narrow: Any) -> Tensor:
    """Channels of cells, the layer over all cells, and the answer; says which hidden units stay."""
    (cells, hidden, norm, last), (small_cells, small_hidden, small_norm, small_last) = wide, narrow
    places = hidden.in_features // cells.conv.out_channels
    heard = hidden.weight.view(hidden.out_features, -1, places)
    channels = _strongest(cells.norm, heard.pow(2).sum((0, 2)).sqrt(), small_cells.conv.out_channels)
    units = _strongest(norm, last.weight.norm(dim=0), small_hidden.out_features)
    small_cells.conv.weight.copy_(cells.conv.weight[channels])
    _copy_norm(cells.norm, small_cells.norm, channels)
    columns = (channels[:, None] * places + torch.arange(places)).flatten()
    _copy_linear(hidden, small_hidden, units, columns)
    _copy_norm(norm, small_norm, units)
    _copy_linear(last, small_last, torch.arange(last.out_features), units)
    return units


def _meaning(wide: Any, narrow: Any, columns: Tensor) -> None:
    for at, following in ((0, wide[3]), (3, wide[-1])):
        units = _strongest(wide[at + 1], following.weight.norm(dim=0), narrow[at].out_features)
        _copy_linear(wide[at], narrow[at], units, columns)
        _copy_norm(wide[at + 1], narrow[at + 1], units)
        columns = units
    _copy_linear(wide[-1], narrow[-1], torch.arange(wide[-1].out_features), columns)


def _together(wide: SfnClose, narrow: SfnClose, eye: Tensor, mouth: Tensor) -> None:
    """Its inputs are both parts' logits, the features of left eye, right eye and mouth, and everything else."""
    logits, features = 2 * wide.config.base.base.expression_count, wide.config.close_ups.hidden
    left, right, lips = (logits + k * features + units for k, units in enumerate((eye, eye, mouth)))
    others = torch.arange(logits + 3 * features, wide.together[0].num_features)
    columns = torch.cat([torch.arange(logits), left, right, lips, others])
    _copy_norm(wide.together[0], narrow.together[0], columns)
    units = _strongest(wide.together[2], wide.together[-1].weight.norm(dim=0), narrow.together[1].out_features)
    _copy_linear(wide.together[1], narrow.together[1], units, columns)
    _copy_norm(wide.together[2], narrow.together[2], units)
    _copy_linear(wide.together[-1], narrow.together[-1], torch.arange(wide.together[-1].out_features), units)


def _strongest(norm: Any, heard: Tensor, count: int) -> Tensor:
    return (norm.weight.abs() * heard).topk(count).indices.sort().values


def _copy_linear(wide: Any, narrow: Any, rows: Tensor, columns: Tensor) -> None:
    narrow.weight.copy_(wide.weight[rows][:, columns])
    narrow.bias.copy_(wide.bias[rows])


def _copy_norm(wide: Any, narrow: Any, units: Tensor) -> None:
    for name in ("weight", "bias", "running_mean", "running_var"):
        getattr(narrow, name).copy_(getattr(wide, name)[units])


if __name__ == "__main__":
    sys.exit(main())
