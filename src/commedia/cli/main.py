"""`commedia VERB ...`: finds the verb, runs it, and turns errors into one sentence and an exit code.

`EXIT_CODES` says what the codes mean.
"""

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from commedia import __version__
from commedia.errors import CommediaError, MissingExtra, UnknownName

USER_ERROR = 2
INTERRUPTED = 130
UNHEARD = 141
EXIT_CODES = {
    0: "done",
    1: "a goal of `evaluate` was missed",
    USER_ERROR: "an option, an input or a file that cannot be written: one sentence says what to put right",
    INTERRUPTED: "interrupted; nothing was left half-written",
    UNHEARD: "nobody reads the output any more",
}


@dataclass(frozen=True)
class Verb:
    """One line of `commedia --help`."""

    module: str
    summary: str
    extra: str = ""
    """The optional dependencies it needs, as in `pip install 'commedia[extra]'`."""


VERBS: dict[str, Verb] = {
    "retarget": Verb("commedia.cli.retarget", "photos, a GIF, a video or recorded motion in; animated characters out"),
    "personalize": Verb("commedia.cli.personalize", "videos or photos of one person to a rig that is theirs", "train"),
    "stream": Verb("commedia.cli.stream", "a camera, a video, motion or a phone, to other programs in real time"),
    "live": Verb("commedia.cli.live", "a page with everyone before a camera as a character, now", "live"),
    "demo": Verb("commedia.cli.demo", "run the main job on the bundled media", "demo"),
    "rig": Verb("commedia.cli.rig", "what a character can play: rig inspect FILE; make it play: rig make, rig map"),
    "evaluate": Verb("commedia.cli.evaluate", "measure the networks and write the tables"),
    "label": Verb("commedia.cli.label", "real pictures to training samples", "label"),
    "shards": Verb("commedia.cli.shards", "published data sets to training samples", "train"),
    "train": Verb("commedia.cli.train", "train a network by a recipe: shards to weights, ONNX and a card", "train"),
    "export": Verb(
        "commedia.cli.export",
        "trained networks, or their mean, to ONNX with a card; how large each network is",
        "train",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code, one of `EXIT_CODES`."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        try:
            code = _answered(arguments)
        finally:
            # Also when a verb ends with its help: what waits to be written may find nobody.
            sys.stdout.flush()
        return code
    except (BrokenPipeError, SystemExit) as error:
        # Rich makes an exit of it.
        if not isinstance(error, BrokenPipeError) and not isinstance(error.__context__, BrokenPipeError):
            raise
        # Python would try once more when it ends, and complain.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return UNHEARD


def _answered(arguments: list[str]) -> int:
    """Do what is asked and say on standard error what went wrong."""
    try:
        if not arguments or arguments[0] in ("-h", "--help"):
            print(overview())
        elif arguments[0] == "--version":
            print(f"commedia {__version__}")
        else:
            return run_verb(arguments[0], arguments[1:])
        return 0
    except CommediaError as error:
        print(f"commedia: {error}", file=sys.stderr)
        return USER_ERROR
    except OSError as error:
        # What the system refuses of a file is the user's to put right: a name too long, a folder they may not enter.
        if error.filename is None:
            raise
        print(f"commedia: '{error.filename}': {error.strerror}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print("commedia: interrupted; nothing was left half-written", file=sys.stderr)
        return INTERRUPTED


def run_verb(name: str, arguments: Sequence[str]) -> int:
    """Parse the verb's options and run it. A wrong option ends the process with code 2, as tyro does."""
    if name not in VERBS:
        raise UnknownName("command", name, VERBS)
    _refuse_empty(name, arguments)
    import tyro

    action, prog = _imported(name), f"commedia {name}"
    if isinstance(action, dict):
        result = tyro.extras.subcommand_cli_from_dict(action, args=arguments, prog=prog)
    else:
        result = tyro.cli(action, args=arguments, prog=prog)
    return result if isinstance(result, int) else 0


def _refuse_empty(verb: str, arguments: Sequence[str]) -> None:
    """Refuse '' before it is read as the current folder, which is what a shell's unset variable would name."""
    for before, argument in pairwise((verb, *arguments)):
        option, given, value = argument.partition("=")
        if not argument.strip() or (option.startswith("--") and given and not value.strip()):
            place = argument.strip() or before
            raise CommediaError(f"what follows '{place}' is empty; is a variable of the shell not set?")


def overview() -> str:
    """Say what the verbs are."""
    width = max(map(len, VERBS))
    lines = [f"  {name:{width}}  {verb.summary}" for name, verb in VERBS.items()]
    head = ["usage: commedia VERB [options]", "", "Faces in, characters out.", ""]
    codes = [f"  {code:>{width}}  {meaning}" for code, meaning in EXIT_CODES.items()]
    return "\n".join([*head, *lines, "", "commedia VERB --help says more.", "", "exit codes:", *codes])


def _imported(name: str) -> Callable[..., Any] | dict[str, Callable[..., Any]]:
    """A verb is one function, or several by the word that follows it."""
    verb = VERBS[name]
    try:
        return importlib.import_module(verb.module).run
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("commedia"):
            raise
        raise MissingExtra(f"'commedia {name}'", error.name, verb.extra) from error


if __name__ == "__main__":
    sys.exit(main())
