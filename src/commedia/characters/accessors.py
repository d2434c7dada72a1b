"""Arrays out of a glTF file: accessors, sparse ones too, normalised integers, compressed buffer views.

Every length is checked against the bytes that are really there before an array is made, and what a file as a whole may
unpack to is limited by its own size: a few bytes of JSON must not cost gigabytes of memory.
"""

import numpy as np

from commedia.characters.character import Document
from commedia.characters.container import entries
from commedia.characters.meshopt import decode_view
from commedia.errors import BadCharacter

COMPONENTS = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
MAX_UNPACKED_BYTES = 1 << 30
FREE_BYTES, BYTES_PER_BYTE = 48 << 20, 64
"""What any file may unpack to, and how much more for each byte it has: sparse morphs and compression reach 30."""


class Accessors:
    """Reads one document's accessors; remembers decompressed views and how much has been unpacked."""

    def __init__(self, document: Document):
        self.name = document.name
        self._buffers = document.buffers
        self._accessors = entries(document.json, "accessors", document.name)
        self._views = entries(document.json, "bufferViews", document.name)
        self._decompressed: dict[int, bytes] = {}
        self._replaced: dict[int, np.ndarray] = {}
        self._unpacked = 0
        self._limit = min(MAX_UNPACKED_BYTES, FREE_BYTES + BYTES_PER_BYTE * sum(map(len, document.buffers)))

    def floats(self, index: object, width: int) -> np.ndarray:
        """Read an accessor as finite float32 (n, width); normalised integers become [0, 1] or [-1, 1]."""
        raw, normalised = self._read(index, width)
        if normalised and raw.dtype != np.float32:
            values = np.maximum(raw.astype(np.float32) / np.iinfo(raw.dtype).max, -1)
        else:
            values = raw.astype(np.float32)
        if not np.isfinite(values).all():
            raise BadCharacter(f"{self.name}: accessor {index} holds values that are not finite numbers")
        return values

    def integers(self, index: object, width: int = 1) -> np.ndarray:
        """Read an accessor of integers as int64 (n, width)."""
        raw, _ = self._read(index, width)
        if raw.dtype == np.float32:
            raise BadCharacter(f"{self.name}: accessor {index} holds floats where integers are needed")
        return raw.astype(np.int64)

    def view_bytes(self, index: object) -> bytes | memoryview:
        """The bytes of a buffer view."""
        number = self.entry_index(index, len(self._views), "bufferViews")
        view = self._views[number]
        extension = (view.get("extensions") or {}).get("EXT_meshopt_compression")
        if extension is None:
            return self._slice(view, f"buffer view {number}")
        if number not in self._decompressed:
            compressed = self._slice(extension, f"compressed buffer view {number}")
            count, stride = extension.get("count"), extension.get("byteStride")
            self._account(self._size(count, stride))
            try:
                data = decode_view(bytes(compressed), count, stride, extension.get("mode"), extension.get("filter"))
            except (ValueError, IndexError) as error:
                raise BadCharacter(f"{self.name}: buffer view {number} cannot be decompressed: {error}") from None
            self._decompressed[number] = data
        return self._decompressed[number]

    def replace(self, index: object, elements: np.ndarray) -> None:
        """Let an accessor have these elements (n, width), which somebody decompressed, instead of its own."""
        number = self.entry_index(index, len(self._accessors), "accessors")
        accessor = self._accessors[number]
        width = self._lookup(WIDTHS, accessor.get("type"), number)
        if elements.ndim != 2 or elements.shape != (accessor.get("count"), width):
            found = " x ".join(map(str, elements.shape))
            raise BadCharacter(f"{self.name}: accessor {number} was decompressed to {found} numbers, not as it says")
        self._account(elements.nbytes)
        kind = np.dtype(self._lookup(COMPONENTS, accessor.get("componentType"), number))
        self._replaced[number] = elements.astype(kind)

    def width(self, index: object) -> int:
        """How many components an accessor's elements have."""
        number = self.entry_index(index, len(self._accessors), "accessors")
        return self._lookup(WIDTHS, self._accessors[number].get("type"), number)

    def is_stored(self, index: object) -> bool:
        """Whether an accessor's elements lie in the file, rather than being zero by default."""
        number = self.entry_index(index, len(self._accessors), "accessors")
        return "bufferView" in self._accessors[number] or number in self._replaced

    def reserve_morphs(self, vertex_count: int) -> None:
        """Count dense morph offsets against what a file may unpack to: many targets can share one accessor."""
        self._account(12 * vertex_count)

    def entry_index(self, index: object, count: int, what: str) -> int:
        """Check an index from the file; Python's negative indices must not wrap around."""
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count:
            raise BadCharacter(f"{self.name} refers to {what}[{index!r}], and there are {count}")
        return index

    def _read(self, index: object, width: int) -> tuple[np.ndarray, bool]:
        number = self.entry_index(index, len(self._accessors), "accessors")
        accessor = self._accessors[number]
        dtype = np.dtype(self._lookup(COMPONENTS, accessor.get("componentType"), number)).newbyteorder("<")
        if self._lookup(WIDTHS, accessor.get("type"), number) != width:
            raise BadCharacter(f"{self.name}: accessor {number} is {accessor.get('type')}, not {width} wide")
        if number in self._replaced:
            return self._replaced[number], accessor.get("normalized") is True
        count: int = accessor.get("count", -1)
        self._account(self._size(count, dtype.itemsize * width))
        if "bufferView" in accessor:
            view = self._views[self.entry_index(accessor["bufferView"], len(self._views), "bufferViews")]
            values = self._strided(accessor, view.get("byteStride"), dtype, count, width, number)
        else:
            values = np.zeros((count, width), dtype=dtype)
        if "sparse" in accessor:
            values = self._with_sparse(values, accessor["sparse"], number)
        return values.astype(dtype.newbyteorder("="), copy=False), accessor.get("normalized") is True

    def _strided(self, source: dict, stride: object, dtype: np.dtype, count: int, width: int, number: int):
        data = self.view_bytes(source["bufferView"])
        offset, element = source.get("byteOffset", 0), dtype.itemsize * width
        step = element if stride is None else stride
        if not isinstance(offset, int) or not isinstance(step, int) or offset < 0 or not element <= step <= 4096:
            raise BadCharacter(f"{self.name}: accessor {number} has the offset {offset!r} and the stride {stride!r}")
        if count and offset + step * (count - 1) + element > len(data):
            raise BadCharacter(
                f"{self.name}: accessor {number} wants {count:,} elements and runs beyond its {len(data):,} bytes"
            )
        strides = (step, dtype.itemsize)
        return np.ndarray((count, width), dtype, buffer=data, offset=offset, strides=strides) if count else np.zeros(
            (0, width), dtype
        )  # fmt: skip

    def _with_sparse(self, values: np.ndarray, sparse: dict, number: int) -> np.ndarray:
        count, at, new = sparse["count"], sparse["indices"], sparse["values"]
        self._size(count, 1)
        kind = np.dtype(self._lookup(COMPONENTS, at.get("componentType"), number)).newbyteorder("<")
        rows = self._strided(at, None, kind, count, 1, number)[:, 0].astype(np.int64)
        if len(rows) and (kind.kind != "u" or rows.max() >= len(values)):
            raise BadCharacter(f"{self.name}: the sparse accessor {number} changes elements that do not exist")
        values = values.copy()
        values[rows] = self._strided(new, None, values.dtype, count, values.shape[1], number)
        return values

    def _slice(self, view: dict, what: str) -> bytes | memoryview:
        buffer = self._buffers[self.entry_index(view.get("buffer"), len(self._buffers), "buffers")]
        offset, length = view.get("byteOffset", 0), view.get("byteLength")
        if not isinstance(offset, int) or not isinstance(length, int) or offset < 0 or length < 0:
            raise BadCharacter(f"{self.name}: {what} has the offset {offset!r} and the length {length!r}")
        if offset + length > len(buffer):
            raise BadCharacter(f"{self.name}: {what} runs beyond its buffer of {len(buffer):,} bytes")
        return memoryview(buffer)[offset : offset + length]

    def _size(self, count: object, each: object) -> int:
        if not isinstance(count, int) or not isinstance(each, int) or isinstance(count, bool) or count < 0 or each < 1:
            raise BadCharacter(f"{self.name} is not valid glTF: {count!r} elements of {each!r} bytes")
        return count * each

    def _account(self, size: int) -> None:
        self._unpacked += size
        if self._unpacked > self._limit:
            raise BadCharacter(f"{self.name} unpacks to more than {self._limit:,} bytes; it is no character")

    def _lookup(self, table: dict, key: object, number: int):
        if not isinstance(key, int | str) or key not in table:
            raise BadCharacter(f"{self.name}: accessor {number} has the unknown type {key!r}")
        return table[key]
