import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from fer_det.config.predict import PredictConfig
from fer_det.errors import ConfigError, DatasetNotFoundError, FerDetError, ImageError
from fer_det.io import remote
from fer_det.io.remote import RemoteFile, is_address, list_folder


class Denied(MemoryFileSystem):
    """Forbids all, as a bucket of somebody else."""

    protocol = "denied"

    def cat_file(self, *_: Any, **__: Any) -> bytes:
        raise PermissionError("Forbidden")

    def find(self, *_: Any, **__: Any) -> list[str]:
        raise PermissionError("Forbidden")


@pytest.fixture(autouse=True)
def protocols() -> None:
    fsspec.register_implementation("denied", Denied, clobber=True)
    fsspec.register_implementation(
        "absent", "somethingfs.Files", clobber=True, errtxt="Install somethingfs"
    )


@pytest.fixture
def bucket() -> Iterator[Any]:
    files = fsspec.filesystem("memory")
    for name in ("b.jpg", "a/c.jpg", "a/.c.jpg"):
        files.pipe(f"/bucket/{name}", name.encode())
    yield files
    files.rm("/bucket", recursive=True)


def test_read_and_list(bucket: Any) -> None:
    files = list(list_folder("memory://bucket/"))
    assert [file.read() for file in files] == [b"a/c.jpg", b"b.jpg"]
    assert RemoteFile("memory://bucket/b.jpg").read() == b"b.jpg"


def test_parts() -> None:
    parts = {
        "s3://bucket/a/b?c#d.jpg": "bucket/a/b?c#d.jpg",
        "https://host/a/b.jpg?token=1#x": "host/a/b.jpg",
        "s3://bucket//../a/./b.jpg": "bucket/a/b.jpg",
        "file:///tmp/a.jpg": "tmp/a.jpg",
        "s3://": "s3",
    }
    assert {name: str(RemoteFile(name).parts) for name in parts} == parts


def test_a_file_of_that_name_is_no_address(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_address("s3://bucket/a.jpg")
    assert not is_address("C:/a.jpg")
    Path("s3:").mkdir()
    Path("s3:/a.jpg").touch()
    assert not is_address("s3:/a.jpg")


@pytest.mark.parametrize(
    ("address", "kind", "text"),
    [
        ("memory://bucket/absent.jpg", DatasetNotFoundError, "absent.jpg is absent; wanted a file"),
        ("denied://b/a.jpg", ImageError, "denied://b/a.jpg may not be read; wanted the right"),
        ("absent://b/a.jpg", ConfigError, r"\(Install somethingfs\); .*'fer_det\[remote\]'"),
        ("rtsp://h/live", ImageError, "rtsp://h/live is no protocol of fsspec"),
    ],
)
def test_one_line(address: str, kind: type[FerDetError], text: str) -> None:
    with pytest.raises(kind, match=text):
        RemoteFile(address).read()
    with pytest.raises(kind):
        list(list_folder(f"{address}/"))


def test_without_fsspec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(
        ConfigError, match=r"\(install fsspec\); .* pip install 'fer_det\[remote\]'"
    ):
        RemoteFile("s3://b/a.jpg").read()


def test_a_file_that_is_too_large(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MAX_BYTES", 4)
    with pytest.raises(ImageError, match="has more than 4 bytes"):
        RemoteFile("memory://bucket/b.jpg").read()


def test_nothing_is_imported_for_local_files() -> None:
    code = (
        "import sys; from fer_det.predict.sources import find_sources; "
        "assert find_sources(['setup.py'], list, None).pictures; assert 'fsspec' not in sys.modules"
    )
    root = Path(__file__).parents[4]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, env=dict(os.environ))


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if "secret" in self.path:
            self.send_error(403)
        else:
            super().do_GET()

    def log_message(self, *_: Any) -> None:
        pass


def test_a_web_server(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.jpg").write_bytes(b"picture")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = f"http://127.0.0.1:{server.server_port}"
    try:
        assert RemoteFile(f"{home}/a/b.jpg?size=1").read() == b"picture"
        assert [str(file) for file in list_folder(f"{home}/a/")] == [f"{home}/a/b.jpg"]
        with pytest.raises(DatasetNotFoundError, match=r"c\.jpg is absent"):
            RemoteFile(f"{home}/a/c.jpg").read()
        with pytest.raises(ImageError, match=r"secret\.jpg may not be read"):
            RemoteFile(f"{home}/secret.jpg").read()
    finally:
        server.shutdown()
        server.server_close()


def test_results_are_local() -> None:
    with pytest.raises(ConfigError, match="--out s3:/bucket/found; wanted a local folder"):
        PredictConfig(sources=("a.jpg",), out=Path("s3://bucket/found"))
