"""`commedia personalize INPUT ... -o me.glb`: pictures of one person to a rig that is theirs."""

import json as json_format
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from commedia.cli.bars import stage_bars
from commedia.errors import CommediaError
from commedia.personal.personalize import PersonalSummary, personalize


def run(
    inputs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="INPUT")],
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FILE")],
    person: int | None = None,
    formats: tuple[str, ...] = (),
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False,
    json: tyro.conf.FlagCreatePairsOff[bool] = False,
) -> int:
    """Turn videos or photos of one person into a rig that is theirs: own shape, own 52 blendshapes, own skin.

    A likeness is written: ask people before you make one of them. Takes one to a few minutes, and commedia[train].

    Args:
        inputs: Videos, pictures, or folders of them. Ten seconds of one video are enough in which the person opens the
            mouth, shuts the eyes, smiles, frowns and looks to both sides; what is missing is said.
        output: The file to write, by its ending .glb or .usd (needs commedia[usd]); beside it the profile, .commedia,
            which `commedia retarget --person` takes.
        person: Who is meant where several people are seen, by the number that `commedia retarget` gives them; without
            it the one seen most.
        formats: What else to write beside it: glb, usd.
        overwrite: Replace files that are there.
        json: Print a machine-readable summary, and nothing else, on standard output.
    """
    if not inputs:
        raise CommediaError("nothing to look at: give videos or pictures of one person")
    errors = Console(stderr=True)
    with stage_bars(errors, transient=True) as advance:
        summary = personalize(inputs, output, person=person, formats=formats, overwrite=overwrite, progress=advance)
    if json:
        print(json_format.dumps(summary.to_json(), indent=2))
    else:
        show(summary)
    return 0


def show(summary: PersonalSummary) -> None:
    """Print what was made and how good it is."""
    lines = [f"made of {summary.frames} frames, judged by {summary.unseen_frames} that were kept aside"]
    if summary.prior_error is not None and summary.own_error is not None:
        both = f"{summary.own_error:.4f} with their rig, {summary.prior_error:.4f} with the head model"
        lines.append(f"photometric error there: {both}")
    if summary.own_blendshapes:
        lines.append(
            f"{len(summary.own_blendshapes)} blendshapes are their own (median cosine with the head model's "
            f"{summary.median_cosine:.2f}), the others the head model's"
        )
    if summary.wrinkle_maps:
        nearer = 1 - (summary.wrinkled_skin_error or 0) / (summary.skin_error or 1)
        lines.append(f"skin changes with {', '.join(summary.wrinkle_maps)}: {nearer:.1%} nearer to those frames")
    if summary.missing:
        lines.append(f"not seen: {', '.join(summary.missing)}; there the rig moves as the head model does")
    lines += [f"note: {note}" for note in summary.notes]
    lines.append("written: " + ", ".join(str(path) for path in summary.files))
    console = Console()
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
