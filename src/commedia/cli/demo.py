"""`commedia demo`: the main job on two public-domain portraits in motion and on a drawn troupe with known truth."""

from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table

from commedia.characters.bundled import EVERYONE
from commedia.cli.retarget import retarget_with_bar, show
from commedia.demo.accuracy import PerformerErrors, troupe_errors
from commedia.demo.aside import drawn_aside
from commedia.demo.clip import write_clip
from commedia.demo.performance import FRAME_RATE
from commedia.demo.portraits import portrait_frames
from commedia.demo.troupe import troupe_frames
from commedia.retarget.cast import Cast
from commedia.tracking.models import open_models


def run(output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")] = Path("demo-out")) -> None:
    """Make the two bundled clips, retarget everyone in them, and say where the results are.

    Args:
        output: Folder for the clips and the results; results of an earlier demo in it are replaced.
    """
    console = Console()
    output.mkdir(parents=True, exist_ok=True)
    portraits, troupe = output / "portraits.mp4", output / "troupe.mp4"
    with drawn_aside(troupe) as drawing:
        with console.status(f"drawing {portraits.name}"):
            write_clip(portraits, portrait_frames(), FRAME_RATE)
        models = open_models()
        options: dict[str, Any] = {"models": models, "cast": Cast(EVERYONE), "overwrite": True}
        show(retarget_with_bar(portraits, output / portraits.stem, **options))
        with console.status(f"drawing {troupe.name}"):
            if drawing.wait() != 0:
                write_clip(troupe, troupe_frames(), FRAME_RATE)
        show(retarget_with_bar(troupe, output / troupe.stem, **options))
    console.print(_error_table(troupe_errors(output / "troupe" / "take.jsonl")))
    for name in ("portraits", "troupe"):
        line = f"look at {output / name / 'preview.mp4'}, and at report.html beside it"
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _error_table(errors: list[PerformerErrors]) -> Table:
    columns = ("performer", "person", "found", "68 points", "turn", "active blendshapes")
    table = Table(*columns, title="the troupe: mean error against its truth")
    for performer in errors:
        table.add_row(
            *(performer.name, ", ".join(map(str, performer.ids)) or "-", f"{performer.found:.0%}"),
            *(f"{performer.landmarks:.1%}", f"{performer.turn_deg:.1f}°", f"{performer.active_expression:.2f}"),
        )
    return table
