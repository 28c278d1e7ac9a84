"""Executors, which compute the evaluations of a call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from runtime_core.contracts.calls import Call, Reply

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    import numpy as np


class Evaluations(Protocol):
    """Evaluates `apply` near one point, wherever the executor runs.

    Every evaluation has its own copy of the inputs, and its logs are dropped.
    """

    @property
    def concurrency(self) -> int:
        """The number of evaluations to keep pending at a time."""

    def submit(
        self, changes: Mapping[str, np.ndarray[Any, Any]], outputs: Collection[str]
    ) -> Future[Mapping[str, np.ndarray[Any, Any]]]:
        """Evaluate with changed inputs, by path, and return the outputs at some paths.

        The arrays have the shapes and data types of the fields; the caller owns the outputs. The
        future raises `AuthorError` from an exception of `apply`, and `InvalidResult` for outputs
        that do not fit their schema or have no array at a path. Wait for it by `result` or
        `exception`, in the thread that has submitted it: they also retry what a lost process had.
        """


class Calls(Protocol):
    """Answers calls of any endpoint, wherever the executor runs, in any order.

    Keep at most `concurrency` of them pending, and read their replies in the order of submission::

        with runtime.calls() as calls:
            pending = deque()
            for call in made:  # Call(endpoint=..., run_id=..., body=..., ...)
                pending.append(calls.submit(call))
                if len(pending) >= calls.concurrency:
                    store(pending.popleft().result())
            while pending:
                store(pending.popleft().result())

    A failure of a call is the `Fault` of its reply, also the second loss of a process that computed
    it. Only the future of a call to an executor that is unusable raises: `ExecutorFailed`.

    A run that is `kept` has its folder, its output and its records where it has them on the command
    line, in the `output_path` of the call or of the configuration, which all processes must see.
    Use an id that is not in use: an earlier run of the same id is replaced. The output of other
    runs is that of the process, and of their files and records nothing is left. Calls with
    `changes` and the same `body` object send it once to each process. `timeout` and `segment` have
    no effect.
    """

    @property
    def concurrency(self) -> int:
        """The number of calls to keep pending at a time."""

    def submit(self, call: Call) -> Future[Reply]:
        """Submit a call; without an executor it is answered at once, in this thread.

        Wait for the future by `result` or `exception`, in the thread that has submitted it.
        """


@runtime_checkable
class SharingExecutor(Protocol):
    """What a `concurrent.futures.Executor` may have besides `submit`.

    `workers` is the number of evaluations that it computes at a time.
    """

    @property
    def workers(self) -> int:
        """The number of evaluations that are computed at a time."""

    def share(self, data: bytes) -> object:
        """Return an argument of `submit` that is `data` in each process, where it is sent once."""


@dataclass(frozen=True, kw_only=True)
class ExecutorProvider:
    """Declares an executor for targets such as `dask://scheduler:8786`.

    `open(target, config)` returns a context manager of a `concurrent.futures.Executor`, or of
    `None` to compute in the thread of the call. It is called when the first evaluation needs it,
    and raises `ExecutorFailed` if the target does not answer. Only `submit(function, *arguments)`
    is used, with an importable function and plain data, and what a `SharingExecutor` has. A future
    raises `concurrent.futures.BrokenExecutor` if the process that computed it was lost; if `submit`
    raises it, the executor is closed and opened again. The executor itself retries nothing. Where a
    task costs milliseconds besides its computation, the attribute `least_seconds` of the executor
    names the seconds that one shall take: short evaluations are sent together.

    `copies(target)` returns the number of processes of this machine that load the Tesseract for a
    target. It is called at the start, and raises `InvalidOption` for a target that is not valid.
    """

    name: str
    summary: str
    schemes: Collection[str]
    open: Callable[..., AbstractContextManager[Executor | None]]
    copies: Callable[..., int] | None = None
