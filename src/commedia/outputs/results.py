"""The folder that receives results: all is made aside, and takes its final name only when everything is complete."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commedia.errors import OutputFailed

RESULT_NAMES = re.compile(
    r"person-\d+\.(glb|csv|bvh|vrma|usd|pc2|obj)|person-\d+-\d+\.(obj|png)|take\.\w+|preview\.\w+"
)
"""The files this program makes; nothing else in a folder is ever touched."""


@contextmanager
def result_folder(output: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a folder to write into; at the end its results move to `output`, after an error they are gone.

    Raises:
        OutputFailed: `output` holds the results of an earlier run and `overwrite` is not set, or cannot be written.
    """
    earlier = earlier_results(output)
    if earlier and not overwrite:
        raise OutputFailed(
            f"'{output}' holds results of an earlier run ({earlier[0].name}{', ...' if len(earlier) > 1 else ''}); "
            "choose another folder, or pass --overwrite"
        )
    made = _missing_folders(output)
    aside: Path | None = None
    try:
        output.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".commedia-", dir=output))
        yield aside
        _publish(aside, output, earlier)
        made = []
    except OSError as error:
        raise OutputFailed(
            f"cannot write results to '{output}': {error.strerror or error}; what was there before is untouched"
        ) from error
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)
        for folder in made:
            _remove_if_empty(folder)


def earlier_results(output: Path) -> list[Path]:
    """The results of an earlier run, by name."""
    if not output.is_dir():
        return []
    return sorted(path for path in output.iterdir() if path.is_file() and RESULT_NAMES.fullmatch(path.name))


def _publish(aside: Path, output: Path, earlier: list[Path]) -> None:
    fresh = sorted(path for path in aside.iterdir() if RESULT_NAMES.fullmatch(path.name))
    for path in fresh:
        path.replace(output / path.name)
    # A person of the earlier run who is not in this one would look like part of it.
    for path in earlier:
        if path.name not in {new.name for new in fresh}:
            path.unlink(missing_ok=True)


def _missing_folders(output: Path) -> list[Path]:
    """The folders that have to be made, innermost first."""
    return [folder for folder in (output, *output.parents) if not folder.exists()]


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
