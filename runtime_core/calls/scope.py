"""The scope of the current call: the only context variable of the runtime.

Array leaves, validators, JSON Schema generation and path types read it. Plain user code, which
runs without a call, gets a default scope whose plugins are loaded when they are first needed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from runtime_core.contracts import RunStatus
from runtime_core.files import FileAccess
from runtime_core.memory_limit import ArrayMemory, payload_memory
from runtime_core.terminal_progress import Progress

if TYPE_CHECKING:
    from runtime_core.calls.codecs import Codecs
    from runtime_core.calls.forward_point import ForwardPoint, KeptState
    from runtime_core.calls.forward_states import ForwardStates
    from runtime_core.catalog import Catalog
    from runtime_core.config import RuntimeConfig
    from runtime_core.contracts import BoundCompressor, Run
    from runtime_core.run_logs import RunLog


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The plugins, the configuration, the access to files and the terminal: they outlive a call.

    So do the states that calls keep for others, if there is a place for them.
    """

    catalog: Catalog
    config: RuntimeConfig
    files: FileAccess
    progress: Progress = field(default_factory=Progress)
    states: ForwardStates[KeptState] | None = None

    @cached_property
    def codecs(self) -> Codecs:
        """The codecs, which are loaded when they are first needed."""
        from runtime_core.calls.codecs import Codecs  # arrays of plain user code need none

        return Codecs(self.catalog, self.config)

    def placed(self, output_path: str) -> Workspace:
        """Return the workspace with another output path, and the same codecs."""
        config = self.config.model_copy(update={"output_path": output_path})
        placed = replace(self, config=config)
        placed.__dict__["codecs"] = self.codecs
        return placed


@dataclass(kw_only=True, slots=True)
class Scope:
    """The surroundings of one call, or of plain user code.

    `log` is the log of the call. An evaluation inside a call has an `own_run`, as has user code
    outside of one. `options` is the pydantic context of the document being read or written, and
    `memory` counts its arrays, unless it is the author's own. `caller` is that of the `Call`.
    `forward` is the point at which a
    call may keep what it has solved, with the outcome: `kept`, `hit` or `miss`. `segment` is the
    pydantic context of both documents of a call, and `headers` are those of its `Reply`. The call
    is aborted at its `deadline`, in seconds of `time.monotonic`. In a `traced` evaluation, array
    fields take values unchanged that are no arrays of numpy.
    """

    workspace: Workspace
    own_run: Run | None = None
    log: RunLog | None = None
    options: MutableMapping[str, Any] = field(default_factory=dict)
    memory: ArrayMemory | None = None
    caller: str | None = None
    forward: ForwardPoint | None = None
    forward_outcome: str = ""
    segment: Mapping[str, Any] = field(default_factory=dict)
    headers: MutableMapping[str, str] = field(default_factory=dict)
    deadline: float | None = None
    traced: bool = False

    @property
    def run(self) -> Run | None:
        """The run that files and records belong to, if any."""
        if self.own_run is None and self.log is not None:
            return self.log.run
        return self.own_run

    @property
    def metadata(self) -> Mapping[str, str]:
        """The metadata of the call, if there is one."""
        return {} if self.log is None else self.log.run.metadata

    @property
    def catalog(self) -> Catalog:
        """The catalog of installed plugins."""
        return self.workspace.catalog

    @property
    def config(self) -> RuntimeConfig:
        """The configuration."""
        return self.workspace.config

    @property
    def files(self) -> FileAccess:
        """The access to the files that payloads name."""
        return self.workspace.files

    @property
    def progress(self) -> Progress:
        """The progress on the terminal of the command."""
        return self.workspace.progress

    def document(self, options: MutableMapping[str, Any]) -> Scope:
        """Return the scope of other options for the same document."""
        return replace(self, options=options)

    def reading(self, options: MutableMapping[str, Any]) -> Scope:
        """Return the scope of a document whose arrays are counted towards the memory limit."""
        memory = payload_memory(self.config.memory_limit)
        return replace(self, options=options, memory=memory)

    def evaluation(self, run: Run, *, traced: bool = False) -> Scope:
        """Return the scope of an evaluation inside this call."""
        return replace(self, own_run=run, options={}, forward=None, traced=traced)

    @property
    def codecs(self) -> Codecs:
        """The codecs of formats, array encodings and compressors."""
        return self.workspace.codecs

    def compressor(self, name: str) -> BoundCompressor:
        """Return a compressor by its name with options; `UnknownName` for a missing one."""
        return self.workspace.codecs.compressor(name)


_current: ContextVar[Scope | None] = ContextVar("scope", default=None)  # one call, one context


_running: list[RunLog] = []  # of this process, for threads that have lost their context


def current() -> Scope:
    """Return the scope of the running call, or the default one of plain user code."""
    return _current.get() or _default_scope()


def entered() -> Scope | None:
    """Return the scope that this context has entered, if any."""
    return _current.get()


def running_logs() -> Sequence[RunLog]:
    """Return the logs of the calls that run in this process."""
    return tuple(_running)


class enter:  # noqa: N801  # it reads like the functions of contextlib
    """Make `scope` the current one inside the `with`."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __enter__(self) -> Scope:
        self._token = _current.set(self._scope)
        return self._scope

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        _current.reset(self._token)


class running:  # noqa: N801  # it reads like the functions of contextlib
    """Make `scope` that of a running call inside the `with`, and close its log with its status.

    A call inside another one does not count as running: threads without a context that either
    starts belong to the outer one.
    """

    def __init__(self, scope: Scope, log: RunLog) -> None:
        self._scope = scope
        self._log = log

    def __enter__(self) -> Scope:
        outer = _current.get()
        self._running = _running if outer is None or outer.log is None else []
        self._running.append(self._log)
        self._token = _current.set(self._scope)
        return self._scope

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        _current.reset(self._token)
        self._running.remove(self._log)
        self._scope.progress.clear()
        killed = kind is not None and issubclass(kind, KeyboardInterrupt)
        failed = RunStatus.KILLED if killed else RunStatus.FAILED
        self._log.close(RunStatus.FINISHED if kind is None else failed)


@cache
def _default_scope() -> Scope:
    return Scope(workspace=_DefaultWorkspace())


class _DefaultWorkspace(Workspace):
    """The workspace of plain user code, whose plugins are loaded once and only if needed.

    Arrays in `json` and `base64` need none of them, nor the two imports below.
    """

    def __init__(self) -> None:
        pass

    @cached_property
    def catalog(self) -> Catalog:
        from runtime_core.plugins import load_catalog

        return load_catalog()

    @cached_property
    def config(self) -> RuntimeConfig:
        from runtime_core.config import resolve

        return resolve(self.catalog, flags={}, environment=os.environ)

    @cached_property
    def files(self) -> FileAccess:
        root = self.config.input_path if "input_path" in self.config.model_fields_set else None
        return FileAccess(root=root, confined=False)

    @cached_property
    def progress(self) -> Progress:
        return Progress()
