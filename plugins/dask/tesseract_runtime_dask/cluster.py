"""The cluster of a target: an existing one, or a new one on this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dask
from distributed import Client, LocalCluster

from runtime_core.config import RuntimeConfig
from runtime_core.errors import ExecutorFailed
from tesseract_runtime_dask.executor import DaskExecutor
from tesseract_runtime_dask.target import Target, parse_target

_SECONDS_TO_CONNECT = 10

_OWN_CLUSTER = {
    "distributed.scheduler.allowed-failures": 0,  # the runtime itself retries
    "distributed.worker.daemon": False,  # user code may start processes
}


@contextmanager
def open_cluster(target: str, config: RuntimeConfig) -> Iterator[DaskExecutor]:
    """Connect to the cluster of a target, or start one; tasks are named after the Tesseract.

    Raises `InvalidOption` for an invalid target, `ExecutorFailed` without the file of the
    scheduler, and `OSError` if no scheduler answers.
    """
    parsed = parse_target(target)
    file = (parsed.connection or {}).get("scheduler_file")
    if file is not None and not Path(file).is_file():  # Dask would wait for it without end
        raise ExecutorFailed(
            f"--executor {target}: the file {file!r} does not exist. Start the scheduler with "
            "--scheduler-file, or name the file that it has written."
        )
    with _client(parsed) as client:
        yield DaskExecutor(client, config.name)


@contextmanager
def _client(target: Target) -> Iterator[Client]:
    if target.connection is not None:
        options = {"set_as_default": False, "timeout": _SECONDS_TO_CONNECT}
        with Client(**target.connection, **options) as client:
            yield client
        return
    with (
        dask.config.set(_OWN_CLUSTER),
        LocalCluster(
            n_workers=target.workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=None,  # Dask would kill a worker near it
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client
