"""Smaller numbers in an ONNX file: weights in float16, or weights and activations in INT8."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fer_det.export.decoding import Floats

LEAST_NUMBERS = 64
"""Smaller tensors stay float32: they are constants of the arithmetic, and weigh nothing."""


def store_as_float16(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Store the weights in float16 and compute in float32: half the size, the same speed.

    Each is followed by a Cast, which runtimes compute once, when they open the file. Arithmetic in
    float16 is slower than in float32 on processors, and WebAssembly has none.
    """
    casts = []
    for tensor in proto.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= LEAST_NUMBERS:
            name, values = tensor.name, numpy_helper.to_array(tensor)
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_float16"))
            casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    return proto


def quantise(proto: onnx.ModelProto, images: Iterable[Floats]) -> onnx.ModelProto:
    """Quantise convolutions and products to INT8, with ranges measured on `images`.

    images: inputs [1, 3, S, S]. Weights have a scale for each output channel. Jacob et al.,
    "Quantization and training of neural networks for efficient integer-arithmetic-only inference",
    2018.
    """
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left: Iterator[Floats] = iter(images)

        def get_next(self) -> dict[str, Any] | None:
            batch = next(self._left, None)
            return None if batch is None else {"images": batch}

    with tempfile.TemporaryDirectory() as folder:
        plain, prepared, small = (Path(folder, f"{name}.onnx") for name in ("a", "b", "c"))
        onnx.save(proto, plain)
        logging.disable(logging.WARNING)
        try:
            quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
            quantize_static(
                str(prepared),
                str(small),
                Reader(),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv", "MatMul", "Gemm"],
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                extra_options={"ActivationSymmetric": False},
            )
        finally:
            logging.disable(logging.NOTSET)
        return onnx.load(small)
