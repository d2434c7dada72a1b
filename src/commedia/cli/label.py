"""`commedia label`: photographs in, training shards out."""

from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from commedia.cli.bars import stage_bars
from commedia.cli.options import require_counts
from commedia.labelling.label import GroupReport, LabelSettings, label_pictures
from commedia.labelling.predictions import Readers


def run(
    inputs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="INPUT")],
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
    landmarker: Path,
    detector: Path | None = None,
    shard_size: int = 4000,
    licence: str = "unknown",
    max_side: int | None = None,
    processes: int = 2,
    replace: bool = False,
) -> None:
    """Turn photographs of faces into training samples with parameters of the default head.

    Args:
        inputs: Tar files of key.jpg + key.json, folders of pictures, single pictures.
        output: Folder for the shards, the reports and the teacher's predictions.
        landmarker: MediaPipe's face landmarker with blendshapes, a .task file.
        detector: The RFB-640 face detector, an .onnx file: finds every face of larger scenes. Without it each picture
            is taken to be about one face.
        shard_size: Pictures per shard.
        licence: Terms of the pictures, kept with every sample.
        max_side: Reduce pictures whose longer side has more pixels.
        processes: Processes that run the teacher.
        replace: Let shards go that an earlier run made of inputs of the same name, such as faces-000.tar, where this
            one is given others, such as faces-001.tar.
    """
    require_counts(shard_size=shard_size, max_side=max_side, processes=processes)
    console = Console()
    settings = LabelSettings(shard_size=shard_size, licence=licence, max_side=max_side, replace=replace)
    with stage_bars(console) as advance:
        reports = label_pictures(inputs, output, Readers(landmarker, detector, processes), settings, advance)
    console.print(_table(reports))


def _table(reports: tuple[GroupReport, ...]) -> Table:
    table = Table("group", "pictures", "faces read", "pictures written", "fit error", "68-point NME to gold", "shards")
    for report in reports:
        nme = "-" if report.gold_nme is None else f"{report.gold_nme:.2%}"
        table.add_row(
            *(report.name, f"{report.pictures:,}", f"{report.faces:,}", f"{report.pictures_written:,}"),
            *(f"{report.fit_error:.2%}", nme, str(len(report.shards))),
        )
    return table
