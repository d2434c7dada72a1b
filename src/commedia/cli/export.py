"""`commedia export WEIGHTS`: a training run's weights to ONNX with a card."""

from pathlib import Path
from typing import Annotated

import tyro

from commedia.evaluation.report import source_commit
from commedia.networks.export import Card
from commedia.networks.export import export as export_weights
from commedia.networks.weights import WEIGHTS_FOLDER


def export(
    weights: Annotated[Path, tyro.conf.Positional],
    *,
    name: str,
    data: str,
    licence: str = "Apache-2.0",
    out: Path = WEIGHTS_FOLDER,
    batch: int | None = None,
) -> None:
    """Write NAME.onnx, NAME.safetensors and NAME.card.json, and compare ONNX with torch.

    Args:
        weights: weights.safetensors of a training run.
        name: Name of the result, such as sfn-full.
        data: One sentence on what the network was trained on, for the card.
        licence: Terms of the weights.
        out: Folder for the three files; by default the weights of this installation.
        batch: Fixed batch size of the graph; by default free for SFN and 1 for MFN.
    """
    card = Card(name=name, data=data, licence=licence, commit=source_commit(), training={}, metrics={})
    for row in export_weights(weights, out, card, batch=batch):
        print(f"{row.output:12} batch {row.batch}: largest difference {row.difference:.2g}")
    print(f"wrote {out / name}.onnx")


run = export

if __name__ == "__main__":
    tyro.cli(export)
