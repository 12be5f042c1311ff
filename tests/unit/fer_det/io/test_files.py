import errno
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from fer_det.errors import OutputError, WeightsNotFoundError
from fer_det.io import files
from fer_det.io.files import (
    STALE_SECONDS,
    TEMPORARY_SUFFIX,
    atomic_path,
    atomic_writer,
    claim_folder,
    demand_writable,
    find_shipped,
    hold_folder,
    make_folder,
    refuse_existing,
    sweep_temporaries,
    write_bytes,
    write_text,
    write_together,
)

ROOT = Path(__file__).parents[4]


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


class TestSweep:
    def test_what_killed_runs_left_and_nothing_else(self, tmp_path: Path) -> None:
        deep = make_folder(tmp_path / "x" / "y")
        for folder in (deep, tmp_path):
            write_and_die(folder / "a.xml")
        # As earlier versions named them.
        (deep / f".a.xml.123{TEMPORARY_SUFFIX}").write_bytes(b"half")
        (deep / "a.xml").write_bytes(b"whole")
        (deep / ".hidden").write_bytes(b"mine")
        assert sweep_temporaries(tmp_path) == 3
        assert names(deep) == [".hidden", "a.xml"]
        assert sweep_temporaries(tmp_path) == 0

    @pytest.mark.parametrize("suffix", ["", ".mp4"])
    def test_a_file_that_is_being_written_stays(self, tmp_path: Path, suffix: str) -> None:
        with atomic_path(tmp_path / f"a{suffix}") as temporary:
            temporary.write_bytes(b"ha")
            assert sweep_temporaries(tmp_path) == 0
            temporary.write_bytes(b"half")
        assert names(tmp_path) == [f"a{suffix}"]

    def test_a_dead_process_s_number_may_be_that_of_another_process_now(
        self, tmp_path: Path
    ) -> None:
        with atomic_path(tmp_path / "a") as temporary:
            temporary.write_bytes(b"half")
            machine, pid, start, number = temporary.name.lstrip(".").split("-", 3)
            earlier = f".{machine}-{pid}-{int(start) - 1}-{number}"
            (tmp_path / earlier).write_bytes(b"half")
            assert sweep_temporaries(tmp_path) == 1
            assert names(tmp_path) == [temporary.name]

    @pytest.mark.parametrize(("age", "swept"), [(0, 0), (STALE_SECONDS + 60, 1)])
    def test_another_machine_s_files_stay_while_they_are_written(
        self, tmp_path: Path, age: int, swept: int
    ) -> None:
        path = tmp_path / f".00000000-1-2-3{TEMPORARY_SUFFIX}"
        path.write_bytes(b"half")
        written = time.time() - age
        os.utime(path, (written, written))
        assert sweep_temporaries(tmp_path) == swept

    @pytest.mark.parametrize(
        ("answer", "runs"), [(None, True), (PermissionError, True), (ProcessLookupError, False)]
    )
    def test_where_there_is_no_proc_the_process_is_asked(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        answer: type[OSError] | None,
        runs: bool,
    ) -> None:
        def kill(pid: int, signal: int) -> None:
            assert (pid, signal) == (os.getpid(), 0)
            if answer is not None:
                raise answer

        monkeypatch.setattr(files, "_start_of", lambda _: None)
        monkeypatch.setattr(files.platform, "system", lambda: "Darwin")
        monkeypatch.setattr(os, "kill", kill)
        with atomic_path(tmp_path / "a") as temporary:
            temporary.write_bytes(b"half")
            assert sweep_temporaries(tmp_path) == (not runs)
            temporary.write_bytes(b"half")


def write_and_die(path: Path) -> None:
    """Let a process write half a file and be killed."""
    code = (
        "import os, sys; from pathlib import Path; from fer_det.io.files import atomic_writer\n"
        "with atomic_writer(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == -9


CLAIMS = """
import sys
from pathlib import Path
from fer_det.io.files import claim_folder

sys.stdin.readline()
for _ in range(20):
    print(claim_folder(Path(sys.argv[1]), "predict").name)
"""


class TestClaim:
    def test_numbers_go_on_after_the_highest(self, tmp_path: Path) -> None:
        runs = tmp_path / "runs"
        assert claim_folder(runs, "frcnn") == runs / "frcnn-001"
        make_folder(runs / "frcnn-007")
        make_folder(runs / "frcnn-old")
        make_folder(runs / "predict-009")
        (runs / "frcnn-008").write_text("a file")
        assert claim_folder(runs, "frcnn") == runs / "frcnn-009"
        assert claim_folder(runs, "predict") == runs / "predict-010"
        make_folder(runs / "frcnn-999")
        assert claim_folder(runs, "frcnn").name == "frcnn-1000"
        assert (runs / "frcnn-1000").is_dir()

    def test_no_two_processes_get_the_same(self, tmp_path: Path) -> None:
        argv = [sys.executable, "-c", CLAIMS, str(tmp_path)]
        started = [
            subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        for each in started:
            assert each.stdin is not None
            each.stdin.write("\n")
            each.stdin.flush()
        claimed = [name for each in started for name in each.communicate()[0].split()]
        assert sorted(claimed) == [f"predict-{number:03d}" for number in range(1, 81)]

    def test_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("x")
        with pytest.raises(OutputError, match="could not be created"):
            claim_folder(tmp_path / "a", "frcnn")


@pytest.mark.skipif(sys.platform == "win32", reason="no such lock")
class TestHold:
    def test_one_at_a_time(self, tmp_path: Path) -> None:
        # The lock belongs to the opened folder, so the same process is refused, too.
        told = "is being written by another process"
        with hold_folder(tmp_path), pytest.raises(OutputError, match=told), hold_folder(tmp_path):
            pass
        with hold_folder(tmp_path):
            assert not list(tmp_path.iterdir())


class TestAskedFirst:
    def test_folder_that_can_be_written(self, tmp_path: Path) -> None:
        assert demand_writable(tmp_path / "a" / "b") == tmp_path / "a" / "b"
        assert not list((tmp_path / "a" / "b").iterdir())

    @pytest.mark.skipif(sys.platform != "linux", reason="/proc")
    def test_folder_that_cannot(self) -> None:
        # Root may write everywhere else.
        with pytest.raises(OutputError, match=r"^/proc/self could not be written"):
            demand_writable(Path("/proc/self"))

    def test_existing_file_is_replaced_on_demand_alone(self, tmp_path: Path) -> None:
        refuse_existing(tmp_path / "a", overwrite=False)
        (tmp_path / "a").touch()
        refuse_existing(tmp_path / "a", overwrite=True)
        with pytest.raises(OutputError, match=r"a exists already; wanted a new file; .*overwrite"):
            refuse_existing(tmp_path / "a", overwrite=False)


class TestLongNames:
    """A name may have 255 bytes; that of the temporary file must not be longer."""

    @pytest.mark.parametrize("suffix", ["", ".jpg", "." + "x" * 200])
    def test_longest_names(self, tmp_path: Path, suffix: str) -> None:
        name = "n" * (255 - len(suffix)) + suffix
        write_bytes(tmp_path / name, b"1")
        with atomic_path(tmp_path / name) as temporary:
            temporary.write_bytes(b"2")
        write_together({tmp_path / name: b"3"})
        assert (tmp_path / name).read_bytes() == b"3"
        assert names(tmp_path) == [name]

    def test_longer_than_any_file_system_takes(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="could not be written"):
            write_bytes(tmp_path / ("n" * 256), b"1")
        assert names(tmp_path) == []


class TestShipped:
    def test_of_a_checkout(self) -> None:
        assert find_shipped("configs/small_cpu.yaml") == ROOT / "configs" / "small_cpu.yaml"
        assert find_shipped("configs/nothing.yaml") is None

    def test_of_an_installed_package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "fer_det" / "shipped" / "configs" / "a.yaml"
        make_folder(path.parent)
        path.write_text("size: 3")
        # Something else of that name beside the package is not ours.
        (make_folder(tmp_path / "configs") / "b.yaml").write_text("size: 3")
        monkeypatch.setattr(files, "__file__", str(tmp_path / "fer_det" / "io" / "files.py"))
        assert find_shipped("configs/a.yaml") == path
        assert find_shipped("configs/b.yaml") is None


class TestPath:
    """For what opens files itself."""

    def test_the_temporary_name_has_the_suffix(self, tmp_path: Path) -> None:
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
