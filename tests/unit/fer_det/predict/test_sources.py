import os
from pathlib import Path

import pytest

from fer_det.predict.sources import Sources, find_sources


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
    return [each.path.as_posix() for each in sources.pictures]


def test_a_folder_is_read_to_its_depth_in_the_order_of_names() -> None:
    sources = found("photos")
    assert names(sources) == ["photos/a.jpg", "photos/b.PNG", "photos/deep/c.webp"]
    assert [each.path.as_posix() for each in sources.videos] == ["photos/deep/clip.MP4"]
    assert sources.passed_over == {".txt": 1, "no suffix": 1}
    assert {each.home for each in sources.pictures} == {Path("photos")}


def test_named_files_are_taken_whatever_their_suffix() -> None:
    sources = found("photos/notes.txt", "one.jpg")
    assert names(sources) == ["photos/notes.txt", "one.jpg"]
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


def test_our_own_drawings_are_not_looked_at() -> None:
    assert "out/drawn.jpg" in names(found("."))
    assert "out/drawn.jpg" not in names(found(".", leave_out=Path("out")))
    assert names(found("out/drawn.jpg", leave_out=Path("out"))) == ["out/drawn.jpg"]
