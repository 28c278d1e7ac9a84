"""A Tesseract behind HTTP, served by this project or another one with the same JSON."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import replace
from functools import cached_property, partial
from http.client import HTTPException
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Self
from urllib.parse import quote

from pydantic_core import from_json, to_json

from runtime_core.catalog import Catalog
from runtime_core.contracts import Format
from runtime_core.documents import format_of_media_type, media_type_of
from runtime_core.errors import InvalidOption, UnreadableDocument, shortened
from tesseract_runtime_client.connections import Connections, HttpAnswer, NotConnected
from tesseract_runtime_client.errors import TesseractFailed, Unreachable, ValidationError, failure
from tesseract_runtime_client.forward_handles import ForwardHandles
from tesseract_runtime_client.http_files import HttpFiles
from tesseract_runtime_client.segments import RegisteredSegment, SegmentPool
from tesseract_runtime_client.server_address import ServerAddress, address_of
from tesseract_runtime_client.transport import (
    Answer,
    Request,
    check_seconds,
    refuse_executor,
)

_LEAST_SECONDS = 1e-6  # a server takes no 0
_CONNECT_SECONDS = 10.0

_PAUSE_SECONDS = 1.0  # before a refused call is sent again, if the server names a date

_GRACE_SECONDS = 2.0
"""The wait for an answer after the end of the limits: the server reports it."""

_JSON = "application/json"  # each array in it names its encoding
_FORWARD = "Tesseract-Forward"
_SUCCESS = 200
_NOT_FOUND = 404
_UNAVAILABLE = 503
_GATEWAY_TIMEOUT = 504

_LONGEST_TEXT = 300  # characters of a failure that is not JSON

_CONCURRENCY = 4
"""The number of simultaneous calls to a server that does not report its workers."""

_COMPONENTS = {"input_schema": "ApplyInputSchema", "output_schema": "ApplyOutputSchema"}
"""The components of the OpenAPI document for servers without these two endpoints."""


class HttpTransport:
    """Computes at a URL, over persistent connections.

    A call may compute for `timeout` seconds, after it has waited for `patience` seconds.
    """

    has_process: ClassVar[bool] = False

    def __init__(
        self,
        catalog: Catalog,
        address: ServerAddress,
        connections: Connections,
        *,
        timeout: float | None,
        patience: float | None,
    ) -> None:
        self.place = address.place
        self._catalog = catalog
        self._address = address
        self._connections = connections
        self._timeout = timeout
        self._patience = patience
        self._forwards = ForwardHandles()
        self._files = HttpFiles(lambda *asked: self._exchanged(*asked[:3], content=asked[3]))
        path = address.socket_path
        has_segments = path is not None and hasattr(os, "memfd_create")
        self._segments = SegmentPool(f"{path}.segments") if has_segments else None

    @classmethod
    def opened(
        cls,
        catalog: Catalog,
        url: str,
        *,
        api_key: str | None,
        timeout: float | tuple[float, float] | None,
        patience: float | None,
    ) -> Self:
        """Return the transport to a server, without a request."""
        if isinstance(timeout, str):
            raise InvalidOption(
                "The timeout of from_url is a text instead of a number of seconds. Give an API key "
                "by its name: from_url(url, api_key=...)."
            )
        connect, timeout = timeout if isinstance(timeout, tuple) else (_CONNECT_SECONDS, timeout)
        check_seconds(timeout=timeout, connect=connect, patience=patience)
        address = address_of(url)
        if api_key is not None:
            address = _with_key(address, api_key)
        connections = Connections(partial(address.connect, timeout=connect))
        patience = timeout if patience is None else patience
        return cls(catalog, address, connections, timeout=timeout, patience=patience)

    @property
    def reference(self) -> Mapping[str, str]:
        """The URL."""
        return {"type": "url", "ref": self.place}

    def formats(self) -> Collection[str]:
        """Return the formats in the OpenAPI document of the server."""
        return tuple(self._openapi.get("x-supported-output-formats", ()))

    def segment(self) -> AbstractContextManager[RegisteredSegment | None]:
        """Lend a segment of a server on this machine."""
        return nullcontext() if self._segments is None else self._segments.lent()

    def compute(self, request: Request) -> Answer:
        """Make a call once, even if the connection breaks; a refused one again until it is taken.

        A server refuses a call with a 503 and `Retry-After` only if it has not begun it.
        """
        given_up = time.monotonic() + self._seconds_to_wait(request)
        while True:
            left = None
            if self._patience is not None:
                left = max(given_up - time.monotonic(), _LEAST_SECONDS)
            answer = self._call(request, left)
            if answer.status == _SUCCESS:
                break
            pause = _pause(answer)
            if pause is None or time.monotonic() + pause > given_up:
                raise _failure(answer, request.run_id)
            time.sleep(pause)
        handle = answer.headers.get(_FORWARD.lower())
        if handle is not None:
            self._forwards.note(request.inputs, handle)
        if self._segments is not None:
            self._segments.note(max(request.size, len(answer.body)))
        return Answer(format=self._format_of(answer).name, body=answer.body)

    def calls(self, executor: str | None) -> AbstractContextManager[None]:
        """Return nothing; `InvalidOption` for an executor."""
        refuse_executor(executor, self.place)
        return nullcontext()

    def concurrency(self) -> int:
        """Return two calls for each worker of the server, if it reports them and has the room."""
        try:
            facts = self._json("readyz")
            workers, queue_size = int(facts["workers"]), int(facts["queue_size"])
        except (KeyError, TesseractFailed, TypeError, Unreachable, ValueError):
            return _CONCURRENCY  # another server, or a proxy in front of several
        return min(2 * workers, workers + queue_size)

    def send(self, path: Path) -> str | None:
        """Send a local file, if the server takes files."""
        return self._files.send(path)

    def fetch(self, name: str, into: BinaryIO) -> None:
        """Fetch a file of a run."""
        self._files.fetch(name, into)

    def files_in(self, name: str) -> Sequence[str]:
        """List a folder of a run."""
        return self._files.files_in(name)

    def get(self, name: str) -> dict[str, Any]:
        """Request an answer that needs no computation."""
        if name == "openapi.json":
            return deepcopy(self._openapi)
        try:
            return self._json(name)
        except TesseractFailed as error:
            component = _COMPONENTS.get(name)
            if error.status != _NOT_FOUND:
                raise
        if component is None:
            raise self._no_tesseract(name)
        return _schema(self._openapi, component)

    def close(self) -> None:
        """Close the connections and free shared memory."""
        self._connections.close()
        if self._segments is not None:
            self._segments.close()

    @cached_property
    def _openapi(self) -> dict[str, Any]:
        try:
            return self._json("openapi.json")
        except TesseractFailed as error:
            if error.status != _NOT_FOUND:
                raise
        raise self._no_tesseract("openapi.json")

    def _no_tesseract(self, name: str) -> Unreachable:
        """Return the error of a server that lacks what every Tesseract has."""
        return Unreachable(
            f"No Tesseract answers at {self.place}: that server does not have /{name}. Give the "
            "URL of a Tesseract, with its path if it lies below one."
        )

    def _json(self, name: str) -> dict[str, Any]:
        answer = self._exchanged("GET", name, {"Accept": _JSON})
        if answer.status != _SUCCESS:
            raise _failure(answer, None)
        try:
            facts = from_json(answer.body)
        except ValueError:
            facts = None
        if not isinstance(facts, dict):
            raise self._no_tesseract(name)
        return facts

    def _seconds_to_wait(self, request: Request) -> float:
        """Return the time for which a refused call is sent again."""
        if self._patience is not None:
            return self._patience
        return math.inf if request.persistent else 0.0

    def _call(self, request: Request, patience: float | None) -> HttpAnswer:
        """Send a call, which may wait for some seconds."""
        media_type = self._catalog.formats.find(request.format).media_types[0]
        headers = {
            **request.metadata,
            "Content-Type": _JSON if media_type.startswith(_JSON) else media_type,
            "Content-Length": str(request.size),
            "Accept": media_type_of(request.output, self._catalog),
        }
        if request.parent_run_id is not None:
            headers["Tesseract-Parent-Run-Id"] = request.parent_run_id
        forward = self._forwards.find(request.inputs)
        if forward is not None:
            headers[_FORWARD] = forward
        if request.segment is not None:
            headers["Tesseract-Segment"] = request.segment.token
        if self._timeout is not None:
            headers["Request-Timeout"] = f"{self._timeout:.9g}"
        if patience is not None:
            headers["Request-Patience"] = f"{patience:.9g}"
        target = f"{quote(request.endpoint)}?run_id={request.run_id}"
        seconds = None
        if self._timeout is not None and patience is not None:
            seconds = patience + self._timeout + _GRACE_SECONDS
        return self._exchanged("POST", target, headers, request, seconds)

    def _exchanged(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        request: Request | None = None,
        seconds: float | None = None,
        *,
        content: BinaryIO | None = None,
    ) -> HttpAnswer:
        """Send a request once and return its answer, which may be a failure."""
        root, headers = self._address.root, {**self._address.headers, **headers}
        body, run_id = ((), None) if request is None else (request.body, request.run_id)
        try:
            sent = body if content is None else content
            return self._connections.exchange(method, f"{root}/{target}", headers, sent, seconds)
        except NotConnected as error:
            raise Unreachable(
                f"No server answers at {self.place}: {error}. Is a Tesseract served there?"
            ) from None
        except TimeoutError:
            raise TesseractFailed(
                f"{self.place} has not answered within the patience of {self._patience:g} s and "
                f"the timeout of {self._timeout:g} s and may still compute. Allow more with "
                "timeout= or patience=",
                _GATEWAY_TIMEOUT,
                run_id,
            ) from None
        except (OSError, HTTPException) as error:
            name, run = target.partition("?")[0], "" if run_id is None else f" (run {run_id})"
            raise Unreachable(
                f"The connection to {self.place} broke before the answer to {name} arrived: "
                f"{error}. It may have been computed and is not requested again{run}."
            ) from None

    def _format_of(self, answer: HttpAnswer) -> Format:
        content_type = answer.headers.get("content-type", "")
        format_ = format_of_media_type(self._catalog, content_type)
        if format_ is not None:
            return format_
        media_type = content_type.partition(";")[0].strip()
        raise UnreadableDocument(
            f"{self.place} answered with {media_type or 'no media type'!r}, which is not a "
            "format of a Tesseract. Is the URL that of one?"
        )


def _with_key(address: ServerAddress, api_key: str) -> ServerAddress:
    if not (api_key.isascii() and api_key.isprintable()):
        raise InvalidOption(
            "The API key has characters that a header cannot hold, such as a newline."
        )
    headers = {**address.headers, "Authorization": f"Bearer {api_key}"}
    return replace(address, headers=headers)


def _pause(answer: HttpAnswer) -> float | None:
    """Return the seconds after which a refused call may be sent again, if it has not begun."""
    wanted = answer.headers.get("retry-after")
    if answer.status != _UNAVAILABLE or wanted is None:
        return None
    return float(wanted) if wanted.isdecimal() else _PAUSE_SECONDS


def _schema(openapi: Mapping[str, Any], component: str) -> dict[str, Any]:
    """Return a component of an OpenAPI document as a self-contained JSON Schema."""
    text = to_json(openapi["components"]["schemas"])
    components = from_json(text.replace(b'"#/components/schemas/', b'"#/$defs/'))
    return {"$defs": components, **components[component]}


def _failure(answer: HttpAnswer, run_id: str | None) -> ValidationError | TesseractFailed:
    """Return the exception for an answer without a result, of a server or a proxy."""
    try:
        told = from_json(answer.body)
    except ValueError:
        told = shortened(answer.body.decode("utf-8", "replace").strip(), _LONGEST_TEXT)
    told = told if isinstance(told, Mapping) else {"detail": told}
    run_id = answer.headers.get("tesseract-run-id", run_id)
    return failure(answer.status, told.get("detail"), run_id, told.get("traceback", ""))
