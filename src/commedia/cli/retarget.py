"""`commedia retarget INPUT -o DIR`: faces in, characters out."""

import json as json_format
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from commedia.calibration import calibrate as learn_calibration
from commedia.cli.inputs import ended_by_interrupt, open_input, say
from commedia.cli.main import USER_ERROR
from commedia.cli.options import Faces, Mfn, Sfn, Strength, require_somebody
from commedia.errors import CommediaError, IncompleteResults
from commedia.face_model.person import Person
from commedia.face_model.person_file import read_person
from commedia.faces.weights import DEFAULT_MFN, DEFAULT_SFN
from commedia.folder import retarget_folder
from commedia.outputs.people import DEFAULT_FORMATS, check_formats
from commedia.outputs.summary import Summary
from commedia.pipeline import Progress as ProgressCallback
from commedia.pipeline import retarget
from commedia.retarget.cast import people_and_default
from commedia.retarget.performance_edit import PerformanceEdit
from commedia.sources.folder import FolderSource
from commedia.sources.source import MediaInfo, Source
from commedia.tracking.models import Models, open_models


def run(
    input: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="INPUT")],
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")],
    character: Path | None = None,
    cast: tuple[str, ...] = (),
    person: Path | None = None,
    faces: Faces = None,
    json: tyro.conf.FlagCreatePairsOff[bool] = False,
    preview: bool = True,
    preview_style: str = "side",
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False,
    formats: tuple[str, ...] = DEFAULT_FORMATS,
    rate: str | None = None,
    angles: Literal["radians", "degrees"] | None = None,
    seconds: float | None = None,
    mapping: str | None = None,
    calibrate: Path | None = None,
    mirror: tyro.conf.FlagCreatePairsOff[bool] = False,
    possible: tyro.conf.FlagCreatePairsOff[bool] = False,
    strength: Strength = None,
    causal: tyro.conf.FlagCreatePairsOff[bool] = False,
    look: Literal["own", "painted", "mask"] = "own",
    flip_average: tyro.conf.FlagCreatePairsOff[bool] = False,
    mfn: Mfn = DEFAULT_MFN,
    sfn: Sfn = DEFAULT_SFN,
) -> int:
    """Turn everyone in a photo, a GIF, a video or a folder of photos into an animated 3D character, or recorded motion.

    Writes, per person, person-01.glb (character and motion) and person-01.csv (Live Link Face), or what `--formats`
    asks for, and for all together take.jsonl (every parameter) and preview.mp4 or preview.jpg. A folder's pictures get
    a folder each.

    Args:
        input: A picture, an animation, a video, or a folder of them. Or recorded motion, which needs no network: a
            take.jsonl, a Live Link Face CSV, a CSV of ARKit blendshapes, or MediaPipe face landmarker results as JSON.
            Or an address where a phone sends its motion now: livelink://:11111, ifacialmocap://:49983, vmc://:39539.
            Or a camera, to record it: camera://0, camera://NAME, rtsp://..., http://..., or - for standard input.
        output: Folder for the results. They appear in it only when all are complete.
        character: A .glb, .gltf or .vrm file with ARKit-named morph targets, or a bundled character (isabella,
            flaminia, orazio, leandro), played by everybody. Without it everybody plays the default head with their own
            face.
        cast: What single people play, by the ids of take and preview: 1=hero.glb 2=villain.vrm, and for the others
            default=other.glb, which is the same as `--character other.glb`; or troupe, which gives each of them another
            bundled character.
        person: A profile that `commedia personalize` wrote: its rig is what everybody plays, and their head is what
            faces are tracked with. Of several people give each their own by `--cast 1=me.commedia 2=you.commedia`.
        json: Print a machine-readable summary, and nothing else, on standard output.
        preview: Draw the preview.
        preview_style: How the preview looks. side: the picture with what was found, and each actor's bare face beside
            the character; overlay: the characters over the actors' heads, and the bare faces beside the picture.
        overwrite: Replace the results of an earlier run.
        formats: What each person becomes, any of: glb (character with clip), csv (Live Link Face), bvh (neck, head and
            eyes), vrma (motion for any VRM), usd (needs commedia[usd]), pc2 (all vertices, with a neutral .obj), obj
            (photos only).
        rate: Of recorded motion only: frames per second that its timecodes or frame numbers count, such as 30, 29.97 or
            30000/1001, where the file does not show it.
        angles: Of a table of motion only: what its head angles count, where the summary says that this was guessed.
        seconds: Of an address only: end this time after the first packet or picture. Ctrl-C ends it too; the results
            are complete.
        mapping: Which blendshape moves which morph of the character: a shipped table, or a .toml file of your own;
            without it the table that fits the names best (see `commedia rig inspect`).
        calibrate: A photo of the person's face at rest, or a recording (video or take.jsonl) that shows it at rest and
            at its most: characters then play 0 and 1 where this person's face is so.
        mirror: Play everything as a mirror shows it.
        possible: Play nothing that no face can make: of blendshapes that exclude each other (brow down and up, jaw left
            and right) the weaker gives way.
        causal: Track a video as a stream, each frame by those before it. Without this it is read twice, as a whole:
            who each person is comes from all frames, what their face reads at rest is found and taken away (unless
            `--calibrate` says it), curves are smoothed without coming late, and both eyes of a blink shut alike.
        look: How default heads look. own: skin, hair and eyes as in the pictures, which is a likeness of the person;
            painted: the shape of their face in plain colours; mask: nobody's face.
        flip_average: Read every face of a stream (`--causal`, a camera) twice, as it is and mirrored, and take the
            mean: head poses and blendshapes come out a little nearer the truth, for twice the time of reading. Of
            photographs and whole videos it always is.
    """
    require_somebody(faces)
    people, default = people_and_default(cast)
    if default is not None and character is not None:
        raise CommediaError(f"--character {character} and --cast default={default} both say what the others play")
    known = _person(person, character or default, look)
    edit = PerformanceEdit(mirror=mirror, possible=possible, strength=strength)
    with (
        open_input(input, rate=rate, angles=angles, seconds=seconds, whole_folder=True) as source,
        ended_by_interrupt(source),
    ):
        # What is wrong with the input is said before the networks are loaded.
        folder = isinstance(source, FolderSource)
        check_formats(formats, is_still=source.info.is_still or folder)
        _refuse_unused(source.info, faces, flip_average, rate, causal, seconds)
        if preview and source.info.is_live:
            say(
                "no preview and no report of what arrives in real time; give the take.jsonl to 'commedia retarget' "
                "afterwards"
            )
        looks = source.info.pictures and (not folder or source.pictures)
        models = _models(mfn, sfn, flip_average, faces) if looks else None
        rest = None if calibrate is None else learn_calibration(calibrate, models=models)
        options = dict(
            models=models,
            character=character or default,
            cast=people,
            # Drawing would be slower than what arrives; the take can be drawn afterwards.
            preview=preview and not source.info.is_live,
            preview_style=preview_style,
            overwrite=overwrite,
            formats=formats,
            mapping=mapping,
            edit=replace(edit, calibration=rest),
            causal=causal,
            look=look,
            person=known,
        )
        try:
            summaries, code = retarget_with_bar(source, output, **options), 0
        except IncompleteResults as error:
            # What failed was said when it did.
            summaries, code = [error.summary], USER_ERROR
    if json:
        print(json_format.dumps([summary.to_json() for summary in summaries], indent=2))
    else:
        show(summaries)
    return code


def _person(file: Path | None, character: Path | None, look: str) -> Person | None:
    """Whose rig is played and tracked with, where somebody's was given."""
    if file is None:
        return None
    if character is not None:
        raise CommediaError(f"--person {file} and --character {character} both say what everybody plays")
    if look != "own":
        raise CommediaError(f"--look {look} is for the default head; '{file}' has a look of its own")
    return read_person(file)


def _models(mfn: str, sfn: str, flip_average: bool, faces: int | None) -> Models:
    models = open_models(mfn, sfn, flip_average=flip_average)
    return models if faces is None else models.largest(faces)


def _refuse_unused(
    info: MediaInfo, faces: int | None, flip_average: bool, rate: str | None, causal: bool, seconds: float | None
) -> None:
    """Say so rather than ignore an option that means nothing for this kind of input."""
    recorded = not info.pictures
    if recorded and flip_average:
        raise CommediaError("--flip-average reads the faces of pictures twice; this input is recorded motion")
    if recorded and causal:
        raise CommediaError("--causal tracks pictures as they come; this input is recorded motion, tracked before")
    if recorded and faces is not None:
        raise CommediaError("--faces chooses among the faces of pictures; this input is recorded motion")
    if not recorded and rate is not None:
        raise CommediaError("--rate is for recorded motion; pictures and videos bring their own times")
    if seconds is not None and not info.is_live:
        raise CommediaError("--seconds ends what arrives at an address; a file has its own end")


def retarget_with_bar(source: Path | Source, output: Path, **options: Any) -> list[Summary]:
    """Run the job with a progress bar on standard error."""
    path = source if isinstance(source, Path) else source.path
    with progress_bar(path.name) as (progress, report):
        if isinstance(source, FolderSource) or (isinstance(source, Path) and path.is_dir()):
            return retarget_folder(path, output, progress=progress, report=report, **options)
        return [retarget(source, output, progress=progress, report=report, **options)]


@contextmanager
def progress_bar(title: str) -> Iterator[tuple[ProgressCallback, Callable[[str], None]]]:
    """Show frames done, frames expected and the time left, on a pipe nothing; gives what to call for each, and for a
    sentence about a failure."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)

        def advance(done: int, expected: int | None) -> None:
            # The count is an estimate: a bar that is full while frames still come would look stuck.
            bar.update(task, completed=done, total=None if expected is None else max(expected, done))

        def report(failure: str) -> None:
            console.print(f"commedia: {failure}", markup=False, highlight=False, soft_wrap=True)

        yield advance, report


def show(summaries: list[Summary]) -> None:
    """Print who was found and what was written."""
    console = Console()
    for summary in summaries:
        console.print(f"[bold]{summary.source.name}[/bold]: {_frames(summary.frames)}, {summary.duration_s:.1f} s")
        if summary.people:
            console.print(_people_table(summary))
        for note in summary.notes:
            console.print(f"note: {note}", markup=False, highlight=False, soft_wrap=True)
        console.print("written to " + os.fspath(summary.output) + os.sep, markup=False, highlight=False, soft_wrap=True)
        names = ", ".join(path.name for path in summary.files)
        console.print(f"  {names}", markup=False, highlight=False, soft_wrap=True)
    sys.stdout.flush()


def _people_table(summary: Summary) -> Table:
    table = Table("person", "seen", "from", "to", "files")
    for person in summary.people:
        share = person.tracked_frames / max(summary.frames, 1)
        files = ", ".join(path.name for path in person.files) or "seen too briefly"
        table.add_row(
            *(str(person.id), f"{_frames(person.tracked_frames)} ({share:.0%})"),
            *(f"{person.first_s:.2f} s", f"{person.last_s:.2f} s", files),
        )
    return table


def _frames(count: int) -> str:
    return "1 frame" if count == 1 else f"{count} frames"
