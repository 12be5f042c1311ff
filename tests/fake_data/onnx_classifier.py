"""Small ONNX classifiers of another project: the mean of the input, times a row of weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_onnx(
    path: Path, shape: Sequence[int | str], weights: Sequence[float], output: str = "out"
) -> Path:
    """Write a file with an input of that shape [N, ., ., .] and len(weights) numbers a picture."""
    row = numpy_helper.from_array(np.array([weights], np.float32), "row")
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["in"], ["mean"], axes=[1, 2, 3], keepdims=0),
            helper.make_node("Unsqueeze", ["mean", "one"], ["column"]),
            helper.make_node("MatMul", ["column", "row"], [output]),
        ],
        "classifier",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [shape[0], len(weights)])],
        [row, numpy_helper.from_array(np.array([1]), "one")],
    )
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    path.write_bytes(model.SerializeToString())
    onnx.checker.check_model(model)
    return path
