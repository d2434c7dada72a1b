"""Weights in 8 bit are near those that were stored, whichever way round a matrix is, and the file is a quarter."""

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from commedia.networks.half_storage import stored_in_bytes, stored_in_half


def graph_of(weight: np.ndarray, name: str = "layer.weight") -> onnx.ModelProto:
    """A graph that says its weight, times one."""
    one = helper.make_tensor_value_info("one", TensorProto.FLOAT, [1])
    said = helper.make_tensor_value_info("said", TensorProto.FLOAT, weight.shape)
    graph = helper.make_graph(
        [helper.make_node("Mul", [name, "one"], ["said"])],
        "weight",
        [one],
        [said],
        [numpy_helper.from_array(weight, name)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def read_back(model: onnx.ModelProto) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (said,) = session.run(None, {"one": np.ones(1, np.float32)})
    return np.asarray(said)


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 2)])
def test_each_output_has_a_scale_of_its_own_whichever_way_round(axes: tuple[int, ...]) -> None:
    """Outputs of very different sizes keep two digits each, where one scale for all would leave the small ones none."""
    chance = np.random.default_rng(0)
    shape = (24, 48, 5) if len(axes) == 2 else (24, 48)
    size = np.ones(shape)
    for axis in axes:
        along = 10.0 ** chance.uniform(-4, 0, shape[axis])
        size = size * along.reshape([-1 if place == axis else 1 for place in range(len(shape))])
    weight = (chance.uniform(-1, 1, shape) * size).astype(np.float32)
    stored = stored_in_bytes(graph_of(weight))
    assert (np.abs(read_back(stored) - weight) / size).max() < 1 / 200
    assert len(stored.SerializeToString()) < 0.5 * len(graph_of(weight).SerializeToString())


@pytest.mark.parametrize("narrow", [stored_in_bytes, stored_in_half])
def test_what_the_graph_computed_stays_exact(narrow: Callable[[onnx.ModelProto], onnx.ModelProto]) -> None:
    """Where patches lie in a crop was once stored in 8 bit, which moved them by a quarter of a pixel."""
    places = np.linspace(-0.5, 0.5, 400, dtype=np.float32).reshape(2, 200)
    assert np.array_equal(read_back(narrow(graph_of(places, "cat"))), places)
    assert not np.array_equal(read_back(narrow(graph_of(places))), places)
