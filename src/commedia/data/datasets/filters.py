"""What paper 1 leaves out of every set: crowds, and faces too small for anyone to read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from commedia.data.datasets.items import DatasetFace, DatasetItem
from commedia.data.datasets.tree import LeftOut
from commedia.errors import UnreadableMedia


@dataclass(frozen=True)
class FilterRules:
    """Which pictures and faces stay."""

    most_faces: int = 20
    """A picture with more is left out; faces that are left out count too."""
    smallest_face: float = 0.02
    """Least width over the picture's width, and height over its height."""
    refused_flags: frozenset[str] = frozenset()
    """Faces that annotators flagged so are left out, for instance `invalid`."""


PAPER_RULES = FilterRules()
"""Chaudhuri et al. 2019, section 4.1."""


def filtered(
    items: Iterable[DatasetItem], left_out: LeftOut, rules: FilterRules = PAPER_RULES
) -> Iterator[DatasetItem]:
    """Pass on what the rules allow; the rest is counted. A face of unknown size stays.

    A picture whose every face is left out goes too: it would teach that nobody is there. One without any face stays.
    """
    for item in items:
        if len(item.faces) > rules.most_faces:
            left_out.add(f"the picture has more than {rules.most_faces} faces", item.source)
            continue
        try:
            size_px = item.picture.size_px()
        except UnreadableMedia as error:
            left_out.add("the picture cannot be read", str(error))
            continue
        kept = tuple(face for face in item.faces if _stays(face, size_px, item.source, left_out, rules))
        if item.faces and not kept:
            left_out.add("no face of the picture is left", item.source)
        else:
            yield replace(item, faces=kept)


def _stays(face: DatasetFace, size_px: tuple[int, int], source: str, left_out: LeftOut, rules: FilterRules) -> bool:
    if flagged := sorted(face.flags & rules.refused_flags):
        left_out.add(f"a face is flagged {flagged[0]}", source)
        return False
    box = face.bounds
    if box is not None and (
        box.width_px < rules.smallest_face * size_px[0] or box.height_px < rules.smallest_face * size_px[1]
    ):
        left_out.add(f"a face is smaller than {rules.smallest_face:.0%} of its picture", source)
        return False
    return True
