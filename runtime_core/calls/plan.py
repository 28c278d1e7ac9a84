"""Plans: everything about the calls of one endpoint that does not depend on their bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from runtime_core import documents
from runtime_core.calls.call_facts import with_facts
from runtime_core.calls.changed_payload import changed_payload
from runtime_core.calls.forward_states import is_wanted
from runtime_core.calls.scope import Scope, Workspace, current
from runtime_core.calls.tracing import Trace
from runtime_core.calls.validation import validate_payload, validate_result
from runtime_core.calls.wrapped_call import Address, PlannedCall, Wrapper
from runtime_core.contracts import BoundEndpoint, Buffer, Call, Wire
from runtime_core.documents.document import Reader
from runtime_core.documents.raw_documents import sees_raw_documents
from runtime_core.documents.wire import require_folder, writable
from runtime_core.errors import UnreadableDocument
from runtime_core.memory_limit import payload_memory, result_memory

JSON = Wire(format="json")
"""The form of documents without another choice."""

_NONE: Mapping[str, Any] = MappingProxyType({})


class Plan:
    """The way through the calls of one endpoint, prepared once and taken many times.

    `evaluate` takes and returns values, `document` bytes: payloads in the format `body_format`,
    results in the form `output`. Raises `UnknownName` or `InvalidOption` for a form that cannot be
    read or written.
    """

    def __init__(
        self,
        endpoint: BoundEndpoint,
        workspace: Workspace,
        *,
        body_format: str,
        output: Wire,
        body_parameters: str = "",
        wrappers: Sequence[Wrapper] = (),
        address: Address = lambda payload: None,
    ) -> None:
        config, codecs = workspace.config, workspace.codecs
        self.endpoint = endpoint
        self._answer = with_facts(endpoint.answer)
        self._output = output
        self._format, self._encoding = writable(output, workspace.catalog)
        if output.compression is not None:
            codecs.compressor(output.compression)
        self._codec = codecs.format(output.format, output.parameters)
        self._views = endpoint.payload is not None and not sees_raw_documents(endpoint.payload)
        self._read = Reader(codecs, body_format, body_parameters, views=self._views)
        self._memory_limit = config.memory_limit
        self._compute = self._profiled if config.profiling else self._computed
        self._states = workspace.states
        self._wrappers, self._address = wrappers, address

    def document(self, call: Call, here: Scope, trace: Trace) -> Sequence[Buffer]:
        """Compute a call in its scope, and return its result as a document."""
        if not self._wrappers:
            return self.encoded(self.decoded(call, here, trace), call, here, trace)
        wrapped = PlannedCall(self, call, here, trace, self._wrappers, self._address)
        return wrapped.answer()

    def decoded(self, call: Call, here: Scope, trace: Trace) -> Any:
        """Return the validated payload of a call."""
        if self._encoding.writes_files:
            require_folder(self._format, self._encoding, call.output_path)
            if here.log is not None and call.output_folder:
                here.log.begin()
        trace.begin("decode")
        here.segment, here.caller = _segment_options(call), call.caller
        here.options = {**here.segment}
        here.memory = payload_memory(self._memory_limit)
        payload = self.payload(call.body, here.options, call.changes)
        here.memory = None  # the author's code may take what it likes
        trace.show(endpoint=call.endpoint, payload=payload)
        return payload

    def encoded(self, payload: Any, call: Call, here: Scope, trace: Trace) -> Sequence[Buffer]:
        """Compute a validated payload, and return the result as a document."""
        trace.begin("compute")
        result = self._compute(payload)
        trace.show(outputs=result)
        trace.begin("encode")
        here.options = {
            "array_encoding": self._encoding.name,
            "compression": self._output.compression,
            "base_dir": call.output_path,
            "binref_dir": call.output_folder,
            **here.segment,
        }
        here.memory = result_memory(self._memory_limit)
        return documents.pieces(documents.tree_of(result, here.options), self._codec)

    def payload(self, body: Buffer, options: Any, changes: Mapping[str, Any] = _NONE) -> Any:
        """Return the validated payload of a document, read in the current scope.

        `options` is the pydantic context, empty or with the segment of the call, and `changes` are
        those of a `Call`. Raises `UnreadableDocument`, `MemoryExceeded`, or `InvalidPayload` with
        every fault.
        """
        if self.endpoint.payload is None:
            return None
        tree = self._read(body)
        if changes:
            tree = changed_payload(tree, changes)
        if not self._views:
            for segment in options.values():
                segment.inline(tree)
        return validate_payload(self.endpoint, tree, options)

    def evaluate(self, payload: Any) -> BaseModel:
        """Return the result of a payload model, or of a value to validate as one.

        Raises `InvalidPayload`, `MemoryExceeded`, `InvalidResult`, and `AuthorError` from an
        exception of the author's function.
        """
        here = current()
        here.memory = payload_memory(self._memory_limit)
        try:
            payload = validate_payload(self.endpoint, payload, {})
        finally:
            here.memory = None
        return self._computed(payload)

    def outputs(self, **fields: Any) -> Any:
        """Return the values of the result for validated fields of the payload."""
        assert self.endpoint.payload is not None
        result: Any = self._computed(self.endpoint.payload.model_construct(**fields))
        return result.root

    def _computed(self, payload: Any) -> BaseModel:
        return self._keeping(payload) if is_wanted() else self._checked(payload)

    def _keeping(self, payload: Any) -> BaseModel:
        """Compute with a point at which the author's code may keep what it has solved."""
        from runtime_core.calls.forward_point import forward_point  # few files keep anything

        here = current()
        outer = here.forward
        states = self._states if here.own_run is None else None
        here.forward = forward_point(payload, states, here.caller)
        try:
            return self._checked(payload)
        finally:
            here.forward = outer

    def _checked(self, payload: Any) -> BaseModel:
        result = validate_result(self.endpoint, self._answer(payload))
        if self.endpoint.check is not None:
            self.endpoint.check(payload, result)
        return result

    def _profiled(self, payload: Any) -> BaseModel:
        from runtime_core.calls.profiling import profiled  # few calls are profiled

        with profiled():
            return self._computed(payload)


def _segment_options(call: Call) -> dict[str, Any]:
    """Return the pydantic context of a document with arrays in the segment of a call, if any."""
    if call.segment is None:
        return {}
    from runtime_core.arrays import SEGMENT, Segment  # few calls have one, and it loads numpy

    try:
        return {SEGMENT: Segment(call.segment.whole())}
    except OSError as error:  # the client can forbid it at any time
        raise UnreadableDocument(f"The segment cannot be used: {error}") from None
