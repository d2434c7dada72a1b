"""`commedia export WEIGHTS`: a training run's weights to ONNX with a card; `--report`: how large each network is."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

import tyro
from rich.console import Console

from commedia.cli.options import require_counts
from commedia.errors import CommediaError
from commedia.evaluation.report import Table, show
from commedia.networks.averages import average_weights
from commedia.networks.export import Card
from commedia.networks.export import export as export_weights
from commedia.networks.report import network_sizes
from commedia.networks.weights import WEIGHTS_FOLDER, WHOLE, named_weights


def export(
    weights: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="WEIGHTS")] = (),
    *,
    name: str | None = None,
    shares: tuple[float, ...] = (),
    data: str = "see the shards of its stages",
    licence: str = "Apache-2.0",
    note: str = "",
    out: Path = WEIGHTS_FOLDER,
    batch: int | None = None,
    bits: Literal[8, 16] | None = None,
    report: tyro.conf.FlagCreatePairsOff[bool] = False,
) -> None:
    """Write NAME.onnx, NAME.safetensors and NAME.card.json, and compare ONNX with torch.

    Args:
        weights: weights.safetensors of a training run, or a name such as sfn-mobile in a checkout of the repository;
            of several files of one network the mean is exported.
        name: Name of the result, such as sfn-desktop.
        shares: What each of several weights counts, such as .6 .4: they add up to 1.
        data: One sentence on what the network was trained on, for the card.
        licence: Terms of the weights.
        note: A sentence for the card on what its fields do not say.
        out: Folder for the three files; by default the weights of this installation.
        batch: Fixed batch size of the graph; by default free for SFN and 1 for MFN.
        bits: Bits in which weights are stored, 8 or 16; in 8 there is no NAME.safetensors. By default as the shipped
            networks of its kind.
        report: Write nothing; print how large every network is, beside the sizes paper 1 publishes.
    """
    if report:
        show(size_table(), Console())
        return
    missing = ", ".join(option for option, value in {"WEIGHTS": weights, "--name": name}.items() if not value)
    if missing or name is None:
        raise CommediaError(f"export needs WEIGHTS and --name, or --report alone; missing: {missing}")
    require_counts(batch=batch)
    files = [named_weights(file, WHOLE) for file in weights]
    card = Card(name=name, data=data, licence=licence, note=note)
    with TemporaryDirectory() as folder:
        source = files[0]
        if len(files) > 1 or shares:
            source = Path(folder) / "mean.safetensors"
            average_weights(files, shares, source)
        for row in export_weights(source, out, card, batch=batch, bits=bits):
            print(f"{row.output:12} batch {row.batch}: largest difference {row.difference:.2g}")
    print(f"wrote {out / name}.onnx")


def size_table() -> Table:
    """Lay out `network_sizes`."""
    columns = (
        "network",
        "blendshapes",
        "parameters",
        "MB at 32 bit",
        "MB at 16 bit",
        "MiB with Adam",
        "paper 1, MB",
        "MMAC",
    )
    rows = tuple(
        (
            *(row.name, row.expression_count, f"{row.parameters:,}", row.float32_mb, row.float16_mb),
            *(row.adam_mib, row.published_mb, row.multiplications / 1e6),
        )
        for row in network_sizes()
    )
    notes = (
        "MMAC: million multiplications of convolutions and linear layers per picture (128 px for SFN, 288 px for MFN).",
        "MiB with Adam: 12 bytes per parameter, as Keras saves a model; so the published sizes fit best.",
    )
    return Table("network-sizes", "Networks and what paper 1 says of its own", columns, rows, notes)


run = export

if __name__ == "__main__":
    tyro.cli(export)
