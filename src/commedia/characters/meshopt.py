"""Decompresses the buffer views of `EXT_meshopt_compression`.

Own code, because no maintained package on PyPI ships wheels of the decoder. It raises ValueError or IndexError on bytes
that break the format, and never reads past their end.

Reference: Khronos glTF repository, extensions/2.0/Vendor/EXT_meshopt_compression, appendices A and B (filters).
"""

import numpy as np

from commedia.characters.meshopt_indices import decode_indices, decode_triangles

GROUP = 16
"""Elements whose deltas are packed together."""


def decode_view(data: bytes, count: int, stride: int, mode: object, filter_name: object = None) -> bytes:
    """Decompress one buffer view of `count` elements of `stride` bytes."""
    if mode == "ATTRIBUTES":
        return _unfiltered(decode_attributes(data, count, stride), filter_name).tobytes()
    if mode not in ("TRIANGLES", "INDICES") or stride not in (2, 4) or filter_name not in (None, "NONE"):
        raise ValueError(f"mode {mode!r} with stride {stride} and filter {filter_name!r} is not defined")
    indices = decode_triangles(data, count) if mode == "TRIANGLES" else decode_indices(data, count)
    if len(indices) and indices.max() >= 1 << (8 * stride):
        raise ValueError("an index does not fit its type")
    return indices.astype("<u2" if stride == 2 else "<u4").tobytes()


def decode_attributes(data: bytes, count: int, stride: int) -> np.ndarray:
    """Undo the byte-wise delta coding; returns uint8 (count, stride)."""
    if stride % 4 or not 4 <= stride <= 256 or len(data) < 1 + stride:
        raise ValueError(f"{len(data)} bytes with a stride of {stride} hold no attributes")
    if data[0] != 0xA0:
        raise ValueError(f"version byte {data[0]:#x} instead of 0xa0")
    end = len(data) - max(stride, 32)
    previous = np.frombuffer(data, np.uint8)[len(data) - stride :]
    block_size = min((8192 // stride) & ~(GROUP - 1), 256)
    result = np.zeros((count, stride), dtype=np.uint8)
    offset = 1
    for first in range(0, count, block_size):
        size = min(block_size, count - first)
        deltas, offset = _block_deltas(data, offset, end, -(-size // GROUP), stride)
        # Zigzag: the lowest bit is the sign. Bytes wrap around, as the format wants.
        signed = (deltas >> 1) ^ (0 - (deltas & 1)).astype(np.uint8)
        block = (np.cumsum(signed, axis=1, dtype=np.uint8) + previous[:, None])[:, :size]
        result[first : first + size] = block.T
        previous = block[:, -1]
    if offset != end:
        raise ValueError(f"{end - offset} bytes are left over")
    return result


def _block_deltas(data: bytes, offset: int, end: int, groups: int, stride: int) -> tuple[np.ndarray, int]:
    deltas = np.zeros((stride, groups * GROUP), dtype=np.uint8)
    header_bytes = -(-groups // 4)
    for channel in range(stride):
        header = int.from_bytes(data[offset : offset + header_bytes], "little")
        offset += header_bytes
        if header:
            for group in range(groups):
                mode = header >> (2 * group) & 3
                if mode:
                    start = group * GROUP
                    values, offset = _group(data, offset, mode)
                    deltas[channel, start : start + GROUP] = values
        if offset > end:
            raise ValueError("the stream is too short")
    return deltas, offset


def _group(data: bytes, offset: int, mode: int) -> tuple[np.ndarray, int]:
    if mode == 3:
        return np.frombuffer(data, np.uint8, GROUP, offset), offset + GROUP
    bits = 2 * mode
    packed = np.frombuffer(data, np.uint8, GROUP * bits // 8, offset)
    offset += len(packed)
    # The first delta sits in the highest bits of its byte.
    shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    sentinel = (1 << bits) - 1
    values = ((packed[:, None] >> shifts) & sentinel).reshape(-1)
    large = values == sentinel
    extra = int(large.sum())
    if extra:
        values[large] = np.frombuffer(data, np.uint8, extra, offset)
    return values, offset + extra


def _unfiltered(data: np.ndarray, filter_name: object) -> np.ndarray:
    if filter_name in (None, "NONE"):
        return data
    stride = data.shape[1]
    if filter_name == "OCTAHEDRAL" and stride in (4, 8):
        return _octahedral(data.view(np.int8 if stride == 4 else "<i2"))
    if filter_name == "QUATERNION" and stride == 8:
        return _quaternion(data.view("<i2"))
    if filter_name == "EXPONENTIAL":
        values = data.view("<i4")
        mantissa = (values << 8) >> 8
        return np.ldexp(mantissa.astype(np.float32), values >> 24).astype("<f4")
    raise ValueError(f"the filter {filter_name!r} with stride {stride} is not defined")


def _octahedral(values: np.ndarray) -> np.ndarray:
    # The third component is the number that stands for 1.
    one = np.maximum(values[:, 2:3].astype(np.float32), 1)
    x, y = (values[:, :2] / one).T
    z = 1 - np.abs(x) - np.abs(y)
    below = np.minimum(z, 0)
    normal = np.stack([x - np.copysign(below, x), y - np.copysign(below, y), z], axis=1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    result = values.copy()
    result[:, :3] = np.rint(normal * np.iinfo(values.dtype).max)
    return result


def _quaternion(values: np.ndarray) -> np.ndarray:
    one = (values[:, 3:4] | 3).astype(np.float32)
    small = values[:, :3] / one / np.sqrt(np.float32(2))
    largest = np.sqrt(np.maximum(0, 1 - (small**2).sum(axis=1, keepdims=True)))
    place = (values[:, 3:4].astype(np.int64) & 3) + [[1, 2, 3, 0]]
    result = np.zeros_like(values)
    parts = np.rint(np.concatenate([small, largest], axis=1) * 32767).astype(values.dtype)
    np.put_along_axis(result, place % 4, parts, axis=1)
    return result
