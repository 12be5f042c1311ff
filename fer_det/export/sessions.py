"""What runs an exported file: onnxruntime or OpenVINO, on the processor and without PyTorch."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from fer_det.errors import ConfigError, WeightsError, WeightsNotFoundError
from fer_det.export.contract import METADATA_KEY
from fer_det.export.decoding import Floats

Engine = Literal["onnx", "openvino"]
"""onnx: onnxruntime. Both read the same ONNX file."""


class Session(Protocol):
    """An opened file with one input; several threads may run it at a time."""

    title: str
    """Name of the package."""
    metadata: Mapping[str, str]

    def run(self, inputs: Floats) -> list[Floats]:
        """Return the outputs in the file's order."""


def open_session(path: Path, engine: Engine = "onnx", threads: int = 0) -> Session:
    """Open a file; threads: of the processor, 0 for all.

    Raises WeightsNotFoundError, WeightsError where it cannot be read, and ConfigError where the
    package is not installed.
    """
    session, package = _SESSIONS[engine]
    try:
        with _without_telemetry():
            importlib.import_module(package)
    except ImportError as error:
        raise ConfigError(
            f"{path} needs the package {package}",
            "that package",
            f"pip install 'fer_det[{engine}]'",
        ) from error
    if not path.is_file():
        raise WeightsNotFoundError(f"{path} is not there", "an ONNX file", "name another file")
    try:
        opened: Session = session(path, threads)
    # Their own errors have no common base class but Exception.
    except Exception as error:
        line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WeightsError(
            f"{path} cannot be opened by {package} ({line})", "an ONNX file", "export it again"
        ) from error
    return opened


def open_onnxruntime(path: Path) -> Any:
    """Open any ONNX file; -> onnxruntime.InferenceSession. Raises what open_session does."""
    opened = open_session(path)
    assert isinstance(opened, _OnnxruntimeSession)
    return opened.native


@contextmanager
def _without_telemetry() -> Iterator[None]:
    """Keep OpenVINO from reporting its import to Google Analytics, as its package does by default.

    Where openvino_telemetry cannot be imported it takes a stub.
    """
    name = "openvino_telemetry"
    absent = name not in sys.modules
    if absent:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if absent:
            del sys.modules[name]


class _OnnxruntimeSession:
    title = "onnxruntime"

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # As run_command has torch's: between two pictures, spinning threads only take the processor
        # from what decodes them.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.native = onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
        self._input = self.native.get_inputs()[0].name
        self.metadata: Mapping[str, str] = self.native.get_modelmeta().custom_metadata_map

    def run(self, inputs: Floats) -> list[Floats]:
        """See Session."""
        answers: list[Floats] = self.native.run(None, {self._input: inputs})
        return answers


class _OpenVinoSession:
    title = "OpenVINO"

    def __init__(self, path: Path, threads: int) -> None:
        from openvino import Core

        core = Core()
        model = core.read_model(path)
        # Entries of an ONNX file's metadata stand here, among OpenVINO's own.
        known = ["framework", METADATA_KEY]
        has = model.has_rt_info(known)
        self.metadata = {METADATA_KEY: model.get_rt_info(known).astype(str)} if has else {}
        # Without the hint OpenVINO computes in bfloat16 where the processor can.
        options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        self._compiled = core.compile_model(model, "CPU", options)
        self._requests = threading.local()

    def run(self, inputs: Floats) -> list[Floats]:
        """See Session."""
        request = getattr(self._requests, "own", None)
        if request is None:
            request = self._requests.own = self._compiled.create_infer_request()
        answers = request.infer([inputs])
        # The request writes its next answers over these.
        return [np.array(answers[output]) for output in self._compiled.outputs]


_SESSIONS: dict[Engine, tuple[Any, str]] = {
    "onnx": (_OnnxruntimeSession, "onnxruntime"),
    "openvino": (_OpenVinoSession, "openvino"),
}
