"""The executor that the options choose, opened at its first use."""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from threading import Lock
from typing import TYPE_CHECKING, Self

from runtime_core.catalog import Catalog, Registered
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import ExecutorProvider
from runtime_core.errors import ExecutorFailed, TesseractRuntimeError
from runtime_core.message_texts import exception_text

if TYPE_CHECKING:
    from concurrent.futures import Executor

SERIAL = "serial"
"""The default of `--executor`."""


class ChosenExecutor:
    """An executor with its target, shared by all evaluations of a runtime."""

    def __init__(
        self, provider: Registered[ExecutorProvider], target: str, config: RuntimeConfig
    ) -> None:
        self._provider = provider
        self._config = config
        self._lock = Lock()
        self._opened: ExitStack | None = None
        self._executor: Executor | None = None
        self.target = target

    @classmethod
    def of(cls, catalog: Catalog, config: RuntimeConfig) -> Self:
        """Find the executor of `--executor`; `UnknownName` gives the next step.

        Raises `InvalidOption` for a target that is not valid.
        """
        provider = catalog.executors.of_scheme(config.executor, "--executor")
        chosen = cls(provider, config.executor, config)
        _ = chosen.copies  # parses the target now, and not at the first evaluation
        return chosen

    def __str__(self) -> str:
        return f"{self.target} ({self._provider.origin})"

    @property
    def copies(self) -> int:
        """The number of processes of this machine that load the Tesseract for it."""
        count = self._provider.value.copies
        return 0 if count is None else count(target=self.target)

    def current(self) -> Executor | None:
        """Return the open executor; `None` computes in the thread of the call.

        Raises `ExecutorFailed` if it cannot be opened.
        """
        with self._lock:
            if self._opened is None:
                self._open()
            return self._executor

    def replace(self, broken: Executor) -> Executor:
        """Return an executor in the place of a broken one, closed once for all its users."""
        with self._lock:
            if self._executor is broken:
                self._close()
                self._open()
            assert self._executor is not None  # it has been opened before
            return self._executor

    def close(self) -> None:
        """Close the executor; it is opened again when it is used again."""
        with self._lock:
            self._close()

    def _open(self) -> None:
        with ExitStack() as stack:
            try:
                manager = self._provider.value.open(target=self.target, config=self._config)
                self._executor = stack.enter_context(manager)
            except TesseractRuntimeError:
                raise
            except Exception as error:  # engines have errors of their own
                problem = exception_text(error)
                raise ExecutorFailed(
                    f"--executor {self.target} cannot be opened: {problem}. Correct it, or compute "
                    f"in this process with --executor {SERIAL}."
                ) from error
            self._opened = stack.pop_all()
        atexit.register(self.close)  # not every runtime has an end of its own

    def _close(self) -> None:
        opened, self._opened, self._executor = self._opened, None, None
        if opened is not None:
            atexit.unregister(self.close)
            opened.close()
