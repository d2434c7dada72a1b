"""`commedia demo`: the main job on two public-domain portraits in motion and on a drawn troupe with known truth."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from commedia.characters.bundled import EVERYONE
from commedia.cli.retarget import retarget_with_bar, show
from commedia.demo.accuracy import PerformerErrors, troupe_errors
from commedia.demo.clip import write_clip
from commedia.demo.performance import FRAME_RATE
from commedia.demo.portraits import portrait_frames
from commedia.demo.troupe import troupe_frames
from commedia.tracking.models import open_models


def run(output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")] = Path("demo-out")) -> None:
    """Make the two bundled clips, retarget everyone in them, and say where the results are.

    Args:
        output: Folder for the clips and the results; results of an earlier demo in it are replaced.
    """
    console = Console()
    output.mkdir(parents=True, exist_ok=True)
    clips = {output / "portraits.mp4": portrait_frames, output / "troupe.mp4": troupe_frames}
    # The second clip is drawn while people are found in the first, where there is a second core.
    with ThreadPoolExecutor(1, "commedia-clips") as drawing:
        drawn = {clip: drawing.submit(write_clip, clip, frames(), FRAME_RATE) for clip, frames in clips.items()}
        models = open_models()
        for clip, done in drawn.items():
            with console.status(f"drawing {clip.name}"):
                done.result()
            results = output / clip.stem
            show(retarget_with_bar(clip, results, models=models, character=EVERYONE, overwrite=True))
    console.print(_error_table(troupe_errors(output / "troupe" / "take.jsonl")))
    for name in ("portraits", "troupe"):
        console.print(f"look at {output / name / 'preview.mp4'}", markup=False, highlight=False, soft_wrap=True)


def _error_table(errors: list[PerformerErrors]) -> Table:
    columns = ("performer", "person", "found", "68 points", "turn", "active blendshapes")
    table = Table(*columns, title="the troupe: mean error against its truth")
    for performer in errors:
        table.add_row(
            *(performer.name, ", ".join(map(str, performer.ids)) or "-", f"{performer.found:.0%}"),
            *(f"{performer.landmarks:.1%}", f"{performer.turn_deg:.1f}°", f"{performer.active_expression:.2f}"),
        )
    return table
