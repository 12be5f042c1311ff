"""`fer-det web`: build the web page's folder, and serve it on this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from fer_det.config.command import parse_config
from fer_det.config.export import WITHOUT_MAKE, WebConfig
from fer_det.errors import DatasetNotFoundError, OutputError
from fer_det.runtime.command import EXIT_OK, run_command

PROG = "web.py"
HOST = "127.0.0.1"

HEADERS = {
    # The two that WebAssembly's threads need.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; "
        "style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_web, argv)


def _web(argv: Sequence[str] | None) -> int:
    config = parse_config(WebConfig, PROG, argv)
    if config.build:
        return _build(config)
    if not (config.folder / "index.html").is_file():
        raise DatasetNotFoundError(
            f"no page in {config.folder}",
            "the folder that make web builds",
            f"run make web, or {WITHOUT_MAKE}",
        )
    with serve(config.folder, config.port) as server:
        print(f"http://{HOST}:{server.server_port}/ until Ctrl-C", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return EXIT_OK


def _build(config: WebConfig) -> int:
    from fer_det.cli.export import demand_onnx
    from fer_det.engine.run_folder import find_weights

    demand_onnx()
    from fer_det.export.web_page import build_page

    weights = find_weights(config.weights)
    print(f"weights: {weights}", flush=True)
    print("\n".join(build_page(config, weights).describe()))
    size = sum(path.stat().st_size for path in config.folder.rglob("*") if path.is_file())
    print(f"{config.folder}: {size / 1e6:.1f} MB; next: fer-det web --folder {config.folder}")
    return EXIT_OK


def serve(folder: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of `folder` on this machine alone; OutputError for a port in use."""

    class Handler(SimpleHTTPRequestHandler):
        """Files of the folder with HEADERS, without listings and without a log."""

        extensions_map = {  # noqa: RUF012  (the base class's)
            **SimpleHTTPRequestHandler.extensions_map,
            ".js": "text/javascript",
            ".mjs": "text/javascript",
            ".wasm": "application/wasm",
            ".webmanifest": "application/manifest+json",
        }

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, directory=str(folder), **options)

        def end_headers(self) -> None:
            for name, value in HEADERS.items():
                self.send_header(name, value)
            super().end_headers()

        def list_directory(self, path: Any) -> None:  # noqa: ARG002  (the base class's)
            self.send_error(404)

        def log_message(self, format: str, *values: Any) -> None:
            """Print nothing."""

    try:
        return ThreadingHTTPServer((HOST, port), Handler)
    except OSError as error:
        raise OutputError(
            f"port {port} cannot be used ({error.strerror or error})", "a free port", "use --port 0"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
