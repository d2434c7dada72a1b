"""The index codecs of `EXT_meshopt_compression`: triangle lists (mode 1) and plain index sequences (mode 2).

Reference: Khronos glTF repository, extensions/2.0/Vendor/EXT_meshopt_compression, appendix A.
"""

from collections import deque

import numpy as np

FIFO = 16


class _Reader:
    """Bytes in order; `index` reads a signed step from the last explicit index."""

    def __init__(self, data: bytes, offset: int, end: int):
        self.data, self.offset, self.end = data, offset, end
        self.last = 0

    def byte(self) -> int:
        if self.offset >= self.end:
            raise ValueError("the stream is too short")
        self.offset += 1
        return self.data[self.offset - 1]

    def varint(self) -> int:
        value = 0
        for shift in range(0, 35, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ValueError("an index has more than 32 bits")

    def index(self) -> int:
        self.last = (self.last + _unzigzag(self.varint())) & 0xFFFFFFFF
        return self.last


def decode_indices(data: bytes, count: int) -> np.ndarray:
    """Decode mode 2: each step refers to one of two running indices."""
    if len(data) < 5 or data[0] != 0xD1:
        raise ValueError("an index sequence starts with 0xd1")
    reader = _Reader(data, 1, len(data) - 4)
    last = [0, 0]
    result = np.zeros(count, dtype=np.int64)
    for position in range(count):
        value = reader.varint()
        last[value & 1] = (last[value & 1] + _unzigzag(value >> 1)) & 0xFFFFFFFF
        result[position] = last[value & 1]
    if reader.offset != reader.end:
        raise ValueError("bytes are left over")
    return result


def decode_triangles(data: bytes, count: int) -> np.ndarray:
    """Decode mode 1: one code per triangle, against recently seen edges and vertices."""
    if count % 3 or len(data) < 1 + count // 3 + 16 or data[0] != 0xE1:
        raise ValueError("a triangle list starts with 0xe1 and has a code per triangle")
    codes = data[1 : 1 + count // 3]
    state = _Triangles(_Reader(data, 1 + count // 3, len(data) - 16), data[len(data) - 16 :])
    result = [state.decode(code) for code in codes]
    if state.reader.offset != state.reader.end:
        raise ValueError("bytes are left over")
    return np.array(result, dtype=np.int64).reshape(-1)


class _Triangles:
    def __init__(self, reader: _Reader, table: bytes):
        self.reader, self.table = reader, table
        self.next = 0
        # Newest first; what has not been written yet must not be read, so zeros do no harm.
        self.edges = deque([(0, 0)] * FIFO, maxlen=FIFO)
        self.vertices = deque([0] * FIFO, maxlen=FIFO)

    def decode(self, code: int) -> tuple[int, int, int]:
        high, low = code >> 4, code & 15
        return self._from_edge(high, low) if high < 15 else self._from_vertices(low)

    def _from_edge(self, high: int, low: int) -> tuple[int, int, int]:
        a, b = self.edges[high]
        if low == 0:
            c = self._new()
        elif low < 13:
            c = self.vertices[low]
        elif low < 15:
            self.reader.last = (self.reader.last + (1 if low == 14 else -1)) & 0xFFFFFFFF
            c = self.reader.last
        else:
            c = self.reader.index()
        self.edges.appendleft((c, b))
        self.edges.appendleft((a, c))
        if low == 0 or low >= 13:
            self.vertices.appendleft(c)
        return a, b, c

    def _from_vertices(self, low: int) -> tuple[int, int, int]:
        pair = self.table[low] if low < 14 else self.reader.byte()
        if low >= 14 and pair == 0:
            self.next = 0
        a = self.reader.index() if low == 15 else self._new()
        b, b_is_new = self._vertex(pair >> 4, low)
        c, c_is_new = self._vertex(pair & 15, low)
        self.edges.extendleft([(b, a), (c, b), (a, c)])
        self.vertices.appendleft(a)
        if b_is_new:
            self.vertices.appendleft(b)
        if c_is_new:
            self.vertices.appendleft(c)
        return a, b, c

    def _vertex(self, code: int, low: int) -> tuple[int, bool]:
        if code == 0:
            return self._new(), True
        if code < 15 or low < 14:
            return self.vertices[code - 1], False
        return self.reader.index(), True

    def _new(self) -> int:
        self.next += 1
        return self.next - 1


def _unzigzag(value: int) -> int:
    return ~(value >> 1) if value & 1 else value >> 1
