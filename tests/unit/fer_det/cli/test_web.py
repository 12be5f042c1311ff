"""The server of the page: headers, types, this machine alone, and refusals."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from fer_det.cli.main import main
from fer_det.cli.predict import SHIPPED_MODELS
from fer_det.cli.web import HEADERS, HOST, serve
from fer_det.config.export import WebConfig
from fer_det.errors import OutputError
from fer_det.io.files import find_shipped_weights


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "js").mkdir()
    (tmp_path / "index.html").write_text("<p>page")
    (tmp_path / "js" / "a.mjs").write_text("1")
    (tmp_path / "a.wasm").write_bytes(b"\0asm")
    server = serve(tmp_path, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("", "text/html"), ("js/a.mjs", "text/javascript"), ("a.wasm", "application/wasm")],
)
def test_files_with_headers(port: int, name: str, kind: str) -> None:
    with urllib.request.urlopen(f"http://{HOST}:{port}/{name}") as answer:
        assert answer.headers.get_content_type() == kind
        for header, value in HEADERS.items():
            assert answer.headers[header] == value


@pytest.mark.parametrize("name", ["js/", "../secret", "absent"])
def test_nothing_else(port: int, name: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen(f"http://{HOST}:{port}/{name}")
    assert told.value.code == 404


def test_a_port_in_use(port: int, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=f"port {port} cannot be used"):
        serve(tmp_path, port)


def test_the_page_forbids_other_hosts_as_the_server_does() -> None:
    page = (Path(__file__).parents[4] / "web" / "index.html").read_text(encoding="utf-8")
    in_page, _, own = HEADERS["Content-Security-Policy"].rpartition("; ")
    assert f'content="{in_page}"' in page
    assert own == "frame-ancestors 'none'"


def test_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["web", "--folder", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "wanted the folder that make web builds" in told
    assert "fer-det web --build --runtime package/dist" in told


def test_the_default_is_the_shipped_model() -> None:
    weights = WebConfig().weights
    assert weights.name in SHIPPED_MODELS
    assert find_shipped_weights(weights) is not None
