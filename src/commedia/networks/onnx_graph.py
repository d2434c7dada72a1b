"""An ONNX file as a torch module, with gradients to its input: networks of others that judge pictures in a loss.

Knows the operators of convolutional networks; a file with another is refused by name. Weights stand still.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from torch import Tensor, nn
from torch.nn import functional

from commedia.errors import WeightsMismatch

Attributes = Mapping[str, Any]
Operator = Callable[..., Tensor]


class OnnxGraph(nn.Module):
    """Evaluates the nodes of a file one after the other."""

    def __init__(self, path: Path):
        super().__init__()
        try:
            graph = onnx.load(path).graph
        except (OSError, DecodeError, ValueError) as problem:
            raise WeightsMismatch(f"'{path}' is not a readable ONNX file: {problem}") from problem
        unknown = sorted({node.op_type for node in graph.node} - OPERATORS.keys())
        if unknown:
            raise WeightsMismatch(
                f"'{path}' uses {', '.join(unknown)}, which has no gradients here; known: {', '.join(OPERATORS)}"
            )
        known = {weight.name for weight in graph.initializer}
        inputs = [value.name for value in graph.input if value.name not in known]
        if len(inputs) != 1:
            raise WeightsMismatch(f"'{path}' reads {len(inputs)} inputs, expected one picture")
        self.path, self.input, self.output = path, inputs[0], graph.output[0].name
        shape = next(value for value in graph.input if value.name == inputs[0]).type.tensor_type.shape.dim
        self.input_size = shape[-1].dim_value if shape else 0
        """Side of the picture, 0 where the file leaves it open."""
        self._names: dict[str, str] = {}
        for number, weight in enumerate(graph.initializer):
            self._names[weight.name] = f"weight{number}"
            array = np.array(onnx.numpy_helper.to_array(weight))
            self.register_buffer(f"weight{number}", torch.from_numpy(array), persistent=False)
        self._nodes = [
            (
                OPERATORS[node.op_type],
                list(node.input),
                node.output[0],
                {part.name: onnx.helper.get_attribute_value(part) for part in node.attribute},
            )
            for node in graph.node
        ]

    def forward(self, pixels: Tensor) -> Tensor:
        """The file's first output."""
        values = {self.input: pixels} | {name: getattr(self, own) for name, own in self._names.items()}
        for operator, inputs, output, attributes in self._nodes:
            told = [values[name] if name else None for name in inputs]
            values[output] = operator(attributes, *told)
        return values[self.output]


def _cast(attributes: Attributes, value: Tensor) -> Tensor:
    kind = onnx.helper.tensor_dtype_to_np_dtype(attributes["to"])
    return value.to(getattr(torch, np.dtype(kind).name))


def _conv(attributes: Attributes, pixels: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return functional.conv2d(
        _padded(attributes, pixels, 0.0),
        weight.to(pixels.dtype),
        None if bias is None else bias.to(pixels.dtype),
        attributes.get("strides", [1, 1]),
        dilation=attributes.get("dilations", [1, 1]),
        groups=attributes.get("group", 1),
    )


def _padded(attributes: Attributes, pixels: Tensor, value: float) -> Tensor:
    if attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise WeightsMismatch(f"padding '{attributes['auto_pad'].decode()}' of an ONNX file is not known here")
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    return functional.pad(pixels, (left, right, top, bottom), value=value) if top or left or bottom or right else pixels


def _max_pool(attributes: Attributes, pixels: Tensor) -> Tensor:
    strides = attributes.get("strides", [1, 1])
    padded = _padded(attributes, pixels, -torch.inf)
    return functional.max_pool2d(
        padded, attributes["kernel_shape"], strides, ceil_mode=bool(attributes.get("ceil_mode"))
    )


def _average_pool(attributes: Attributes, pixels: Tensor) -> Tensor:
    if any(attributes.get("pads", [])) and not attributes.get("count_include_pad"):
        raise WeightsMismatch("an average over a padded edge of an ONNX file is not known here")
    strides = attributes.get("strides", [1, 1])
    return functional.avg_pool2d(_padded(attributes, pixels, 0.0), attributes["kernel_shape"], strides)


def _pad(attributes: Attributes, value: Tensor, pads: Tensor, constant: Tensor | None = None) -> Tensor:
    """ONNX names all starts, then all ends; torch pairs, the last axis first."""
    sizes = pads.view(2, -1).flip(1).T.flatten().tolist()
    return functional.pad(value, sizes, value=0.0 if constant is None else float(constant))


def _gemm(attributes: Attributes, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    left = a.T if attributes.get("transA") else a
    right = b.T if attributes.get("transB") else b
    found = attributes.get("alpha", 1.0) * left @ right.to(left.dtype)
    return found if c is None else found + attributes.get("beta", 1.0) * c.to(left.dtype)


def _reduced(mean: bool) -> Operator:
    def reduce(attributes: Attributes, value: Tensor, axes: Tensor | None = None) -> Tensor:
        named = attributes.get("axes") if axes is None else axes.tolist()
        along = list(range(value.dim())) if named is None else list(named)
        keep = bool(attributes.get("keepdims", 1))
        return value.mean(along, keep) if mean else value.sum(along, keep)

    return reduce


def _reshape(attributes: Attributes, value: Tensor, shape: Tensor) -> Tensor:
    """A 0 keeps the axis as it is; a size traced from one example's batch of a free axis does not occur."""
    asked = shape.tolist()
    return value.reshape([value.shape[axis] if size == 0 else size for axis, size in enumerate(asked)])


def _normalised(
    attributes: Attributes, value: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor
) -> Tensor:
    mean, variance, scale, bias = (part.to(value.dtype) for part in (mean, variance, scale, bias))
    return functional.batch_norm(value, mean, variance, scale, bias, eps=attributes.get("epsilon", 1e-5))


def _prelu(attributes: Attributes, value: Tensor, slope: Tensor) -> Tensor:
    return torch.where(value >= 0, value, value * slope.to(value.dtype))


def _of_two(combine: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    def evaluate(attributes: Attributes, a: Tensor, b: Tensor) -> Tensor:
        return combine(a, b.to(a.dtype) if a.is_floating_point() else b)

    return evaluate


OPERATORS: dict[str, Operator] = {
    "Add": _of_two(torch.add),
    "AveragePool": _average_pool,
    "BatchNormalization": _normalised,
    "Cast": _cast,
    "Concat": lambda attributes, *parts: torch.cat(parts, attributes["axis"]),
    "Conv": _conv,
    "Div": _of_two(torch.div),
    "Dropout": lambda attributes, value, *_: value,
    "Flatten": lambda attributes, value: value.flatten(attributes.get("axis", 1)),
    "Gemm": _gemm,
    "GlobalAveragePool": lambda attributes, value: value.mean((2, 3), keepdim=True),
    "Identity": lambda attributes, value: value,
    "LeakyRelu": lambda attributes, value: functional.leaky_relu(value, attributes.get("alpha", 0.01)),
    "MatMul": _of_two(torch.matmul),
    "MaxPool": _max_pool,
    "Mul": _of_two(torch.mul),
    "PRelu": _prelu,
    "Pad": _pad,
    "Pow": _of_two(torch.pow),
    "ReduceMean": _reduced(mean=True),
    "ReduceSum": _reduced(mean=False),
    "Relu": lambda attributes, value: value.relu(),
    "Reshape": _reshape,
    "Sigmoid": lambda attributes, value: value.sigmoid(),
    "Sqrt": lambda attributes, value: value.sqrt(),
    "Sub": _of_two(torch.sub),
}
"""By ONNX's name: (attributes, inputs) -> the first output."""
