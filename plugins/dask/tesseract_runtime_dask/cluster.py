"""The cluster of a target: an existing one, or a new one on this machine."""

from __future__ import annotations

import json
import logging
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from pathlib import Path

import dask
from distributed import Client, LocalCluster

from runtime_core.config import RuntimeConfig
from runtime_core.contracts import require_listener
from runtime_core.errors import ExecutorFailed
from tesseract_runtime_dask.executor import DaskExecutor
from tesseract_runtime_dask.target import FILE, parse_target

_TCP = "tcp://"  # begins the address of a scheduler
_SECONDS_TO_CONNECT = 10
_LONGEST_HANDSHAKE = 1 << 16  # bytes; of text, such as that of SSH, eight bytes are a larger number

_OWN_CLUSTER = {
    "distributed.scheduler.allowed-failures": 0,  # the runtime itself retries
    "distributed.worker.daemon": False,  # user code may start processes
}


@contextmanager
def open_cluster(target: str, config: RuntimeConfig) -> Iterator[DaskExecutor]:
    """Connect to the cluster of a target, or start one; tasks are named after the Tesseract.

    Raises `InvalidOption` for an invalid target, and `ExecutorFailed` without the file of the
    scheduler, or if no scheduler answers.
    """
    parsed = parse_target(target)
    with _started(parsed.workers) if parsed.workers else _connected(target) as client:
        yield DaskExecutor(client, config.name)


def _connected(target: str) -> Client:
    is_file = target.startswith(FILE)
    address = _address_in(target) if is_file else f"{_TCP}{parse_target(target).address}"
    if address.startswith(_TCP):  # Dask itself waits for minutes for any other program
        advice = "Start `dask scheduler`, or name the address of one."
        require_listener(target, address.removeprefix(_TCP), advice, greets=_greets)
    return Client(address, set_as_default=False, timeout=_SECONDS_TO_CONNECT)


def _greets(data: bytes) -> bool:
    """Recognize the handshake of a scheduler, which begins with its length in eight bytes."""
    return 0 < int.from_bytes(data[:8], "little") < _LONGEST_HANDSHAKE


def _address_in(target: str) -> str:
    """Return the address in the scheduler file of a target; `ExecutorFailed` without one."""
    file = target.removeprefix(FILE)
    try:
        return str(json.loads(Path(file).read_bytes())["address"])
    except OSError:
        problem = "does not exist"
    except (KeyError, TypeError, ValueError):
        problem = "has no address of a scheduler"
    raise ExecutorFailed(
        f"--executor {target}: the file {file!r} {problem}. Start the scheduler with "
        "--scheduler-file, or name the file that it has written."
    )


@contextmanager
def _started(workers: int) -> Iterator[Client]:
    with dask.config.set(_OWN_CLUSTER), ExitStack() as opened:
        with _interrupts_blocked():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                memory_limit=None,  # Dask would kill a worker near it
                silence_logs=logging.CRITICAL,
            )
            opened.enter_context(cluster)
        yield opened.enter_context(Client(cluster, set_as_default=False))


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block Ctrl-C in the threads and processes that start inside the `with`, for their lives.

    It is for the command, which ends its cluster.
    """
    resource_tracker.ensure_running()  # to start it later would unblock it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
