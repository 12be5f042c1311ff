import errno
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from fer_det.errors import ImageError
from fer_det.runtime.command import PROGRAM, other_command, run_command


def refusing(error: BaseException) -> int:
    """Run a command that raises this."""

    def command(argv: Sequence[str] | None) -> int:
        raise error

    return run_command(command, [])


@pytest.mark.parametrize(
    ("program", "wanted"),
    [
        ("fer-det train", "fer-det eval"),
        ("train_frcnn.py", "python tools/eval_rafdb.py"),
        (None, "fer-det eval"),
    ],
)
def test_other_commands_are_named_as_this_one_was_typed(program: str | None, wanted: str) -> None:
    named = PROGRAM.set(program or "")
    try:
        assert other_command("eval") == wanted
    finally:
        PROGRAM.reset(named)


@pytest.mark.parametrize("given", [None, "ACTIVE"])
def test_torch_s_threads_sleep_while_they_wait_unless_told_otherwise(given: str | None) -> None:
    code = (
        "import os, sys; from fer_det.runtime.command import run_command; "
        "run_command(lambda argv: print('torch' in sys.modules, os.environ['OMP_WAIT_POLICY']), [])"
    )
    env = {name: text for name, text in os.environ.items() if name != "OMP_WAIT_POLICY"}
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=env if given is None else {**env, "OMP_WAIT_POLICY": given},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["False", given or "PASSIVE"]


class TestExitCode:
    def test_the_command_s_own(self) -> None:
        seen: list[Sequence[str] | None] = []

        def command(argv: Sequence[str] | None) -> int:
            seen.append(argv)
            return 7

        assert run_command(command, ["--a"]) == 7
        assert seen == [["--a"]]

    def test_an_error_is_one_line_and_2(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert refusing(ImageError("a.jpg is\nempty", "a picture", "replace it")) == 2
        assert capsys.readouterr().err == "error: a.jpg is empty; wanted a picture; replace it\n"

    def test_what_the_system_refuses_is_too(self, capfd: pytest.CaptureFixture[str]) -> None:
        # capfd: the command directs the real stdout elsewhere.
        with os.fdopen(os.dup(1), "w") as kept:
            assert refusing(OSError(errno.ENOSPC, "No space left", "a/b")) == 2
            os.dup2(kept.fileno(), 1)
        assert "error: a/b could not be used (No space left); wanted" in capfd.readouterr().err

    def test_ctrl_c(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert refusing(KeyboardInterrupt()) == 130
        assert capsys.readouterr().err.startswith("interrupted: ")

    def test_our_own_mistakes_are_not_hidden(self) -> None:
        with pytest.raises(AssertionError, match="ours"):
            refusing(AssertionError("ours"))


PRINTS = """
import sys
from fer_det.errors import ImageError
from fer_det.runtime.command import run_command

NAME = "Am\\u00e9lie \\u7167.jpg"

def command(argv):
    print(NAME)
    raise ImageError(NAME + "\\x1b[2J\\udcff" + "x" * 3000, "a picture", "replace it")

sys.exit(run_command(command, []))
"""


@pytest.mark.parametrize(
    ("settings", "printed"),
    [
        ({"PYTHONIOENCODING": "utf-8"}, "Amélie 照.jpg"),
        ({"PYTHONIOENCODING": "ascii"}, r"Am\xe9lie \u7167.jpg"),
        ({"PYTHONIOENCODING": "latin-1"}, r"Amélie \u7167.jpg"),
        ({"PYTHONIOENCODING": "cp1252"}, r"Amélie \u7167.jpg"),
        (
            {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
            r"Am\xe9lie \u7167.jpg",
        ),
    ],
)
def test_any_encoding_of_the_terminal(settings: dict[str, str], printed: str) -> None:
    """Neither print() nor an error line ends in a traceback."""
    ended = subprocess.run(
        [sys.executable, "-c", PRINTS], capture_output=True, env={**os.environ, **settings}
    )
    encoding = settings.get("PYTHONIOENCODING", "ascii")
    assert ended.returncode == 2
    assert ended.stdout.decode(encoding) == f"{printed}\n"
    (line,) = ended.stderr.decode(encoding).splitlines()
    assert line.startswith(rf"error: {printed}\x1b[2J\xff")
    assert line.endswith("xx; wanted a picture; replace it")
    assert len(line) < 1100


ENDS = """
import atexit, gc, sys, tempfile
from fer_det.runtime.command import run_command

class Loop:
    def __init__(self):
        self.itself = self
    def __del__(self):
        print("collected")

atexit.register(print, "said")
folder = tempfile.TemporaryDirectory()
print(folder.name)
if sys.argv[1] == "command":
    run_command(lambda argv: 0, [])
gc.disable()
Loop()
"""


@pytest.mark.parametrize(
    ("how", "last"), [("nothing", ["said", "collected"]), ("command", ["said"])]
)
def test_a_process_ends_in_order_but_without_a_search_for_garbage(
    how: str, last: list[str]
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ENDS, how], capture_output=True, text=True, check=True
    )
    folder, *rest = ended.stdout.split("\n")[:-1]
    assert rest == last
    assert not Path(folder).exists()
