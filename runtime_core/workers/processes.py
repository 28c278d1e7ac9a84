"""The executor `processes`: processes of this machine, which share its cores."""

from __future__ import annotations

import os
from collections.abc import Mapping

from runtime_core.config import RuntimeConfig
from runtime_core.cores import usable_cores
from runtime_core.errors import InvalidOption
from runtime_core.workers.task_pool import TaskPool

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""Variables that limit the threads of libraries."""


def open_processes(target: str, config: RuntimeConfig) -> TaskPool:
    """Return a pool for `processes` or `processes:N`; `InvalidOption` for another target."""
    workers = number_of_processes(target)
    return TaskPool(workers, {**thread_limits(workers), **os.environ})


def number_of_processes(target: str) -> int:
    """Return the number of a target, by default that of the cores."""
    _, colon, number = target.partition(":")
    if not colon:
        return usable_cores()
    if not number.isdecimal() or int(number) == 0:
        raise InvalidOption(
            f"--executor {target!r} is not valid: expected processes or processes:N."
        )
    return int(number)


def thread_limits(workers: int) -> Mapping[str, str]:
    """Return variables that give each process its share of the cores; the user's come first."""
    threads = max(usable_cores() // workers, 1)
    eigen = "true" if threads > 1 else "false"
    xla = f"--xla_cpu_multi_thread_eigen={eigen} intra_op_parallelism_threads={threads}"
    return {**dict.fromkeys(_THREADS, str(threads)), "XLA_FLAGS": xla}
