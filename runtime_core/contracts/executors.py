"""Executors, which compute the evaluations of a call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    import numpy as np

    from runtime_core.config import RuntimeConfig


class Evaluations(Protocol):
    """Evaluates `apply` near one point.

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
        that do not fit their schema or have no array at a path.
        """


@dataclass(frozen=True, kw_only=True)
class ExecutorProvider:
    """Declares an executor for targets such as `dask://scheduler:8786`.

    `open` returns a context manager of a `concurrent.futures.Executor`; only its `submit` is
    called.
    """

    name: str
    summary: str
    schemes: Collection[str]
    open: Callable[[str, RuntimeConfig], AbstractContextManager[Executor]]
