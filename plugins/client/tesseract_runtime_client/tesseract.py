"""`Tesseract`: the client of a Tesseract, wherever it runs."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cached_property, partial
from types import MappingProxyType, ModuleType, TracebackType
from typing import Any, Self, final

from runtime_core.calls import checked_metadata, current_scope
from runtime_core.errors import InvalidOption, TesseractRuntimeError
from runtime_core.run_logs import checked_run_id, new_run_id
from tesseract_runtime_client.description_methods import DescriptionMethods
from tesseract_runtime_client.documents import Documents, best_format
from tesseract_runtime_client.endpoint_methods import EndpointMethods
from tesseract_runtime_client.errors import Unreachable, ValidationError
from tesseract_runtime_client.outcomes import Outcome, outcomes
from tesseract_runtime_client.runtime_calls import PathLike, config_of
from tesseract_runtime_client.sdk_methods import SdkMethods
from tesseract_runtime_client.segments import RegisteredSegment
from tesseract_runtime_client.served_endpoints import Inputs, ServedEndpoints
from tesseract_runtime_client.submissions import in_threads, to_executor
from tesseract_runtime_client.transport import ManyCalls, Request, Transport

_NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})

Metadata = Mapping[str, str] | Callable[[], Mapping[str, str]]
"""Header fields that go with calls, or a function that returns those of the next call."""


@final
class Tesseract(EndpointMethods, DescriptionMethods, SdkMethods):
    """A Tesseract, wherever it runs: numpy arrays in, numpy arrays out.

    Open one with `from_url`, `from_api` or `from_worker`; close it with `close` or a `with` block.
    Results share no memory with inputs, and inputs stay unchanged. A call that fails raises
    `ValidationError`, `TesseractFailed` or `Unreachable`; calls are never repeated.
    """

    def __init__(
        self,
        transport: Transport,
        documents: Documents,
        reopened: Callable[[], Transport],
        metadata: Metadata | None = None,
    ) -> None:
        self._documents = documents
        self._reopened = reopened
        self._metadata = metadata
        self._use(transport)

    def _use(self, transport: Transport) -> None:
        self._transport = transport
        self._documents.connect(transport)
        self.in_process_of_its_own = transport.has_process
        self._finalizer = weakref.finalize(self, transport.close)

    @classmethod
    def from_url(
        cls,
        url: str,
        server_output_path: PathLike | None = None,
        timeout: float | tuple[float, float] | None = None,
        *,
        api_key: str | None = None,
        encoding: str | None = None,
        array_encoding: str | None = None,
        patience: float | None = None,
        metadata: Metadata | None = None,
    ) -> Self:
        """Return the Tesseract served at a URL.

        `timeout` is the number of seconds for which a call may compute, by default unlimited, or a
        tuple of the limit to connect and this one. `patience` is the number of seconds for which it
        may wait before that, in the queue of the server or until that has a place: a call that was
        refused is sent again, one that may have begun never. By default it is that of `timeout`;
        without either, refusals are reported at once. `encoding` is the format of documents, by
        default the fastest that both sides have. `array_encoding` is that of their arrays, if the
        format takes any: without `encoding` it is JSON. `server_output_path` is the output path of
        the server on this machine: with it, `encoding` may be `json+binref`, and arrays are read
        from the files there. `metadata` are header fields that go with every call, as
        `X-Request-ID`, or a function that returns those of the next one; inside a call, those of
        that call go on by themselves. Nothing is sent before the first call. Raises `InvalidOption`
        or `UnknownName` for invalid arguments.

        >>> Tesseract.from_url("http://127.0.0.1:8000")
        <Tesseract at http://127.0.0.1:8000>
        """
        from tesseract_runtime_client.http_transport import (
            HttpTransport,  # the other transports do not need it
        )

        current = current_scope()
        documents = Documents(
            current.catalog, current.config, encoding, server_output_path, array_encoding
        )
        opened = partial(
            HttpTransport.opened,
            documents.catalog,
            url,
            api_key=api_key,
            timeout=timeout,
            patience=patience,
        )
        return cls(opened(), documents, opened, metadata)

    @classmethod
    def from_api(
        cls,
        source: PathLike | ModuleType,
        input_path: PathLike | None = None,
        output_path: PathLike | None = None,
        *,
        encoding: str | None = None,
        array_encoding: str | None = None,
        options: Mapping[str, Any] = _NO_OPTIONS,
        print_to: Callable[[str], object] | None = None,
        metadata: Metadata | None = None,
    ) -> Self:
        """Load the Tesseract of a file, or of an imported module, and compute in this process.

        Each instance has its own configuration: files are read in `input_path` and runs write to
        `output_path`, by default both the working directory. `options` are further options of the
        command line by name, such as `gradient_backend`; environment variables are ignored. An
        instance computes one call at a time. `print_to` gets the lines that calls print, which
        otherwise go to the streams of this process, and `metadata` is as in `from_url`. Raises the
        errors of loading, or `InvalidOption`.
        """
        from tesseract_runtime_client.in_process_transport import (
            InProcessTransport,  # the other transports do not need it
        )

        config = config_of(source, input_path, output_path, options)
        documents = Documents(
            current_scope().catalog, config, encoding, array_encoding=array_encoding
        )
        module = source if isinstance(source, ModuleType) else None
        facts = documents.catalog, config, module, print_to
        reopened = partial(InProcessTransport.reopened, *facts)
        return cls(InProcessTransport.opened(*facts), documents, reopened, metadata)

    @classmethod
    def from_worker(
        cls,
        path: PathLike,
        input_path: PathLike | None = None,
        output_path: PathLike | None = None,
        timeout: float | None = None,
        *,
        encoding: str | None = None,
        array_encoding: str | None = None,
        options: Mapping[str, Any] = _NO_OPTIONS,
        patience: float | None = None,
        metadata: Metadata | None = None,
    ) -> Self:
        """Load the Tesseract of a file in its own process, which ends with this instance.

        Its modules cannot clash with those of others. A call is stopped after `timeout` seconds of
        computing, and given up after it has waited for `patience` seconds for other calls; both are
        unlimited by default. Everything else is as in `from_api`.
        """
        from tesseract_runtime_client.worker_transport import (
            WorkerTransport,  # only this one needs asyncio
        )

        config = config_of(path, input_path, output_path, options)
        documents = Documents(
            current_scope().catalog, config, encoding, array_encoding=array_encoding
        )
        opened = partial(WorkerTransport.opened, documents.catalog, config, timeout, patience)
        return cls(opened(), documents, opened, metadata)

    def map(
        self,
        inputs: Iterable[Inputs],
        endpoint: str = "apply",
        *,
        executor: str | None = None,
        ordered: bool = True,
        **arguments: Any,
    ) -> Iterator[Outcome]:
        """Yield the `Outcome` of a call for each of the inputs, in their order.

        Some calls are computed ahead: as many as keep the workers of a server busy. `executor`, as
        `"processes:4"`, computes the calls of `from_api` elsewhere. With `ordered` off, outcomes
        come as soon as they are known. `arguments` are the other arguments of the endpoint, the
        same for all calls. The inputs are read as they are needed, and must stay unchanged until
        their outcome has come.
        """
        payloads = ({"inputs": item, **arguments} for item in inputs)
        return self._mapped(self._open.calls(executor), endpoint, payloads, ordered)

    def _mapped(
        self,
        executor: AbstractContextManager[ManyCalls | None],
        endpoint: str,
        payloads: Iterable[Mapping[str, Any]],
        ordered: bool,
    ) -> Iterator[Outcome]:
        with executor as calls:
            if calls is not None:
                request = partial(self._request, endpoint)
                submissions = to_executor(calls, request, self._documents.read)
                yield from outcomes(submissions, payloads, ordered=ordered)
                return
            compute = partial(self._compute, endpoint, persistent=True)
            with in_threads(compute, self._open.concurrency()) as submissions:
                yield from outcomes(submissions, payloads, ordered=ordered)

    @property
    def reference(self) -> dict[str, str]:
        """The reference of this Tesseract in documents, as the value of a `TesseractReference`.

        It is `{"type": "url" or "api_path", "ref": ...}`, without the key, the paths and the
        options of this instance. Raises `NoReference` for a module without a file.

        >>> Tesseract.from_url("http://127.0.0.1:8000").reference
        {'type': 'url', 'ref': 'http://127.0.0.1:8000'}
        """
        return dict(self._transport.reference)

    def reload(self) -> None:
        """Load the file again, with the modules beside it, or forget what a server has told.

        Raises the errors of loading; the client is closed then, until the next `reload`.
        """
        self.close()
        for known in ("_format", "_served"):
            self.__dict__.pop(known, None)
        self._use(self._reopened())

    def close(self) -> None:
        """Close connections and end processes; later calls raise `Unreachable`."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Tesseract at {self._transport.place}>"

    @property
    def _open(self) -> Transport:
        if not self._finalizer.alive:
            raise Unreachable(f"The Tesseract at {self._transport.place} has been closed.")
        return self._transport

    @cached_property
    def _format(self) -> str:
        """The format of documents, by default the best of those that the other side reports."""
        return self._documents.chosen or best_format(self._documents.catalog, self._open.formats())

    @cached_property
    def _served(self) -> ServedEndpoints:
        return ServedEndpoints(self.openapi_schema)

    def _constant(self, endpoint: str) -> Any:
        return self._open.get(endpoint)

    def _compute(
        self,
        endpoint: str,
        payload: Mapping[str, Any],
        run_id: str | None,
        *,
        persistent: bool = False,
    ) -> Any:
        transport, run = self._open, _checked(run_id)
        with transport.segment() as segment:
            request = self._request(endpoint, payload, run, segment, persistent=persistent)
            try:
                return self._documents.read(transport.compute(request), segment)
            except TesseractRuntimeError as error:  # its frames are of no use to the caller
                raise error.with_traceback(None) from error.__cause__

    def _request(
        self,
        endpoint: str,
        payload: Mapping[str, Any],
        run_id: str,
        segment: RegisteredSegment | None = None,
        *,
        persistent: bool = False,
    ) -> Request:
        here = current_scope()
        parent = here.run
        payload_format = self._documents.payload_format(self._format)
        return Request(
            endpoint=endpoint,
            run_id=run_id,
            parent_run_id=parent.id if parent is not None and parent.kept else None,
            format=payload_format,
            output=self._documents.output(self._format),
            body=self._documents.write(payload, payload_format, run_id, segment),
            metadata=self._metadata_of(here.metadata),
            segment=segment,
            persistent=persistent,
            inputs=payload.get("inputs"),
        )

    def _metadata_of(self, outer: Mapping[str, str]) -> Mapping[str, str]:
        """Return the metadata of the next call, inside another one with `outer`."""
        given = self._metadata() if callable(self._metadata) else self._metadata
        return {**outer, **checked_metadata(given)} if given else outer


def _checked(run_id: str | None) -> str:
    """Return a valid or new id of a run; `ValidationError`, as of a server, for an invalid one."""
    try:
        return new_run_id() if run_id is None else checked_run_id(run_id)
    except InvalidOption as error:
        fault = {"type": "value_error", "loc": ["query", "run_id"], "msg": str(error)}
        raise ValidationError.of([fault], str(run_id)) from None
