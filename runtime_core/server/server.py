"""The state that the routes of one service share."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from starlette.responses import Response

from runtime_core.calls.faults import fault_of
from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import (
    Call,
    Description,
    Fault,
    Reply,
    RunningCall,
    ServerLoad,
)
from runtime_core.errors import (
    SCARCITY,
    FaultKind,
    PluginFailed,
    PluginMissing,
    TesseractRuntimeError,
    exhausted,
)
from runtime_core.server.admission import Admission
from runtime_core.server.local_paths import without_folders
from runtime_core.server.negotiation import Negotiation
from runtime_core.server.observers import Observers, note_reply
from runtime_core.server.request_body import ArrivingBodies
from runtime_core.server.responses import fault_response
from runtime_core.server.run_owners import RunOwners
from runtime_core.server.segments import Segments
from runtime_core.server.serve_options import ServeOptions
from runtime_core.workers import Workers

_log = logging.getLogger(__name__)

_OURS = Fault(kind=FaultKind.TESSERACT_FAILED, message="Internal Server Error")


class Server:
    """The `ServerContext` of one service, whose workers have loaded the Tesseract."""

    def __init__(
        self, *, catalog: Catalog, config: RuntimeConfig, options: ServeOptions, workers: Workers
    ) -> None:
        self.catalog = catalog
        self.config = config
        self.options = options
        queued = options.max_queued_bytes or config.memory_limit
        self.admission = Admission(slots=options.num_workers + options.queue_size, size=queued)
        self.bodies = ArrivingBodies(limit=options.max_body_size, admission=self.admission)
        self.negotiation = Negotiation(catalog, config)
        self.segments = Segments(options, size=queued)
        self.run_owners = RunOwners(config)
        self.workers = workers
        self.observers = Observers(self.report)
        self.public_paths: Collection[str] = ()
        self.metadata: Collection[str] = ()  # the names of header fields that go with calls

    @property
    def description(self) -> Description:
        """The description of the Tesseract that is served."""
        return self.workers.description

    @property
    def problem(self) -> str | None:
        """The reason why no call can be computed at the moment, or `None`."""
        problem = self.workers.problem
        return None if problem is None else without_folders(problem)

    @property
    def running(self) -> Sequence[RunningCall]:
        """The calls that are being computed."""
        return self.workers.running

    @property
    def load(self) -> ServerLoad:
        """The calls that wait, and the workers by state."""
        return self.workers.load

    def leave_out(self, fault: PluginFailed) -> None:
        """Note an extension that its plugin fails to provide.

        Raises the failure if it is required, and `PluginMissing` if it may have authenticated other
        machines.
        """
        entry = self.catalog.server_extensions.entries[fault.declaration]
        if entry.value.required:
            raise fault
        if self.options.is_for_others:
            raise PluginMissing([str(fault)], [entry.plugin])
        self.catalog.faults.tolerate(fault)

    def report(self, fault: str, trace: str = "") -> None:
        """Write a failure of a plugin to stderr, once, with its traceback if there is one."""
        if self.catalog.faults.note(fault):
            _log.warning("%s", "\n".join(filter(None, (fault, trace))))

    def report_plugins(self) -> None:
        """Write the plugins and their parts that are not used to stderr."""
        for fault in self.description.plugin_faults:
            self.catalog.faults.note(fault)
        for fault in self.catalog.plugin_faults:
            _log.warning("%s", fault)

    def failure(self, error: Exception) -> Fault:
        """Return the fault of an error, which is in the log if it is not the caller's."""
        if isinstance(error, OSError) and error.errno in SCARCITY:
            error = exhausted(error)
        if not isinstance(error, TesseractRuntimeError):
            _log.error("The server failed.", exc_info=error)
            return _OURS
        fault = fault_of(error)
        if isinstance(error, PluginFailed):
            self.report(fault.message, fault.trace)
        return fault

    def fault_response(self, fault: Fault, run_id: str | None = None) -> Response:
        """Return a fault as a response, with local paths in debug mode alone."""
        return fault_response(fault, catalog=self.catalog, run_id=run_id, debug=self.config.debug)

    @asynccontextmanager
    async def call(self, call: Call) -> AsyncIterator[Reply]:
        """Compute a call; the body of the reply is valid inside the `async with`.

        Raises `QueueFull` if too many calls wait.
        """
        with self.observers.calling(call) as request, self.admission.slot():
            async with self.workers.call(call) as reply:
                note_reply(request, reply)
                request.status = 200 if reply.fault is None else reply.fault.kind.status
                request.bytes_out = sum(memoryview(piece).nbytes for piece in reply.body)
                yield reply
