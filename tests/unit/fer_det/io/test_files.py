import errno
import os
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fer_det.errors import OutputError, WeightsNotFoundError
from fer_det.io import files
from fer_det.io.files import (
    TEMPORARY_SUFFIX,
    atomic_path,
    atomic_writer,
    make_folder,
    sweep_temporaries,
    write_bytes,
    write_text,
    write_together,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_half(path: Path, error: BaseException | type[BaseException]) -> None:
    with atomic_writer(path) as file:
        file.write(b"half")
        raise error


class TestWhole:
    def test_text_and_bytes(self, tmp_path: Path) -> None:
        write_text(tmp_path / "a.txt", "Ärger\n")
        write_bytes(tmp_path / "b", b"\0\n")
        assert (tmp_path / "a.txt").read_bytes() == "Ärger\n".encode()
        assert (tmp_path / "b").read_bytes() == b"\0\n"
        assert names(tmp_path) == ["a.txt", "b"]

    def test_nothing_is_seen_before_the_block_ends(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        path.write_text("old")
        with atomic_writer(path) as file:
            file.write(b"new")
            file.flush()
            assert path.read_text() == "old"
        assert path.read_text() == "new"

    def test_is_on_disk_before_it_has_its_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        happened: list[str] = []
        sync, replace = os.fsync, Path.replace
        monkeypatch.setattr(os, "fsync", lambda number: (happened.append("sync"), sync(number)))
        monkeypatch.setattr(
            Path, "replace", lambda path, to: (happened.append("replace"), replace(path, to))
        )
        write_bytes(tmp_path / "a", b"x")
        assert happened[:2] == ["sync", "replace"]


class TestNotAtAll:
    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError(errno.EIO, "gone")])
    def test_failing_block_leaves_the_old_file(
        self, tmp_path: Path, error: BaseException | type[BaseException]
    ) -> None:
        path = tmp_path / "a"
        path.write_text("old")
        with pytest.raises((ValueError, KeyboardInterrupt, OutputError)):
            write_half(path, error)
        assert path.read_text() == "old"
        assert names(tmp_path) == ["a"]

    def test_full_disk_is_told(self, tmp_path: Path) -> None:
        with (
            pytest.raises(
                OutputError, match=r"a\.xml could not be written \(No space left"
            ) as told,
            atomic_writer(tmp_path / "a.xml"),
        ):
            raise OSError(errno.ENOSPC, "No space left on device")
        assert "\n" not in str(told.value)
        assert names(tmp_path) == []

    def test_absent_folder_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match=r"could not be written.*choose another place"):
            write_bytes(tmp_path / "absent" / "a", b"")

    def test_name_that_is_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        with pytest.raises(OutputError, match="could not be written"):
            write_bytes(tmp_path / "a", b"x")
        assert names(tmp_path) == ["a"]

    @pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
    def test_place_that_may_not_be_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
    ) -> None:
        def refuse(path: Path, *_: object, **__: object) -> None:
            raise OSError(code, os.strerror(code), str(path))

        # A read-only disk refuses to delete, too, even what is not there.
        monkeypatch.setattr(Path, "open", refuse)
        monkeypatch.setattr(Path, "unlink", refuse)
        with pytest.raises(OutputError, match=os.strerror(code)):
            write_bytes(tmp_path / "a", b"x")

    def test_folder_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("old")
        with pytest.raises(OutputError, match="could not be written"):
            write_bytes(tmp_path / "a" / "b", b"x")

    def test_error_of_a_nested_writer_keeps_its_words(self, tmp_path: Path) -> None:
        inner = OutputError("inner", "w", "r")
        with pytest.raises(OutputError) as told, atomic_writer(tmp_path / "a"):
            raise inner
        assert told.value is inner


@pytest.fixture(params=["fsync", "syncfs"])
def happened(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the disk and which files take their names, with and without syncfs."""
    happened: list[str] = []
    replace = Path.replace

    def sync(number: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(number).st_mode)
        happened.append("folder" if is_folder else "file")

    def sync_disk(number: int) -> None:
        assert stat.S_ISDIR(os.fstat(number).st_mode)
        happened.append("disk")

    monkeypatch.setattr(os, "fsync", sync)
    has_syncfs = request.param == "syncfs"
    monkeypatch.setattr(files, "_find_syncfs", lambda: sync_disk if has_syncfs else None)
    monkeypatch.setattr(
        Path, "replace", lambda path, to: (happened.append("name"), replace(path, to))
    )
    return happened


class TestTogether:
    def test_all_are_there(self, tmp_path: Path) -> None:
        make_folder(tmp_path / "x")
        (tmp_path / "a").write_text("old")
        contents = {tmp_path / "a": b"new", tmp_path / "x" / "b": b"", tmp_path / "c": b"\0"}
        write_together(contents)
        assert {path: path.read_bytes() for path in contents} == contents
        assert names(tmp_path) == ["a", "c", "x"]
        assert names(tmp_path / "x") == ["b"]

    def test_nothing(self) -> None:
        write_together({})

    def test_no_name_is_taken_before_all_is_on_disk_and_then_the_names_are(
        self, tmp_path: Path, happened: list[str]
    ) -> None:
        write_together({tmp_path / "a": b"1", tmp_path / "b": b"2"})
        waits = ["disk"] if "disk" in happened else ["file", "file"]
        assert happened == [*waits, "name", "name", "folder"]

    @pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.ENOSPC, "no room")])
    @pytest.mark.parametrize("happened", ["fsync", "syncfs"], indirect=True)
    def test_failing_leaves_old_files_and_nothing_half_written(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        happened: list[str],
        error: BaseException | type[BaseException],
    ) -> None:
        (tmp_path / "a").write_text("old")

        def fail(_: int) -> None:
            raise error

        if files._find_syncfs() is None:
            monkeypatch.setattr(os, "fsync", fail)
        else:
            monkeypatch.setattr(files, "_find_syncfs", lambda: fail)
        with pytest.raises((KeyboardInterrupt, OutputError), match=r"b could not be written|^$"):
            write_together({tmp_path / "a": b"1", tmp_path / "b": b"2"})
        assert names(tmp_path) == ["a"]
        assert (tmp_path / "a").read_text() == "old"
        assert not happened

    def test_absent_folder_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match=r"absent.a could not be written.*another place"):
            write_together({tmp_path / "absent" / "a": b""})

    @pytest.mark.parametrize(
        ("release", "has_syncfs"), [("5.7.19-arch", False), ("5.8.0", True), ("6.1", True)]
    )
    def test_syncfs_is_trusted_from_the_release_on_that_tells_of_errors(
        self, monkeypatch: pytest.MonkeyPatch, release: str, has_syncfs: bool
    ) -> None:
        if not sys.platform.startswith("linux"):
            pytest.skip("syncfs is Linux's")
        monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(release=release))
        files._find_syncfs.cache_clear()
        try:
            assert (files._find_syncfs() is not None) == has_syncfs
        finally:
            files._find_syncfs.cache_clear()

    def test_what_syncfs_refuses_is_an_error(self) -> None:
        sync_disk = files._find_syncfs()
        if sync_disk is None:
            pytest.skip("there is no syncfs here")
        with pytest.raises(OSError, match="Bad file descriptor"):
            sync_disk(-1)


class TestFolders:
    def test_makes_parents_and_keeps_what_is_there(self, tmp_path: Path) -> None:
        folder = make_folder(tmp_path / "a" / "b")
        (folder / "c").write_text("x")
        assert make_folder(tmp_path / "a" / "b") == folder
        assert names(folder) == ["c"]

    def test_file_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("x")
        for path in (tmp_path / "a", tmp_path / "a" / "b"):
            with pytest.raises(OutputError, match="could not be created"):
                make_folder(path)

    def test_sweeps_what_killed_runs_left_and_nothing_else(self, tmp_path: Path) -> None:
        deep = make_folder(tmp_path / "x" / "y")
        (deep / f".a.xml.123{TEMPORARY_SUFFIX}").write_bytes(b"half")
        (tmp_path / f".b.4{TEMPORARY_SUFFIX}").write_bytes(b"half")
        (deep / "a.xml").write_bytes(b"whole")
        (deep / ".hidden").write_bytes(b"mine")
        assert sweep_temporaries(tmp_path) == 2
        assert names(deep) == [".hidden", "a.xml"]
        assert sweep_temporaries(tmp_path) == 0

    def test_temporary_of_a_killed_writer_is_swept(self, tmp_path: Path) -> None:
        with atomic_writer(tmp_path / "a"):
            (left,) = tmp_path.iterdir()
            left_name = left.name
        (tmp_path / left_name).write_bytes(b"half")
        assert sweep_temporaries(tmp_path) == 1
        assert names(tmp_path) == ["a"]


class TestPath:
    """For what opens files itself."""

    def test_the_temporary_name_has_the_suffix_and_is_swept(self, tmp_path: Path) -> None:
        temporary = tmp_path

        def interrupted() -> None:
            nonlocal temporary
            with atomic_path(tmp_path / "a.mp4") as temporary:
                temporary.write_bytes(b"half")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert temporary.suffix == ".mp4"
        assert names(tmp_path) == []
        (tmp_path / temporary.name).write_bytes(b"of a killed run")
        assert sweep_temporaries(tmp_path) == 1
        assert names(tmp_path) == []

    def test_appears_when_the_block_ends(self, tmp_path: Path) -> None:
        with atomic_path(tmp_path / "a.mp4") as temporary:
            temporary.write_bytes(b"whole")
            assert not (tmp_path / "a.mp4").exists()
        assert (tmp_path / "a.mp4").read_bytes() == b"whole"
        assert names(tmp_path) == ["a.mp4"]

    def test_a_file_that_was_never_written_is_told(self, tmp_path: Path) -> None:
        with (
            pytest.raises(OutputError, match=r"a\.mp4 could not be written"),
            atomic_path(tmp_path / "a.mp4"),
        ):
            pass


def test_other_mistakes_within_are_told_as_they_are(tmp_path: Path) -> None:
    told = WeightsNotFoundError("best.pth is absent", "a checkpoint", "train one")
    with pytest.raises(WeightsNotFoundError), atomic_writer(tmp_path / "a"):
        raise told
    assert names(tmp_path) == []
