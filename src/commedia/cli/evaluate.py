"""`commedia evaluate TABLE`: measure the networks, print the table, write it down."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console

from commedia.cli.bars import stage_bars
from commedia.cli.options import require_counts
from commedia.errors import CommediaError
from commedia.evaluation.benchmarks import benchmark
from commedia.evaluation.report import Table, origin_of, show, write_report
from commedia.evaluation.settings import EvaluationSettings
from commedia.faces.weights import DEFAULT_PARSER

TableName = Literal[
    "sfn-nme", "mfn-groups", "mfn-crowds", "clips", "synthetic", "avatars", "ids",
    "embedding", "identity", "live", "looks", "neutral", "parser", "points", "rolls", "takes", "winks",
    "paper-table-2", "paper-table-3", "paper-table-4", "paper-table-5", "paper-runtime",
    "paper2-personal", "paper2-personal-ablation", "paper2-table-1", "paper2-table-2", "paper2-table-3",
    "paper3-table-1", "paper3-table-2", "paper3-table-3", "paper3-constraints", "paper3-still",
]  # fmt: skip
READ_MIRRORED = "Every face is read as it is and mirrored (flip averaging), as photographs and takes are."
READ_ONCE = "Every face was read once, as streams do (`--once`)."
OF_PICTURES = "synthetic", "avatars", "neutral", "sfn-nme", "mfn-groups", "mfn-crowds", "rolls"
"""Tables that read pictures one by one, and may read them as streams do."""
AS_STREAM = "Tracked as a stream, each frame by those before it (`--causal`)."


def evaluate(table: TableName, settings: EvaluationSettings, *, seed: int = 0) -> list[Table]:
    """Make one table, print it, and write it to the output folder as Markdown, CSV and JSON."""
    if settings.once and table not in OF_PICTURES:
        raise CommediaError(f"--once is for tables of single pictures ({', '.join(OF_PICTURES)}), not for '{table}'")
    if settings.causal and table != "clips":
        raise CommediaError(f"--causal is for the table 'clips', which reads them twice otherwise; '{table}' does not")
    console = Console()
    measure = benchmark(table)
    settings.output.mkdir(parents=True, exist_ok=True)
    with stage_bars(console, transient=True) as advance:
        tables = measure(settings, advance)
    if settings.causal:
        tables = [replace(made, name=f"{made.name}-causal", notes=(*made.notes, AS_STREAM)) for made in tables]
    if settings.once:
        tables = [replace(made, name=f"{made.name}-once", notes=(*made.notes, READ_ONCE)) for made in tables]
    elif table in OF_PICTURES:
        tables = [replace(made, notes=(*made.notes, READ_MIRRORED)) for made in tables]
    for made in tables:
        show(made, console)
    files = write_report(settings.output, tables, origin_of(settings.weights(table), seed))
    console.print(f"written: {', '.join(str(path) for path in files)}", style="dim")
    return tables


def run(
    table: tyro.conf.Positional[TableName],
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("evaluation-out"),
    data: Path | None = None,
    shards: tuple[Path, ...] = (),
    sfn: str = "sfn-desktop",
    mfn: str = "mfn-desktop",
    landmarker: Path | None = None,
    detector: Path | None = None,
    smallest_face: float = 0.05,
    limit: int | None = None,
    files: tuple[Path, ...] = (),
    teacher_cache: Path | None = None,
    root: Path | None = None,
    variants: tuple[str, ...] = (),
    characters: tuple[Path, ...] = (),
    causal: tyro.conf.FlagCreatePairsOff[bool] = False,
    once: tyro.conf.FlagCreatePairsOff[bool] = False,
    parser: str = DEFAULT_PARSER,
    seed: int = 0,
) -> int:
    """Measure the networks and write a table; the exit code is 1 when a goal is missed or nothing could be measured.

    Args:
        table: Which table.
        output: Folder for the table as Markdown, CSV and JSON, and for pictures of errors.
        data: Folder with faces/, groups/, clips/ and models/, for the tables that are not of the papers.
        shards: Held-back synthetic shards, for the tables `synthetic` (single faces), `mfn-crowds`,
            `paper3-constraints` (several frames of each person), `paper2-table-1` (the same with their truth) and
            `parser` (with parse maps).
        sfn: Name of shipped weights, or an .onnx file.
        mfn: Name of shipped weights, or an .onnx file.
        landmarker: MediaPipe's face landmarker with blendshapes; by default the one in data/models.
        detector: The RFB-640 face detector; by default the one in data/models.
        smallest_face: Least longer side of a face over the longer side of its picture, in `mfn-groups` and
            `mfn-crowds`.
        limit: Look at this many pictures or clips only.
        files: Clips of one person each, for `clips`, `looks`, `paper2-personal` and `paper2-personal-ablation` (by
            default every .mp4 of data/clips); pictures of one upright face each, for `rolls`.
        teacher_cache: Folder that keeps MediaPipe's predictions from run to run; by default `teacher` in the output
            folder.
        root: Folder with published data sets in folders of their names, or one of them, for the tables `paper-...`; for
            `paper-table-5` the folder of expressions.csv, or that file.
        variants: NAME=FILE.onnx of networks that rows of the paper's tables ask for; a row without says its name. For
            `paper2-table-1`, `paper2-table-3`, `paper3-constraints` and `paper3-still` any networks that read faces,
            under names of your own (`prior`, `blendshapes`, `albedo`, `parsing` and `final` are rows of the first,
            where NETWORK.fit-final fits a network's reading, and so on).
        characters: Characters with ARKit's blendshapes, for the table `avatars`: what 'commedia rig make' wrote, or
            others, whose faces are looked for first.
        causal: Track the clips of `clips` as a stream, each frame by those before it, instead of reading them twice;
            the tables are named so.
        once: Read every face once, as streams do, and not mirrored too, as photographs and takes are; the tables are
            named so. For tables of single pictures: `synthetic`, `avatars`, `neutral`, `sfn-nme`, `mfn-groups`,
            `mfn-crowds`, `rolls`.
        parser: Name of shipped weights, or an .onnx file, of the face parser, for the table `parser`.
        seed: Written into the report; nothing here is random.
    """
    require_counts(limit=limit)
    settings = EvaluationSettings(
        *(output, data, sfn, mfn, landmarker, detector, shards, smallest_face),
        limit=limit,
        files=files,
        teacher_cache=teacher_cache,
        root=root,
        variants=variants,
        characters=characters,
        causal=causal,
        once=once,
        parser=parser,
    )
    return 0 if all(goal.is_met for made in evaluate(table, settings, seed=seed) for goal in made.goals) else 1
