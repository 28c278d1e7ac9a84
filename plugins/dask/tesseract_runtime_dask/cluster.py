"""The cluster of a target: an existing one, or a new one on this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import dask
from distributed import Client, LocalCluster

from runtime_core.config import RuntimeConfig
from runtime_core.errors import InvalidOption
from tesseract_runtime_dask.executor import DaskExecutor

_FORMS = "dask://HOST:PORT, dask+file://PATH or dask://local?workers=N"

_SECONDS_TO_CONNECT = 10

_OWN_CLUSTER = {
    "distributed.scheduler.allowed-failures": 0,  # the runtime itself retries
    "distributed.worker.daemon": False,  # user code may start processes
}


@contextmanager
def open_cluster(target: str, config: RuntimeConfig) -> Iterator[DaskExecutor]:
    """Connect to the cluster of a target, or start one; tasks are named after the Tesseract.

    Raises `InvalidOption` for an invalid target, and `OSError` if no scheduler answers.
    """
    parts = urlsplit(target)
    if parts.scheme == "dask+file":
        opened = _connected(scheduler_file=target.removeprefix("dask+file://"))
    elif parts.hostname == "local" and parts.port is None:
        opened = _started(_workers(target, parts.query))
    elif parts.hostname and parts.port:
        opened = _connected(f"tcp://{parts.netloc}")
    else:
        raise InvalidOption(f"--executor {target!r} is not valid: expected {_FORMS}.")
    with opened as client:
        yield DaskExecutor(client, config.name)


@contextmanager
def _connected(address: str | None = None, **options: Any) -> Iterator[Client]:
    with Client(address, set_as_default=False, timeout=_SECONDS_TO_CONNECT, **options) as client:
        yield client


@contextmanager
def _started(workers: int | None) -> Iterator[Client]:
    with (
        dask.config.set(_OWN_CLUSTER),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=None,  # Dask would kill a worker near it
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def _workers(target: str, query: str) -> int | None:
    """Return the number of workers; `None` for one each core."""
    options = dict(parse_qsl(query, keep_blank_values=True))
    text = options.pop("workers", "")
    if options or (query and not (text.isdecimal() and int(text))):
        raise InvalidOption(f"--executor {target!r} is not valid: expected {_FORMS}.")
    return int(text) if text else None
