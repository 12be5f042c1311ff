"""Training in processes of its own, begun again from the last checkpoint where one of them dies."""

from __future__ import annotations

import logging
import os
import signal
import sys
import uuid
from collections.abc import Callable, Sequence

from fer_det.config.training import RunConfig
from fer_det.engine.job import in_processes
from fer_det.errors import WorkerError
from fer_det.runtime.command import EXIT_INTERRUPTED, EXIT_OK, EXIT_USER_MISTAKE
from fer_det.runtime.device import Hardware
from fer_det.runtime.distributed import Processes

Work = Callable[[Hardware, Processes], None]


def run_training(
    config: RunConfig, command: Sequence[str], argv: Sequence[str] | None, work: Work
) -> int:
    """Do `work` in this process, or the whole command in --processes of its own; -> exit code.

    command: what python is given to run this very command, before its flags `argv`. Raises
    WorkerError where a process died and no retry is left.
    """
    if "RANK" in os.environ or (config.processes == 1 and config.retries == 0):
        in_processes(config, work)
        return EXIT_OK
    flags = list(sys.argv[1:] if argv is None else argv)
    for retry in range(config.retries + 1):
        # The first attempt may have thrown away what lay there; the next go on with what it did.
        again = ["--overwrite=false"] if retry else []
        failed = _run([*command, *flags, *again], config.processes)
        if failed is None:
            return EXIT_OK
        rank, code = failed
        if code in (EXIT_USER_MISTAKE, EXIT_INTERRUPTED):
            return code  # It has said why.
        told = f"training process {rank} {_how(code)}"
        if retry < config.retries:
            print(
                f"warning: {told}; the run goes on from its last checkpoint, "
                f"retry {retry + 1} of {config.retries}",
                file=sys.stderr,
                flush=True,
            )
    raise WorkerError(
        told,
        "processes that live to the end",
        "type the same command again to go on, with fewer --workers if memory ran out",
    )


def _run(argv: list[str], processes: int) -> tuple[int, int] | None:
    """torchrun, once, on this machine; -> (rank, exit code) of the process that failed first."""
    # Of torch's own launcher, which the other commands have no use for.
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # It tells at length what is told here in a line.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    launch = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=str(uuid.uuid4()),
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        # A fresh launcher goes on more surely than one that restarts its processes.
        max_restarts=0,
        monitor_interval=0.1,
    )
    try:
        elastic_launch(launch, sys.executable)(*argv)
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        codes = {each.exitcode for each in error.failures.values()}
        # The others die of the loss of one that has said what is wrong.
        return rank, EXIT_USER_MISTAKE if EXIT_USER_MISTAKE in codes else failure.exitcode
    except SignalException as error:
        if error.sigval == signal.SIGINT:
            raise KeyboardInterrupt from error
        sys.exit(128 + error.sigval)
    return None


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed by {signal.Signals(-code).name}"
