"""The objects of a JSON file one after the other, without ever holding more than one: JSON Lines, a list, or a list
inside one object.

Python's own reader takes a whole file into memory, at ten times its size.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from commedia.errors import UnreadableMedia

CHUNK = 1 << 16
LONGEST_OBJECT = 1 << 23
"""Characters; a face with its 478 points, printed prettily, has 60 thousand."""
DEEPEST = 48
LIST_KEYS = ("frames", "results", "data", "samples", "recording", "detections")
"""What a list of frames is called inside an object."""
_TOKEN = re.compile(r'\\.|["{}\[\]]', re.DOTALL)


class JsonObjects:
    """Yields the outermost objects of a file, or those of its list of frames. Iterate over it as often as needed."""

    def __init__(self, path: Path, head: str):
        """`head` is how the file begins, without leading space."""
        self.path = path
        self.truncated = False
        """The last object was cut off and left out."""
        self._start = _list_start(head)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self.truncated = False
        number = 0
        for text in self._texts():
            number += 1
            try:
                # Names and numbers only: json gives dicts, lists, strings, numbers, booleans and None.
                yield json.loads(text)
            except (ValueError, RecursionError) as error:
                raise UnreadableMedia(f"'{self.path}': object {number} is not valid JSON ({error})") from None

    def _texts(self) -> Iterator[str]:
        scan = _Scan(self.path, only_list=self._start is not None)
        try:
            with self.path.open(encoding="utf-8-sig", errors="replace") as file:
                if self._start is not None:
                    _skip_to_list(file, self._start)
                while chunk := file.read(CHUNK):
                    # A pair of backslash and character must not be torn apart.
                    while chunk.endswith("\\") and (more := file.read(1)):
                        chunk += more
                    yield from scan.feed(chunk)
                    if scan.ended:
                        return
        except OSError as error:
            raise UnreadableMedia(f"cannot read '{self.path}': {error.strerror or error}") from None
        self.truncated = scan.depth > 0


class _Scan:
    """Finds where objects begin and end; remembers, between chunks, the object it is in."""

    def __init__(self, path: Path, *, only_list: bool):
        self.path = path
        self.depth = 0
        self.ended = False
        self._only_list, self._outside = only_list, 0
        self._in_string = False
        self._pieces: list[str] = []
        self._size = 0

    def feed(self, chunk: str) -> Iterator[str]:
        """Yield the text of each object that ends in this chunk."""
        begin = 0
        for match in _TOKEN.finditer(chunk):
            token = match[0]
            if token == '"':
                self._in_string = not self._in_string
            elif self._in_string or token[0] == "\\":
                continue
            elif self.depth == 0:
                begin = self._enter(token, match.start())
                if self.ended:
                    return
            elif token in "{[":
                self.depth += 1
                if self.depth > DEEPEST:
                    raise UnreadableMedia(f"'{self.path}' nests more than {DEEPEST} levels deep")
            else:
                self.depth -= 1
                if self.depth == 0:
                    yield self._taken(chunk[begin : match.end()])
        if self.depth > 0:
            self._keep(chunk[begin:])

    def _enter(self, token: str, place: int) -> int:
        """Between objects: begin one, or note how many lists are open."""
        if token == "{":
            self.depth = 1
        self._outside += {"[": 1, "]": -1}.get(token, 0)
        self.ended = self._only_list and self._outside == 0
        return place

    def _keep(self, piece: str) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > LONGEST_OBJECT:
            raise UnreadableMedia(f"'{self.path}' holds an object of more than {LONGEST_OBJECT} characters")

    def _taken(self, piece: str) -> str:
        self._keep(piece)
        text = "".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        return text


def _list_start(head: str) -> int | None:
    """Where the list of frames begins in a file that is one object around it; None for all other files."""
    decoder, place = json.JSONDecoder(), 1
    if not head.startswith("{"):
        return None
    try:
        while True:
            key, place = decoder.raw_decode(head, _next_mark(head, place))
            place = _next_mark(head, place)
            place = _next_mark(head, place + 1)
            if key in LIST_KEYS and re.compile(r"\[\s*\{").match(head, place):
                return place
            _, place = decoder.raw_decode(head, place)
            place = _next_mark(head, place)
            if head[place] != ",":
                return None
            place += 1
    except (ValueError, IndexError, RecursionError, TypeError):
        return None


def _next_mark(text: str, place: int) -> int:
    while text[place].isspace():
        place += 1
    return place


def _skip_to_list(file: Any, start: int) -> None:
    # The head was counted from its first character that is no space.
    while (first := file.read(1)).isspace():
        continue
    assert first == "{"
    file.read(start - 1)
