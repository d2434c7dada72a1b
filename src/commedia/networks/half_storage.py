"""ONNX files half or a quarter as large: weights are stored in 16 or 8 bit and widened when the file is opened.

Nothing is computed in 8 or 16 bit: the runtime folds the widening into constants at load, so speed and memory in use
are those of 32 bit.
"""

from collections.abc import Callable

import numpy as np
import onnx

Narrowed = tuple[list[onnx.TensorProto], list[onnx.NodeProto]]
"""What is stored instead of a weight, and what makes the weight of it."""

LARGE = 256
"""Weights of fewer numbers stay as they are: they are biases, and cost nothing."""
MULTIPLIED = frozenset(("Conv", "Gemm", "MatMul"))
"""Operators whose second input is a weight, under whatever name."""


def stored_in_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Copy a model with its large float32 weights in float16, each behind a Cast."""
    return _narrowed(model, _in_half)


def stored_in_bytes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Copy a model with its large float32 matrices and kernels in 8 bit, each output with a scale of its own.

    A Cast and a Mul widen them: DequantizeLinear would do the same in every run, as runtimes do not fold it.
    """
    return _narrowed(model, _in_bytes)


def _narrowed(model: onnx.ModelProto, narrow: Callable[[str, np.ndarray], Narrowed]) -> onnx.ModelProto:
    narrowed = onnx.ModelProto()
    narrowed.CopyFrom(model)
    graph, nodes, stored = narrowed.graph, [], []
    multiplied = {node.input[1] for node in graph.node if node.op_type in MULTIPLIED}
    for weight in graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        # Not what was computed as the graph was made, such as where patches lie: torch names its weights with dots.
        learnt = "." in weight.name or weight.name in multiplied
        if values.dtype != np.float32 or values.size < LARGE or not learnt:
            stored.append(onnx.numpy_helper.from_array(values, weight.name))
            continue
        tensors, widening = narrow(weight.name, values)
        stored += tensors
        nodes += widening
    nodes += graph.node
    for field, content in ((graph.initializer, stored), (graph.node, nodes)):
        copied = [type(item).FromString(item.SerializeToString()) for item in content]
        del field[:]
        field.extend(copied)
    return narrowed


def _in_half(name: str, values: np.ndarray) -> Narrowed:
    narrow = onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_16")
    return [narrow], [onnx.helper.make_node("Cast", [narrow.name], [name], to=onnx.TensorProto.FLOAT)]


def _in_bytes(name: str, values: np.ndarray) -> Narrowed:
    scale = _scale(values)
    narrow = onnx.numpy_helper.from_array(_whole(values, scale).astype(np.int8), f"{name}_8")
    scales = onnx.numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale")
    wide = f"{name}_wide"
    cast = onnx.helper.make_node("Cast", [narrow.name], [wide], to=onnx.TensorProto.FLOAT)
    return [narrow, scales], [cast, onnx.helper.make_node("Mul", [wide, scales.name], [name])]


def _scale(values: np.ndarray) -> np.ndarray:
    """What one step of each number is worth: of each output, which is the first axis or, where that is nearer to the
    weights, the last; or, of stacked matrices, both."""
    last = values.ndim - 1
    kept = {1: [{0}], 2: [{0}, {last}], 3: [{0}, {last}, {0, last}]}.get(values.ndim, [{0}])
    scales = []
    for axes in kept:
        others = tuple(axis for axis in range(values.ndim) if axis not in axes)
        largest = np.abs(values).max(axis=others, keepdims=True)
        scales.append(np.maximum(largest, np.finfo(np.float32).tiny) / 127)
    return min(scales, key=lambda scale: np.square(_whole(values, scale) * scale - values).sum())


def _whole(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.rint(values / scale)
