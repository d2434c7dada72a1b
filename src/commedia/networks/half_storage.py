"""ONNX files half as large: weights are stored in 16 bit and widened when the file is opened. All sums stay in 32 bit.

Not quantisation: the runtime folds the widening into constants at load, so speed and memory in use are those of 32 bit.
"""

import numpy as np
import onnx

LARGE = 256
"""Weights of fewer numbers stay as they are: they are biases, and cost nothing."""


def stored_in_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Copy a model with its large float32 weights in float16, each behind a Cast."""
    halved = onnx.ModelProto()
    halved.CopyFrom(model)
    graph, casts = halved.graph, []
    for number, weight in enumerate(graph.initializer):
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < LARGE:
            continue
        wide, narrow = weight.name, f"{weight.name}_16"
        graph.initializer[number].CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), narrow))
        casts.append(onnx.helper.make_node("Cast", [narrow], [wide], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return halved
