import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from fake_data.films import write_film
from PIL import Image

from fer_det.imaging.decode import encode_jpeg
from fer_det.predict.sources import Sources, file_kind, find_sources


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with a few files in it."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "one.jpg",
        "photos/b.PNG",
        "photos/a.jpg",
        "photos/deep/c.webp",
        "photos/deep/clip.MP4",
        "photos/notes.txt",
        "photos/README",
        "photos/.hidden.jpg",
        "photos/.cache/d.jpg",
        "out/drawn.jpg",
    ):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def found(*named: str, lines: bytes = b"", leave_out: Path | None = None) -> Sources:
    return find_sources(named, lambda: lines.splitlines(keepends=True), leave_out)


def names(sources: Sources) -> list[str]:
    return [str(each.path) for each in sources.pictures]


def test_a_folder_is_read_to_its_depth_in_the_order_of_names() -> None:
    sources = found("photos")
    assert names(sources) == ["photos/a.jpg", "photos/b.PNG", "photos/deep/c.webp"]
    assert [each.path.as_posix() for each in sources.videos] == ["photos/deep/clip.MP4"]
    assert sources.ignored == {".txt": 1, "no suffix": 1}
    assert {each.home for each in sources.pictures} == {Path("photos")}


def test_named_files_are_taken_whatever_their_suffix() -> None:
    sources = found("photos/README", "one.jpg")
    assert names(sources) == ["photos/README", "one.jpg"]
    assert sources.pictures[0].home == Path("photos")


def test_each_file_once() -> None:
    Path("link.jpg").symlink_to("one.jpg")
    sources = found(
        "one.jpg", "one.jpg", "./one.jpg", "link.jpg", "photos", "photos/a.jpg", "0", "0"
    )
    assert names(sources)[0] == "one.jpg"
    assert len(sources.pictures) == 4
    assert sources.repeated == 5


def test_patterns() -> None:
    assert names(found("photos/*.jpg")) == ["photos/a.jpg"]
    assert names(found("photos/**/*.webp")) == ["photos/deep/c.webp"]
    assert names(found("phot*")) == names(found("photos"))
    sources = found("photos/*.gif")
    assert [failure.reason for failure in sources.absent] == ["photos/*.gif matches no file"]


def test_a_name_that_looks_like_a_pattern_or_a_number_is_itself_first() -> None:
    for name in ("a[1].jpg", "7"):
        Path(name).write_bytes(b"")
    sources = found("a[1].jpg", "7", "8")
    assert names(sources) == ["a[1].jpg", "7"]
    assert sources.cameras == [8]


def test_paths_from_the_standard_input() -> None:
    strange = os.fsdecode(b"caf\xe9.jpg")
    Path(strange).write_bytes(b"")
    sources = found("-", lines=b"one.jpg\r\n\nphotos/a.jpg\ncaf\xe9.jpg\nabsent.jpg\nphotos/*.png")
    assert names(sources) == ["one.jpg", "photos/a.jpg", strange]
    assert [failure.source for failure in sources.absent] == ["absent.jpg", "photos/*.png"]
    assert sources.absent[0].reason == "absent.jpg, line 5 of the standard input, is absent"


def test_the_standard_input_is_not_touched_unless_asked_for() -> None:
    def refuse() -> list[bytes]:
        raise AssertionError("read")

    assert names(find_sources(["one.jpg"], refuse, None)) == ["one.jpg"]


def test_what_is_absent_or_no_file_is_noted() -> None:
    os.mkfifo("pipe")
    sources = found("absent.jpg", "pipe", "one.jpg")
    assert [failure.reason for failure in sources.absent] == [
        "absent.jpg is absent",
        "pipe is neither file nor folder; a camera is named by its number",
    ]
    assert names(sources) == ["one.jpg"]


PICTURES = ("JPEG", "MPO", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "JPEG2000", "AVIF")
FILMS = {
    "a.mp4": "libx264",
    "a.mov": "libx264",
    "a.3gp": "mpeg4",
    "a.mkv": "libx264",
    "a.webm": "libvpx",
    "a.avi": "mjpeg",
    "a.flv": "flv",
    "a.ts": "libx264",
    "a.mpg": "mpeg2video",
    "a.wmv": "wmv2",
    "a.mxf": "mpeg2video",
}


class TestContent:
    @pytest.mark.parametrize("image_format", PICTURES)
    @pytest.mark.parametrize("suffix", [".mp4", ".txt", ""])
    def test_pictures(self, image_format: str, suffix: str) -> None:
        path = Path(f"file{suffix}")
        Image.new("RGB", (64, 48), (90, 30, 200)).save(path, image_format)
        assert file_kind(path) == "picture"
        assert names(found(".")).count(path.name) == 1

    @pytest.mark.parametrize("name", FILMS)
    @pytest.mark.parametrize("suffix", [".jpg", ".txt", ""])
    def test_films(self, name: str, suffix: str) -> None:
        frames = [np.full((96, 128, 3), 20 * n, np.uint8) for n in range(8)]
        path = write_film(name, frames, rate=25, codec=FILMS[name]).rename(f"film{suffix}")
        assert file_kind(path) == "video"

    @pytest.mark.parametrize(
        ("head", "kind"),
        [
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "picture"),
            (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "picture"),
            (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "picture"),
            (b"\xff\x0a" + bytes(20), "picture"),
            (b"\0\0\0\x0cJXL \r\n\x87\n", "picture"),
            (b"P6\n640 480\n255\n", "picture"),
            (b"\0\0\0\x20ftypM4A \0\0\0\0", None),
            (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video"),
            (b"\0\0\1\xba\x44\0", "video"),
            (bytes(4) + b"\x47" + bytes(191) + b"\x47", "video"),
            (b"P1 is the first", None),
            (b"BMW is a car, and this is a note about one", None),
            (b"GIF is a format", None),
            (b"RIFF\0\0\0\0WAVEfmt ", None),
            (b"", None),
        ],
    )
    def test_first_bytes(self, head: bytes, kind: str | None) -> None:
        Path("file.dat").write_bytes(head)
        assert file_kind(Path("file.dat")) == kind

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("a.HEIC", "picture"),
            ("a.jpe", "picture"),
            ("a.MTS", "video"),
            ("a.txt", None),
            ("a.mp3", None),
        ],
    )
    def test_what_is_not_recognised_is_what_its_name_says(
        self, name: str, kind: str | None
    ) -> None:
        Path(name).write_bytes(b"<!DOCTYPE html>")
        assert file_kind(Path(name)) == kind

    def test_sound_is_ignored(self) -> None:
        Path("songs").mkdir()
        for name in ("a.ogg", "b.wma", "c.mka"):
            head = {
                "a": b"OggS",
                "b": b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
                "c": b"\x1a\x45\xdf\xa3",
            }
            Path("songs", name).write_bytes(head[name[0]] + bytes(40))
        assert found("songs").ignored == {".ogg": 1, ".wma": 1, ".mka": 1}

    def test_a_pipe_is_not_waited_for(self) -> None:
        Path("mixed").mkdir()
        os.mkfifo("mixed/pipe")
        Path("mixed/a.jpg").write_bytes(encode_jpeg(np.zeros((4, 4, 3), np.uint8)))
        assert names(found("mixed")) == ["mixed/a.jpg"]


class TestAddresses:
    @pytest.fixture
    def bucket(self) -> Iterator[Any]:
        files = fsspec.filesystem("memory")
        for name in ("a.jpg", "b/c.PNG", "b/clip.mp4", "b/notes.doc", ".hidden/d.jpg"):
            files.pipe(f"/bucket/{name}", b"\xff\xd8\xff")
        yield files
        files.rm("/bucket", recursive=True)

    def test_a_folder(self, bucket: Any) -> None:
        sources = found("memory://bucket/")
        assert names(sources) == ["memory:///bucket/a.jpg", "memory:///bucket/b/c.PNG"]
        assert [each.home for each in sources.pictures] == [Path("bucket")] * 2
        assert sources.ignored == {".doc": 1}
        (video,) = sources.absent
        assert video.reason == "memory:///bucket/b/clip.mp4 is a video; download or record it first"

    def test_one_by_one_and_each_once(self, bucket: Any) -> None:
        sources = found("memory://bucket/b/c.PNG", "memory://bucket/view", "memory://bucket/view")
        assert names(sources) == ["memory://bucket/b/c.PNG", "memory://bucket/view"]
        assert [str(each.home) for each in sources.pictures] == ["bucket/b", "bucket"]
        assert sources.repeated == 1

    def test_a_list(self, bucket: Any) -> None:
        lines = ["memory://bucket/a.jpg", "", "a.jpg", "memory://bucket/b/"]
        Path("list.txt").write_text("\n".join(lines))
        Path("a.jpg").write_bytes(encode_jpeg(np.zeros((4, 4, 3), np.uint8)))
        wanted = ["memory://bucket/a.jpg", "a.jpg", "memory:///bucket/b/c.PNG"]
        assert names(found("list.txt")) == wanted
        Path("picture.txt").write_bytes(Path("a.jpg").read_bytes())
        assert names(found("picture.txt")) == ["picture.txt"]
        assert (
            names(find_sources(["-"], lambda: [f"{x}\n".encode() for x in lines], None)) == wanted
        )

    def test_what_cannot_be_opened_says_why(self) -> None:
        assert reasons("rtsp://192.0.2.1/live") == [
            "rtsp:// of rtsp://192.0.2.1/live is no protocol of fsspec; record or download it first"
        ]
        assert reasons("memory://absent/") == ["memory://absent/ is absent or empty"]
        assert reasons("C:/x.jpg") == ["C:/x.jpg is absent"]


def reasons(*named: str) -> list[str]:
    return [failure.reason for failure in found(*named).absent]


def test_devices_are_cameras() -> None:
    assert found("/dev/video1", "1", "2").cameras == [1, 2]


def test_our_own_drawings_are_not_looked_at() -> None:
    assert "out/drawn.jpg" in names(found("."))
    assert "out/drawn.jpg" not in names(found(".", leave_out=Path("out")))
    assert names(found("out/drawn.jpg", leave_out=Path("out"))) == ["out/drawn.jpg"]
