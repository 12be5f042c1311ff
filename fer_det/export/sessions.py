"""What runs an exported file without PyTorch: onnxruntime, OpenVINO or LiteRT, on the processor."""

from __future__ import annotations

import importlib
import os
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from fer_det.errors import ConfigError, WeightsError, WeightsNotFoundError
from fer_det.export.contract import CONTRACT_FILE, CORE_OUTPUTS, METADATA_KEY
from fer_det.export.decoding import Floats
from fer_det.runtime.pool import available_cores

Engine = Literal["onnx", "openvino", "litert"]
"""onnx: onnxruntime, which reads the same ONNX files as OpenVINO; litert: .tflite files."""


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
    session, package, kind = _SESSIONS[engine]
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
        raise WeightsNotFoundError(f"{path} is not there", kind, "name another file")
    try:
        opened: Session = session(path, threads)
    # Their own errors have no common base class but Exception.
    except Exception as error:
        line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WeightsError(
            f"{path} cannot be opened by {package} ({line})", kind, "export it again"
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


class _LiteRtSession:
    title = "LiteRT"

    def __init__(self, path: Path, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        try:
            with zipfile.ZipFile(path) as packed:
                self.metadata = {METADATA_KEY: packed.read(CONTRACT_FILE).decode()}
        except (zipfile.BadZipFile, KeyError):
            self.metadata = {}
        with without_native_log():
            interpreter = Interpreter(str(path), num_threads=threads or available_cores())
            interpreter.allocate_tensors()
            self._run = interpreter.get_signature_runner()
        self._input = next(iter(self._run.get_input_details()))
        self._one_at_a_time = threading.Lock()

    def run(self, inputs: Floats) -> list[Floats]:
        """See Session."""
        with self._one_at_a_time:
            answers = self._run(**{self._input: inputs})
        return [answers[name] for name in CORE_OUTPUTS if name in answers]


@contextmanager
def without_native_log() -> Iterator[None]:
    """Drop what LiteRT's native code prints to the standard error of the process."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        sys.stderr.flush()
        os.dup2(nowhere, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


_SESSIONS: dict[Engine, tuple[Any, str, str]] = {
    "onnx": (_OnnxruntimeSession, "onnxruntime", "an ONNX file"),
    "openvino": (_OpenVinoSession, "openvino", "an ONNX file"),
    "litert": (_LiteRtSession, "ai_edge_litert", "a LiteRT (.tflite) file"),
}
