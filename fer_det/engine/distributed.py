"""Training in this process or in several, resumed from the last checkpoint where one dies."""

from __future__ import annotations

import logging
import os
import signal
import sys
import uuid
from collections.abc import Callable, Sequence

from fer_det.config.training import RunConfig
from fer_det.errors import ConfigError, WorkerError
from fer_det.runtime.command import EXIT_INTERRUPTED, EXIT_OK, EXIT_USER_MISTAKE
from fer_det.runtime.device import Hardware, choose_hardware, make_deterministic
from fer_det.runtime.distributed import Processes, process_group, processes_from_environment
from fer_det.runtime.memory import keep_freed_memory

Work = Callable[[Hardware, Processes], None]


def run_training(
    config: RunConfig, command: Sequence[str], argv: Sequence[str] | None, work: Work
) -> int:
    """Do `work` in this process, or run the whole command in --processes processes; -> exit code.

    command: the arguments of python for this command, before its flags `argv`. Raises WorkerError
    where a process died and no retry is left.
    """
    if "RANK" in os.environ or (config.processes == 1 and config.retries == 0):
        _work_in_this_process(config, work)
        return EXIT_OK
    flags = list(sys.argv[1:] if argv is None else argv)
    for retry in range(config.retries + 1):
        # The first attempt may have deleted an old run; the next ones resume the new run.
        again = ["--overwrite=false"] if retry else []
        failed = _launch([*command, *flags, *again], config.processes)
        if failed is None:
            return EXIT_OK
        rank, code = failed
        if code in (EXIT_USER_MISTAKE, EXIT_INTERRUPTED):
            return code  # The process has printed the reason.
        problem = f"training process {rank} {_describe(code)}"
        if retry < config.retries:
            print(
                f"warning: {problem}; the run is resumed from its last checkpoint, "
                f"retry {retry + 1} of {config.retries}",
                file=sys.stderr,
                flush=True,
            )
    raise WorkerError(
        problem,
        "processes that run to the end",
        "type the same command again to resume, with fewer --workers if memory ran out",
    )


def _work_in_this_process(config: RunConfig, work: Work) -> None:
    """Do `work` on the hardware that the flags ask for, beside torchrun's other processes."""
    processes = processes_from_environment()
    if config.batch_size % processes.world:
        raise ConfigError(
            f"--batch_size {config.batch_size} for {processes.world} processes",
            "a multiple of the number of processes",
            "change --batch_size or the number of processes",
        )
    hardware = choose_hardware(config.device, config.precision, processes.local_rank)
    make_deterministic()
    keep_freed_memory()
    with process_group(processes, hardware.device):
        work(hardware, processes)


def _launch(argv: list[str], processes: int) -> tuple[int, int] | None:
    """Run torchrun once, on this machine; -> (rank, exit code) of the first process that failed."""
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # Its long messages are replaced by one line here.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    launch = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=str(uuid.uuid4()),
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        # Retries start a new launcher: after a killed process its restart in place worked 5 of 10
        # times, a new launcher 5 of 5.
        max_restarts=0,
        monitor_interval=0.1,
    )
    try:
        elastic_launch(launch, sys.executable)(*argv)
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        codes = {each.exitcode for each in error.failures.values()}
        # The other processes die because they lose the one that has printed the reason.
        return rank, EXIT_USER_MISTAKE if EXIT_USER_MISTAKE in codes else failure.exitcode
    except SignalException as error:
        if error.sigval == signal.SIGINT:
            raise KeyboardInterrupt from error
        sys.exit(128 + error.sigval)
    return None


def _describe(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed by {signal.Signals(-code).name}"
