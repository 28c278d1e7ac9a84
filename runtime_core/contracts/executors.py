"""Executors: where the many evaluations of one call are computed."""

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
    """Evaluates `apply` near one point, wherever the executor runs.

    Every evaluation has inputs of its own, and what it logs is dropped.
    """

    @property
    def concurrency(self) -> int:
        """Return how many evaluations are worth having submitted at a time."""

    def submit(
        self, changes: Mapping[str, np.ndarray[Any, Any]], outputs: Collection[str]
    ) -> Future[Mapping[str, np.ndarray[Any, Any]]]:
        """Evaluate with some inputs (by path) changed, and return the outputs asked for.

        Both have the shapes and data types of the inputs and outputs; what is returned is the
        caller's. The future raises an `AuthorError` from what `apply` raises, and `InvalidResult`
        for outputs that do not fit their schema or have no array at a path.
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
