"""`fer-det export`: a trained model as a file for other programs, checked against the model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from fer_det.config.command import parse_config
from fer_det.config.export import ExportConfig
from fer_det.errors import ConfigError
from fer_det.runtime.command import EXIT_OK, run_command

PROG = "export.py"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_export, argv)


def _export(argv: Sequence[str] | None) -> int:
    config = parse_config(ExportConfig, PROG, argv)
    if config.to == "openvino":
        # OpenVINO reads ONNX files.
        config = replace(config, to="onnx-core", engine="openvino")
    if config.to in ("safetensors", "backbone"):
        from fer_det.engine.run_folder import find_weights
        from fer_det.export.safetensors_file import export_safetensors

        path = export_safetensors(config, find_weights(config.weights))
        print(f"{path}: {path.stat().st_size:,} bytes")
        return EXIT_OK
    if config.to == "litert":
        demand_packages("litert", "litert_torch", "ai_edge_quantizer", "ai_edge_litert")
    else:
        demand_onnx()
    if config.engine == "openvino":
        demand_packages("openvino", "openvino")
    if config.to == "mtcnn":
        from fer_det.export.mtcnn import export_mtcnn

        for path in export_mtcnn(config.out):
            print(f"{path}: {path.stat().st_size:,} bytes")
        return EXIT_OK
    from fer_det.engine.run_folder import find_weights

    weights = find_weights(config.weights)
    print(f"weights: {weights}", flush=True)
    if config.to == "litert":
        from fer_det.export.litert_file import export_litert as export

        print("converting with litert-torch, up to some minutes", flush=True)
    else:
        from fer_det.export.onnx_file import export_onnx as export
    print("\n".join(export(config, weights).describe()))
    print(f"{config.out}: {config.out.stat().st_size:,} bytes")
    return EXIT_OK


def demand_onnx() -> None:
    """Raise ConfigError where the packages that write and run ONNX files are absent."""
    demand_packages("onnx", "onnx", "onnxruntime")


def demand_packages(extra: str, *names: str) -> None:
    """Raise ConfigError where one of the packages that an extra of fer_det installs is absent."""
    from importlib.util import find_spec

    absent = [name for name in names if find_spec(name) is None]
    if absent:
        raise ConfigError(
            f"no package {', '.join(absent)}",
            f"what the extra {extra} installs",
            f"pip install 'fer_det[{extra}]'",
        )


if __name__ == "__main__":
    sys.exit(main())
