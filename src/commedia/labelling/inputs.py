"""What `commedia label` reads: tar files of `key.jpg` + `key.json`, folders of pictures, single pictures, data sets.

Inputs fall into groups that become shards of one name: `lfw-000.tar` and `lfw-001.tar` are the group `lfw`, a folder is
a group of its own.
"""

from collections.abc import Sequence
from pathlib import Path

from commedia.errors import UnreadableMedia
from commedia.labelling.datasets import dataset_group, names_dataset
from commedia.labelling.pictures import PICTURE_SUFFIXES, PictureGroup, members_of


def group_inputs(inputs: Sequence[Path]) -> tuple[PictureGroup, ...]:
    """Sort inputs into groups, in the order in which each name first appears."""
    members: dict[str, list[Path]] = {}
    sets = [dataset_group(path) for path in inputs if names_dataset(path)]
    for path in inputs:
        if names_dataset(path):
            continue
        if not path.exists():
            raise UnreadableMedia(f"there is no '{path}'")
        if path.is_file() and path.suffix.lower() not in (".tar", *PICTURE_SUFFIXES):
            known = ", ".join((".tar", *PICTURE_SUFFIXES))
            raise UnreadableMedia(f"'{path}' is neither a tar file of pictures nor a picture; known: {known}")
        if path.is_dir() and not members_of(path):
            raise UnreadableMedia(f"the folder '{path}' holds no pictures; known: {', '.join(PICTURE_SUFFIXES)}")
        name = path.resolve().parent.name if path.suffix.lower() in PICTURE_SUFFIXES else path.resolve().stem
        members.setdefault(name.rstrip("0123456789").rstrip("-") or name, []).append(path)
    names = [*members, *(group.name for group in sets)]
    if doubled := [name for name in names if names.count(name) > 1]:
        raise UnreadableMedia(f"two inputs would write shards named '{doubled[0]}'; label them into different folders")
    return (*sets, *(PictureGroup(name, tuple(paths)) for name, paths in members.items()))
