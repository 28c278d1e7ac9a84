"""The executor `threads`: `threads://N` are N threads of this process."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from runtime_core.config import RuntimeConfig
from runtime_core.contracts import ExecutorProvider
from runtime_core.errors import InvalidOption
from runtime_core.hookspecs import hookimpl


def open_threads(target: str, config: RuntimeConfig) -> ThreadPoolExecutor:
    """Start threads; `InvalidOption` for a target without their number."""
    number = target.removeprefix("threads://")
    if not number.isdecimal() or int(number) == 0:
        raise InvalidOption(f"{target!r} does not say how many threads: for instance threads://4.")
    return ThreadPoolExecutor(int(number))


@hookimpl
def executors() -> Iterable[ExecutorProvider]:
    """Provide threads."""
    yield ExecutorProvider(
        name="threads", summary="Threads.", schemes=("threads",), open=open_threads
    )
