"""The executor: a pool of processes."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def open_pool(target: str) -> ProcessPoolExecutor:
    """Open the pool of a target, `SCHEME:N` with the number of processes."""
    workers = int(target.partition(":")[2] or 1)
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
