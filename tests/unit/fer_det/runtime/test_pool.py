import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fer_det.errors import ImageError, WorkerError
from fer_det.runtime.pool import available_cores, map_in_processes

# Functions run in worker processes must be importable there, so they are built-ins or the
# package's own; a test module under importlib mode is not.


class TestOrder:
    @pytest.mark.parametrize("workers", [1, 2])
    def test_results_come_in_the_order_of_the_items(self, workers: int) -> None:
        assert list(map_in_processes(abs, list(range(-40, 0)), workers)) == list(range(40, 0, -1))

    def test_nothing_to_do_starts_nothing(self) -> None:
        assert list(map_in_processes(abs, [], 8)) == []


class TestErrors:
    def test_mistake_in_a_worker_arrives_whole(self) -> None:
        from fer_det.imaging.decode import load_rgb8

        paths = [Path(__file__)] * 3
        with pytest.raises(ImageError, match=r"test_pool\.py is not a picture") as caught:
            list(map_in_processes(load_rgb8, paths, 2))
        assert caught.value.remedy == "replace the file or leave it out"

    def test_killed_worker_is_told_in_one_line(self) -> None:
        with pytest.raises(WorkerError, match="a worker process died") as caught:
            list(map_in_processes(os._exit, [1, 1, 1], 2))
        assert "\n" not in str(caught.value)


def test_uses_the_cores_it_may() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_processes_end_with_a_killed_parent() -> None:
    code = (
        "import sys, time, os; from fer_det.runtime.pool import map_in_processes;"
        "print(*map_in_processes(eval, ['__import__(\"os\").getpid()'] * 40, 2), sep=' ', end=' ');"
        "print(flush=True);"
        "list(map_in_processes(eval, ['print(__import__(\"os\").getpid(), flush=True)'] * 2"
        " + ['__import__(\"time\").sleep(60)'] * 2, 2))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    pids = {int(process.stdout.readline()), int(process.stdout.readline())}
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(map(_alive, pids)):
        time.sleep(0.02)
    assert not any(map(_alive, pids))


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
