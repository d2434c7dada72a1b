"""What the table says of each data set, and how it looks for one that is not there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from commedia.data.datasets.items import DatasetItem
from commedia.data.datasets.tree import Tree
from commedia.errors import CommediaError


class MissingDataset(CommediaError):
    """A folder that does not hold the data set that was asked for."""


@dataclass(frozen=True)
class DatasetSpec:
    """One line of the table."""

    name: str
    title: str
    read: Callable[[Tree], Iterator[DatasetItem]]
    needs: tuple[str, ...]
    """Patterns, of which one has to match something; none goes down without end, since a root may be mistyped."""
    tree: str
    """The folder as a little drawing."""
    licence: str
    truth: str
    """What is known of the faces, who says so, and how its pixels were counted."""


def require(spec: DatasetSpec, root: Path) -> None:
    """Raise MissingDataset unless the folder looks like this data set."""
    drawing = "\n".join(f"    {line}" for line in spec.tree.splitlines())
    try:
        if root.is_dir() and any(next(root.glob(pattern), None) is not None for pattern in spec.needs):
            return
        found = _found(root)
    except OSError as error:
        found = f"it cannot be listed ({error.strerror})"
    raise MissingDataset(f"{spec.title} is not in '{root}': {found}; expected\n{drawing}")


def _found(root: Path) -> str:
    if not root.exists():
        return "there is no such folder"
    if not root.is_dir():
        return "it is a file"
    names = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in root.iterdir())
    some = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return f"it holds {some}" if names else "it is empty"
