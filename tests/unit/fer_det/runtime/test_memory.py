import subprocess
import sys
from pathlib import Path

import pytest

from fer_det.runtime import memory

TAKES_AGAIN = """
import resource, sys
from fer_det.runtime.memory import keep_freed_memory

if sys.argv[1] == "kept":
    assert keep_freed_memory()
taken = []
for _ in range(4):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    bytearray(64_000_000)
    taken.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(taken[-1])
"""


def page_faults_of_the_fourth_time(how: str) -> int:
    told = subprocess.run(
        [sys.executable, "-c", TAKES_AGAIN, how], capture_output=True, text=True, check=True
    )
    return int(told.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc's memory is spoken of")
class TestKeepFreedMemory:
    def test_large_arrays_are_handed_back_by_default(self) -> None:
        assert page_faults_of_the_fourth_time("handed back") > 1000

    def test_freed_memory_is_taken_again(self) -> None:
        assert page_faults_of_the_fourth_time("kept") < 100


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not memory.keep_freed_memory()


ENDS = """
import atexit, gc, sys, tempfile
from fer_det.runtime.memory import skip_last_collections

class Loop:
    def __init__(self):
        self.itself = self
    def __del__(self):
        print("collected")

atexit.register(print, "said")
folder = tempfile.TemporaryDirectory()
print(folder.name)
if sys.argv[1] == "skipped":
    skip_last_collections()
gc.disable()
Loop()
"""


@pytest.mark.parametrize(
    ("how", "last"), [("not skipped", ["said", "collected"]), ("skipped", ["said"])]
)
def test_a_process_ends_in_order_but_without_a_search(how: str, last: list[str]) -> None:
    told = subprocess.run(
        [sys.executable, "-c", ENDS, how], capture_output=True, text=True, check=True
    )
    folder, *rest = told.stdout.split("\n")[:-1]
    assert rest == last
    assert not Path(folder).exists()
