"""The scope of the current call: the only context variable of the runtime.

Array leaves, validators, JSON Schema generation and path types read it. Plain user code, which
runs without a call, gets a default scope whose plugins are loaded when they are first needed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from runtime_core.catalog import loaded
from runtime_core.files import FileAccess

if TYPE_CHECKING:
    from runtime_core.catalog import Catalog
    from runtime_core.config import RuntimeConfig
    from runtime_core.contracts import CompressionCodec, Run
    from runtime_core.run_logs import RunLog


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
    written.
    """

    workspace: Workspace
    run: Run | None = None
    log: RunLog | None = None
    options: MutableMapping[str, Any] = field(default_factory=dict)

    @property
    def catalog(self) -> Catalog:
        """Everything that the installed plugins provide."""
        return self.workspace.catalog

    @property
    def config(self) -> RuntimeConfig:
        """The configuration."""
        return self.workspace.config

    @property
    def files(self) -> FileAccess:
        """The only opener of files that payloads may name."""
        return self.workspace.files

    def document(self, options: MutableMapping[str, Any]) -> Scope:
        """Return the scope of one document of this call."""
        return Scope(workspace=self.workspace, run=self.run, log=self.log, options=options)

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


class running:  # noqa: N801  # it reads as the functions of contextlib do
    """Count a call among those that run inside the `with`."""

    def __init__(self, log: RunLog) -> None:
        self._log = log

    def __enter__(self) -> None:
        """Begin to count it."""
        _running.append(self._log)

    def __exit__(self, *_: object) -> None:
        """Count it no longer."""
        _running.remove(self._log)


class enter:  # noqa: N801  # it reads as the functions of contextlib do
    """Make `scope` the current one inside the `with`."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __enter__(self) -> Scope:
        """Make it current."""
        self._token = _current.set(self._scope)
        return self._scope

    def __exit__(self, *_: object) -> None:
        """Make the one before current again."""
        _current.reset(self._token)


@cache
def _default_scope() -> Scope:
    return Scope(workspace=_DefaultWorkspace())


class _DefaultWorkspace(Workspace):
    """The workspace of plain user code: plugins are loaded once in a process, and only if needed.

    Arrays in `json` and `base64` need none of it.
    """

    def __init__(self) -> None:
        """Load nothing yet."""

    def __getattr__(self, name: str) -> Any:
        """Load all of it, when an attribute is not there yet."""
        if name not in ("catalog", "config", "files"):
            raise AttributeError(name)
        vars(self).update(_default_attributes())
        return vars(self)[name]


def _default_attributes() -> Mapping[str, Any]:
    from runtime_core.config import resolve  # arrays in plain user code need neither of these
    from runtime_core.plugins import load_catalog

    catalog = load_catalog()
    config = resolve(catalog, flags={}, environment=os.environ)
    root = config.input_path if "input_path" in config.model_fields_set else None
    files = FileAccess(root=root, confined=False)
    return {"catalog": catalog, "config": config, "files": files}
