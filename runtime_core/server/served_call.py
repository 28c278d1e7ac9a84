"""One call of an endpoint over HTTP: its head, its body, its turn and its answer."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from starlette.responses import Response

from runtime_core.contracts import Call, Reply, RequestHead
from runtime_core.errors import FaultKind, InvalidOption
from runtime_core.run_logs.run import checked_run_id, new_run_id, run_name
from runtime_core.server.headers import invalid_request, named_run_id
from runtime_core.server.negotiation import UnsupportedMediaType
from runtime_core.server.request_body import ArrivingBody, announced_size
from runtime_core.server.responses import (
    FORWARD_HEADER,
    PARENT_RUN_ID_HEADER,
    DocumentResponse,
    reply_response,
    unchanged_response,
)
from runtime_core.server.segments import SEGMENT_HEADER, RegisteredSegment
from runtime_core.server.server import Server
from runtime_core.workers.shared_memory import SharedBuffer

Answer = Response | DocumentResponse


class ServedCall:
    """One call, from its head to its answer, which is given to `answer` once.

    The answer may come before the body, which is not read then. The memory of the answer must be
    released with `close`, and so must a call whose client has gone.
    """

    def __init__(
        self,
        server: Server,
        endpoint: str,
        head: RequestHead,
        transport: asyncio.Transport | None,
        answer: Callable[[Answer], None],
    ) -> None:
        self.run_id: str | None = None
        self.reply: Reply | None = None
        self.size = 0  # bytes of the body that were taken
        self._server = server
        self._endpoint = endpoint
        self._head = head
        self._transport = transport
        self._answer: Callable[[Answer], None] | None = answer
        self._body: ArrivingBody | None = None
        self._segment: RegisteredSegment | None = None
        self._lent: ExitStack | None = None
        self._call: Call | None = None
        self._ticket: Any = None
        self._has_slot = self._is_over = False

    def begin(self) -> None:
        """Check the head; an answer comes now if no body is needed to refuse the call."""
        self._try(self._begin)

    def add(self, piece: bytes) -> None:
        """Take a piece of the body."""
        if not self._is_over:
            self._try(self._add, piece)

    def wait(self) -> None:
        """Await the rest of the body, for a limited time."""
        if not self._is_over and self._body is not None:
            self._body.wait(self._refuse)

    def complete(self) -> None:
        """Compute the call, whose body is complete."""
        if not self._is_over:
            self._try(self._submit)

    def close(self) -> None:
        """Release everything; a call that has not been answered has lost its client."""
        if not self._is_over:
            self._is_over = True
            if self._ticket is not None:
                self._server.workers.abandon(self._ticket)
            self._free()
        if self.reply is not None:
            self._server.workers.release(self.reply)
        # The connection may keep this object for long, and views would keep the memory.
        self.reply = self._call = self._body = self._ticket = self._answer = None

    def refusal(self, error: Exception) -> Response:
        """Return the answer for an error."""
        return self._server.fault_response(self._server.failure(error), self.run_id)

    def _begin(self) -> None:
        server, fields = self._server, self._head.fields
        named = named_run_id(self._head.query)
        self.run_id = new_run_id() if named is None else _checked(named, "query", "run_id")
        server.admission.refuse_if_full()
        _refuse_content_encoding(fields)
        self._form = (
            server.negotiation.input_format(fields.get("content-type", "")).name,
            server.negotiation.output(fields.get("accept", "")),
        )
        if SEGMENT_HEADER in fields:
            self._lent = ExitStack()
            lent = server.segments.lent(fields[SEGMENT_HEADER], self._transport)
            self._segment = self._lent.enter_context(lent)
        size = announced_size(fields, server.options.max_body_size)
        self._facts = named is None, _parent_run_id(fields), fields.get(_FORWARD)
        self._limits = _seconds(fields, "Request-Timeout"), _seconds(fields, "Request-Patience")
        self._body = ArrivingBody(server.bodies, server.workers.arriving(size))
        if self._segment is not None:
            self._body.reserve(self._segment.size)

    def _add(self, piece: bytes) -> None:
        assert self._body is not None  # the head has been accepted
        self.size += len(piece)
        self._body.add(piece)

    def _submit(self) -> None:
        assert self._body is not None
        assert self.run_id is not None
        self._server.admission.take_slot()
        self._has_slot = True
        body_format, output = self._form
        new_run, parent_run_id, forward = self._facts
        timeout, patience = self._limits
        lent = self._segment
        segment = None if lent is None else SharedBuffer(os.dup(lent.descriptor))
        self._call = Call(
            endpoint=self._endpoint,
            run_id=self.run_id,
            new_run=new_run,
            caller=self._head.caller,
            parent_run_id=parent_run_id,
            timeout=timeout,
            patience=patience,
            body=self._body.finished(),
            body_format=body_format,
            output=output,
            output_path=self._server.config.output_path,
            output_folder=run_name(self.run_id),
            segment=segment,
            forward=forward,
        )
        ticket = self._server.workers.submit(self._call, self._replied)
        if not self._is_over:
            self._ticket = ticket

    def _replied(self, reply: Reply) -> None:
        self.reply = reply
        self._try(self._respond, reply)

    def _respond(self, reply: Reply) -> None:
        assert self._call is not None
        self._server.observe(self._call, reply)
        if reply.fault is None:
            is_known = reply.headers and _knows(self._head.fields, reply.headers)
            respond = unchanged_response if is_known else reply_response
            self.finish(respond(reply, self._server.catalog))
            return
        if reply.fault.kind is FaultKind.PLUGIN_FAILED:
            self._server.report(reply.fault.message, reply.fault.trace)
        self.finish(self._server.fault_response(reply.fault, self.run_id))

    def _try(self, act: Callable[..., None], *arguments: Any) -> None:
        """Do something; an error is the answer."""
        try:
            act(*arguments)
        # The client gets an answer, whatever fails.
        except Exception as error:
            self._refuse(error)

    def _refuse(self, error: Exception) -> None:
        self.finish(self.refusal(error))

    def finish(self, answer: Answer) -> None:
        """Give the answer, and take no further piece of the body."""
        self._is_over = True
        self._free()
        give, self._answer = self._answer, None
        if give is not None:  # else to give the answer has failed, which is in the log
            give(answer)

    def _free(self) -> None:
        """Free the place in the queue: a slow reader takes none."""
        if self._body is not None:
            if self._call is None:
                self._body.discard()
            self._body.free()
        if self._lent is not None:
            self._lent.close()
        if self._has_slot:
            self._has_slot = False
            self._server.admission.free(slots=1)


def _knows(fields: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    """Check whether a client has the answer already, by its tag (RFC 9110, 13.1.2)."""
    tag = headers.get("ETag")
    return tag is not None and tag in fields.get("if-none-match", "")


_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{0,15})?([eE][+-]?[0-9]{1,2})?")


def _refuse_content_encoding(fields: Mapping[str, str]) -> None:
    coding = fields.get("content-encoding", "identity")
    if coding.strip().lower() != "identity":
        raise UnsupportedMediaType(
            f"Content-Encoding {coding[:100]!r} is not supported: send the body as it is, its "
            "arrays may be compressed."
        )


def _seconds(fields: Mapping[str, str], name: str) -> float | None:
    """Return a limit of the client in seconds, if it sends one."""
    text = fields.get(name.lower())
    if text is None:
        return None
    seconds = float(text) if _NUMBER.fullmatch(text) else 0.0
    if seconds <= 0:
        problem = f"{name} {text[:60]!r} must be a positive number of seconds."
        raise invalid_request("header", name.lower(), problem)
    return seconds


_FORWARD, _PARENT = FORWARD_HEADER.lower(), PARENT_RUN_ID_HEADER.lower()


def _parent_run_id(fields: Mapping[str, str]) -> str | None:
    """Return the id of the parent run, if the client sends one."""
    given = fields.get(_PARENT)
    return None if given is None else _checked(given, "header", _PARENT)


def _checked(run_id: str, place: str, name: str) -> str:
    try:
        return checked_run_id(run_id)
    except InvalidOption as error:
        raise invalid_request(place, name, str(error)) from None
