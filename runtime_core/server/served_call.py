"""One call of an endpoint over HTTP: its head, its body, its turn and its answer."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from starlette.responses import Response

from runtime_core.contracts import AnsweredRequest, Call, Reply
from runtime_core.documents.wire import media_type_of
from runtime_core.errors import FaultKind
from runtime_core.run_logs.run import new_run_id, run_name
from runtime_core.server.call_head import CallHead
from runtime_core.server.observers import note_reply
from runtime_core.server.request_body import ArrivingBody
from runtime_core.server.responses import DocumentResponse, reply_response, unchanged_response
from runtime_core.server.segments import SEGMENT_HEADER, RegisteredSegment
from runtime_core.server.server import Server
from runtime_core.workers.shared_memory import SMALLEST, SharedBuffer

Answer = Response | DocumentResponse


class ServedCall:
    """One call, from its head to its answer, which is given to `answer` once.

    The answer may come before the body, which is not read then. The memory of the answer must be
    released with `close`, and so must a call whose client has gone. What observers see of the call
    is noted in its `request`.
    """

    def __init__(
        self,
        server: Server,
        head: CallHead,
        transport: asyncio.Transport | None,
        request: AnsweredRequest,
        answer: Callable[[Answer], None],
    ) -> None:
        self.request = request
        self.reply: Reply | None = None
        self.size = 0  # bytes of the body that were taken
        self._server = server
        self._head = head
        self._transport = transport
        self._answer: Callable[[Answer], None] | None = answer
        self._whole = b""  # a small body that has come in one piece
        self._body: ArrivingBody | None = None  # any other one
        self._segment: RegisteredSegment | None = None
        self._lent: ExitStack | None = None
        self._call: Call | None = None
        self._ticket: Any = None
        self._slots = 0  # in the queue, 1 once the body is complete
        self._since = time.perf_counter()  # the beginning of the stage that is timed here
        self._is_over = False

    def begin(self) -> None:
        """Check the head; an answer comes now if no body is needed to refuse the call."""
        self.request.caller = self._head.request.caller  # which calls with the same head set anew
        try:
            self.request.run_id = self._head.named_run_id or new_run_id()
            self.request.metadata = self._head.metadata
            self._server.admission.refuse_if_full()
            self._options = self._head.options
            self.request.parent_run_id = self._options.parent_run_id
            if SEGMENT_HEADER in self._head.request.fields:
                self._borrow(self._head.request.fields[SEGMENT_HEADER])
        # The client gets an answer, whatever fails here and below.
        except Exception as error:
            self._refuse(error)

    def add(self, piece: bytes) -> None:
        """Take a piece of the body."""
        if self._is_over:
            return
        try:
            self.size += len(piece)
            if len(piece) == self._options.size and len(piece) < SMALLEST and self._body is None:
                self._server.admission.reserve(len(piece))
                self._whole = piece
            else:
                self._arriving().add(piece)
        except Exception as error:
            self._refuse(error)

    def wait(self) -> None:
        """Await the rest of the body, for a limited time."""
        if not self._is_over and not self._whole:
            self._arriving().wait(self._refuse)

    def complete(self) -> None:
        """Compute the call, whose body is complete."""
        if self._is_over:
            return
        try:
            self._submit()
        except Exception as error:
            self._refuse(error)

    def close(self) -> None:
        """Release everything; a call that has not been answered has lost its client."""
        if not self._is_over:
            self._is_over = True
            if self._ticket is not None:
                self._server.workers.abandon(self._ticket)
            self._free()
        if self.reply is not None:
            seconds = {"send": time.perf_counter() - self._since}
            self.request.timings = {**self.request.timings, **seconds}
            self._server.workers.release(self.reply)
        # The connection may keep this object for long, and views would keep the memory.
        self.reply = self._call = self._body = self._ticket = self._answer = None

    def fault_answer(self, error: Exception) -> Response:
        """Return the answer for an error."""
        fault = self.request.fault = self._server.failure(error)
        return self._server.fault_response(fault, self.request.run_id)

    def finish(self, answer: Answer) -> None:
        """Give the answer, and take no further piece of the body."""
        self._is_over = True
        self._free()
        give, self._answer = self._answer, None
        if give is not None:  # else to give the answer has failed, which is in the log
            give(answer)

    def _borrow(self, name: str) -> None:
        """Take the segment of the client, whose bytes are counted like those of a body."""
        self._lent = ExitStack()
        lent = self._server.segments.lent(name, self._transport)
        self._segment = self._lent.enter_context(lent)
        self._arriving().reserve(self._segment.size)

    def _arriving(self) -> ArrivingBody:
        if self._body is None:
            buffer = self._server.workers.arriving(self._options.size)
            self._body = ArrivingBody(self._server.bodies, buffer)
        return self._body

    def _submit(self) -> None:
        run_id = self.request.run_id
        assert run_id is not None  # the head has been accepted
        self.request.timings = {"receive": time.perf_counter() - self._since}
        self._server.admission.take_slot()
        self._slots = 1
        options, lent = self._options, self._segment
        self._call = Call(
            endpoint=self._head.endpoint,
            run_id=run_id,
            new_run=self._head.named_run_id is None,
            caller=self.request.caller,
            forward=options.forward,
            parent_run_id=options.parent_run_id,
            timeout=options.timeout,
            patience=options.patience,
            body=self._whole if self._body is None else self._body.finished(),
            body_format=options.body_format,
            body_parameters=options.body_parameters,
            output=options.output,
            output_path=self._server.config.output_path,
            output_folder=run_name(run_id),
            metadata=self.request.metadata,
            segment=None if lent is None else SharedBuffer(os.dup(lent.descriptor)),
        )
        ticket = self._server.workers.submit(self._call, self._replied)
        if not self._is_over:
            self._ticket = ticket

    def _replied(self, reply: Reply) -> None:
        self.reply = reply
        try:
            self.finish(self._response(reply))
        except Exception as error:
            self._refuse(error)

    def _response(self, reply: Reply) -> Answer:
        self._since = time.perf_counter()
        note_reply(self.request, reply)
        if reply.fault is None:
            assert self._call is not None
            is_known = reply.headers and self._head.knows(reply.headers)
            if is_known:
                return unchanged_response(reply)
            return reply_response(reply, media_type_of(self._call.output, self._server.catalog))
        if reply.fault.kind is FaultKind.PLUGIN_FAILED:
            self._server.report(reply.fault.message, reply.fault.trace)
        return self._server.fault_response(reply.fault, self.request.run_id)

    def _refuse(self, error: Exception) -> None:
        self.finish(self.fault_answer(error))

    def _free(self) -> None:
        """Free the place in the queue: a slow reader takes none."""
        if self._body is not None:
            if self._call is None:
                self._body.discard()
            self._body.free()
        if self._lent is not None:
            self._lent.close()
        self._server.admission.free(slots=self._slots, size=len(self._whole))
        self._slots, self._whole = 0, b""
