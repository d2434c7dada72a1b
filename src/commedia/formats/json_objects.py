"""The objects of a JSON file (JSON Lines, a list, or a list inside one object), one after the other.

Python's own reader takes a whole file into memory, at ten times its size.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from commedia.errors import UnreadableMedia
from commedia.formats.lines import file_encoding

CHUNK = 1 << 16
LONGEST_OBJECT = 1 << 23
"""Characters; a face with its 478 points, printed prettily, has 60 thousand."""
LIST_KEYS = ("frames", "results", "data", "samples", "recording", "detections")
"""What a list of frames is called inside an object."""
_LIST = re.compile(r"\[\s*\{")
_PAIR = re.compile(r'"([^"\\]{1,64})"\s*:\s*(?:"([^"\\]{1,64})"|([0-9.eE+]{1,32}))')
_BETWEEN = re.compile(r"[^{\]]*")
_CUT_WORD = re.compile(r"\s*[\w+.\-\\]{0,16}\s*")
"""Nothing more, or the beginning of a word or of an escape."""


class JsonObjects:
    """Yields the outermost objects of a file, or those of its list of frames. Iterate over it as often as needed."""

    def __init__(self, path: Path, head: str):
        """`head` is how the file begins, without leading space."""
        self.path = path
        self.truncated = False
        """The last object was cut off and left out."""
        self._start, self._before = _list_start(head)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self.truncated = False
        try:
            with self.path.open(encoding=file_encoding(self.path), errors="replace") as file:
                if self._start is not None:
                    _skip_to_list(file, self._start)
                yield from self._objects(file)
        except OSError as error:
            raise UnreadableMedia(f"cannot read '{self.path}': {error.strerror or error}") from None

    def around(self) -> list[tuple[str, Any]]:
        """Names and values that stand around the list of frames, before and after it, and one level deep."""
        if self._start is None:
            return []
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.path.stat().st_size - CHUNK))
                end = file.read(CHUNK).decode("utf-8", errors="replace")
        except OSError as error:
            raise UnreadableMedia(f"cannot read '{self.path}': {error.strerror or error}") from None
        after = _PAIR.findall(end[end.rfind("]") + 1 :])
        return [*flat_items(self._before), *((name, text or digits) for name, text, digits in after)]

    def _objects(self, file: TextIO) -> Iterator[dict[str, Any]]:
        text, number = file.read(CHUNK), 0
        while text:
            # Whatever lies between objects: commas, brackets of lists, and nulls for frames without a face.
            place = _BETWEEN.match(text).end()  # pyright: ignore[reportOptionalMemberAccess]
            if text[place : place + 1] == "]" and self._start is not None:
                return
            if text[place : place + 1] != "{":
                text = text[place + 1 :] or file.read(CHUNK)
                continue
            number += 1
            tree, text = self._object(file, text[place:], number)
            if tree is None:
                return
            yield tree

    def _object(self, file: TextIO, text: str, number: int) -> tuple[dict[str, Any] | None, str]:
        """The object that `text` begins with, and the text after it; None where the file ends within."""
        while True:
            try:
                tree, end = _DECODER.raw_decode(text)
                return tree, text[end:]
            except RecursionError:
                raise UnreadableMedia(f"'{self.path}': object {number} has too many levels") from None
            except ValueError as error:
                if not _is_cut(error, text):
                    raise UnreadableMedia(f"'{self.path}': object {number} is not valid JSON ({error})") from None
            if len(text) > LONGEST_OBJECT:
                raise UnreadableMedia(f"'{self.path}' holds an object of more than {LONGEST_OBJECT} characters")
            # Twice as much each time, so that reading again what was read costs no more than reading it once.
            more = file.read(max(CHUNK, len(text)))
            if not more:
                self.truncated = True
                return None, ""
            text += more


_DECODER = json.JSONDecoder()


def _is_cut(error: ValueError, text: str) -> bool:
    """Whether more text could put it right."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.msg.startswith("Unterminated string") or _CUT_WORD.fullmatch(text, error.pos) is not None


def flat_items(tree: dict[str, Any]) -> list[tuple[str, Any]]:
    """Names and values of an object, and of the objects in it."""
    inner = [item for value in tree.values() if isinstance(value, dict) for item in value.items()]
    return [*tree.items(), *inner]


def _list_start(head: str) -> tuple[int | None, dict[str, Any]]:
    """Where the list of frames begins in a file that is one object around it, None for all other files; and what stands
    before it."""
    place, before = 1, dict[str, Any]()
    if not head.startswith("{"):
        return None, before
    try:
        while True:
            key, place = _DECODER.raw_decode(head, _next_mark(head, place))
            place = _next_mark(head, place)
            place = _next_mark(head, place + 1)
            if key in LIST_KEYS and _LIST.match(head, place):
                return place, before
            before[str(key)], place = _DECODER.raw_decode(head, place)
            place = _next_mark(head, place)
            if head[place] != ",":
                return None, before
            place += 1
    except (ValueError, IndexError, RecursionError, TypeError):
        return None, before


def _next_mark(text: str, place: int) -> int:
    while text[place].isspace():
        place += 1
    return place


def _skip_to_list(file: TextIO, start: int) -> None:
    # The head was counted from its first character that is no space.
    while (first := file.read(1)).isspace():
        continue
    assert first == "{"
    file.read(start - 1)
