"""The current call's surroundings: the only context variable of the runtime.

Array leaves, validators, JSON Schema generation and path types read it. Plain user code, which
runs without a call, gets a default scope whose plugins are loaded when they are first needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from runtime_core.buffers import Buffers
from runtime_core.catalog import loaded
from runtime_core.files import FileAccess
from runtime_core.lifting import LiftedTexts

if TYPE_CHECKING:
    from runtime_core.catalog import Catalog
    from runtime_core.config import RuntimeConfig
    from runtime_core.contracts import CompressionCodec
    from runtime_core.run_logs import RunLog
    from runtime_core.runs import Run


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """What outlives a single call: the plugins, the configuration and the access to files."""

    catalog: Catalog
    config: RuntimeConfig
    files: FileAccess


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What one call, or plain user code, works with.

    `log` is where the call logs to. `options` is the pydantic context of the document being read or
    written. While the runtime writes a document, `buffers` takes the bytes of its arrays; otherwise
    they become text. While it reads one, `lifted` may hold the long texts of its arrays.
    """

    workspace: Callable[[], Workspace]
    run: Run | None = None
    log: RunLog | None = None
    options: MutableMapping[str, Any] = field(default_factory=dict)
    buffers: Buffers | None = None
    lifted: LiftedTexts | None = None

    @property
    def catalog(self) -> Catalog:
        """Return everything that the installed plugins provide."""
        return self.workspace().catalog

    @property
    def config(self) -> RuntimeConfig:
        """Return the configuration."""
        return self.workspace().config

    @property
    def files(self) -> FileAccess:
        """Return the only opener of files that payloads may name."""
        return self.workspace().files

    def compressor(self, name: str) -> CompressionCodec:
        """Return a compressor by name; `UnknownName` says what could be installed."""
        codec: CompressionCodec = loaded("Compression", self.catalog.compressors.find(name))
        return codec


_current: ContextVar[Scope | None] = ContextVar("scope", default=None)  # one call, one context


_running: list[RunLog] = []  # of this process, for threads that have lost their context


def current() -> Scope:
    """Return the scope of the running call, or the default one of plain user code."""
    return _current.get() or _default_scope()


def entered() -> Scope | None:
    """Return the scope that this context has entered, if it has."""
    return _current.get()


def running_logs() -> Sequence[RunLog]:
    """Return the logs of the calls that run in this process."""
    return tuple(_running)


@contextmanager
def running(log: RunLog) -> Iterator[None]:
    """Count a call among those that run inside the `with`."""
    _running.append(log)
    try:
        yield
    finally:
        _running.remove(log)


@contextmanager
def enter(scope: Scope) -> Iterator[Scope]:
    """Make `scope` the current one inside the `with`."""
    token = _current.set(scope)
    try:
        yield scope
    finally:
        _current.reset(token)


@cache
def _default_scope() -> Scope:
    return Scope(workspace=_default_workspace)


@cache  # the plugins of plain user code are loaded once in a process, and only if needed
def _default_workspace() -> Workspace:
    from runtime_core.config import resolve  # arrays in plain user code need neither of these
    from runtime_core.plugins import load_catalog

    catalog = load_catalog()
    config = resolve(catalog, flags={}, environment=os.environ)
    root = config.input_path if "input_path" in config.model_fields_set else None
    files = FileAccess(root=root, confined=False)
    return Workspace(catalog=catalog, config=config, files=files)
