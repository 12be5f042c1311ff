"""Downloads from a server on this machine: complete and checked, continued, or refused."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fer_det.errors import FerDetError, WeightsError, WeightsNotFoundError
from fer_det.weights.formats.fetch import PUBLIC_FILES, PublicFile, fetch, unpacked

CONTENT = bytes(range(256)) * 5000


@dataclass
class Server:
    """What is served, and the ranges that were requested."""

    content: bytes = CONTENT
    stops_after: int | None = None
    kind: str = "application/octet-stream"
    knows_ranges: bool = True
    requested: list[str | None] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            state.requested.append(wanted)
            begin = int(wanted[6:-1]) if wanted and state.knows_ranges else 0
            if begin >= len(state.content):
                self.send_error(416)
                return
            rest = state.content[begin:]
            self.send_response(206 if begin else 200)
            self.send_header("Content-Type", state.kind)
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            self.wfile.write(rest[: state.stops_after])

        def log_message(self, *args: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{listening.server_port}/a.bin"
    yield state
    listening.shutdown()
    listening.server_close()


def public(server: Server) -> PublicFile:
    return PublicFile(server.url, 1, md5=hashlib.md5(CONTENT).hexdigest(), min_bytes=1000)


def refused(file: PublicFile, folder: Path) -> str:
    with pytest.raises(FerDetError) as caught:
        fetch(file, folder, 5)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_download(server: Server, tmp_path: Path) -> None:
    path = fetch(public(server), tmp_path / "deep" / "er", 5)
    assert path.read_bytes() == CONTENT
    assert [entry.name for entry in path.parent.iterdir()] == ["a.bin"]


def test_file_that_is_there_is_not_downloaded(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(CONTENT)
    assert fetch(public(server), tmp_path, 5) == tmp_path / "a.bin"
    assert server.requested == []


def test_file_that_is_there_is_checked_and_kept(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(CONTENT[:-1] + b"x")
    assert "has the md5" in refused(public(server), tmp_path)
    assert (tmp_path / "a.bin").is_file()


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_download_continues(server: Server, knows_ranges: bool, tmp_path: Path) -> None:
    server.stops_after, server.knows_ranges = 500_000, knows_ranges
    with pytest.raises(WeightsNotFoundError, match="the same command continues it"):
        fetch(public(server), tmp_path, 5)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin.part"]
    server.stops_after = None
    assert fetch(public(server), tmp_path, 5).read_bytes() == CONTENT
    assert server.requested == [None, "bytes=500000-"]


def test_part_that_is_complete(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(CONTENT)
    assert fetch(public(server), tmp_path, 5).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("content", "message"),
    [(CONTENT[::-1], "has the md5"), (b"short", "has 5 bytes; wanted")],
)
def test_other_content(server: Server, content: bytes, message: str, tmp_path: Path) -> None:
    server.content = content
    with pytest.raises(WeightsError):
        fetch(public(server), tmp_path, 5)
    assert list(tmp_path.iterdir()) == []
    assert message in refused(public(server), tmp_path)


def test_web_page(server: Server, tmp_path: Path) -> None:
    server.kind = "text/html; charset=utf-8"
    assert "answered with a web page" in refused(public(server), tmp_path)


def test_no_network(tmp_path: Path) -> None:
    file = PublicFile("http://127.0.0.1:1/vgg.pth", 1)
    message = refused(file, tmp_path)
    assert "could not be downloaded" in message
    assert f"that file at {tmp_path / 'vgg.pth'};" in message


class TestUnpacked:
    def archive(self, path: Path, name: str = "folder/weights") -> Path:
        with tarfile.open(path, "w:gz") as archive:
            entry = tarfile.TarInfo(name)
            entry.size = 5
            archive.addfile(entry, io.BytesIO(b"hello"))
        return path

    def test_lasts_as_long_as_the_block(self, tmp_path: Path) -> None:
        file = PublicFile("http://x/a.tar.gz", 1, member="folder/weights")
        path = self.archive(tmp_path / "a.tar.gz")
        with unpacked(file, path) as place:
            assert place == tmp_path / "weights"
            assert place.read_bytes() == b"hello"
        assert list(tmp_path.iterdir()) == [path]

    def test_plain_file_is_itself(self, tmp_path: Path) -> None:
        with unpacked(PublicFile("http://x/a", 1), tmp_path / "a") as place:
            assert place == tmp_path / "a"

    def test_broken(self, tmp_path: Path) -> None:
        file = PublicFile("http://x/a.tar.gz", 1, member="folder/weights")
        whole = self.archive(tmp_path / "a").read_bytes()
        other = self.archive(tmp_path / "b", "../folder/weights").read_bytes()
        for content in (whole[: len(whole) // 2], b"hello", other):
            (tmp_path / "a").write_bytes(content)
            with (
                pytest.raises(WeightsError, match="is broken or holds no"),
                unpacked(file, tmp_path / "a"),
            ):
                pass


def test_every_public_file_can_be_checked() -> None:
    for file in PUBLIC_FILES.values():
        assert file.url.startswith("https://")
        assert file.md5 or file.min_bytes or file.member
        assert replace(file).file_name.count(".") >= 1
