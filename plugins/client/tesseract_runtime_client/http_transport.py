"""A Tesseract behind HTTP, served by this project or another one with the same JSON."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from functools import cached_property
from typing import Any, ClassVar, Self

import httpx
from pydantic_core import from_json, to_json

from runtime_core.catalog import Catalog
from runtime_core.contracts import Format
from runtime_core.documents import format_of_media_type
from runtime_core.errors import InvalidOption, UnreadableDocument
from tesseract_runtime_client.errors import TesseractFailed, Unreachable, ValidationError, failure
from tesseract_runtime_client.segments import RegisteredSegment, SegmentPool
from tesseract_runtime_client.transport import Answer, Request

_CONNECT_SECONDS = 10.0

_GRACE_SECONDS = 2.0
"""The wait for an answer after the end of the timeout: the server reports it."""

_IDLE_SECONDS = 4.0
"""The age at which idle connections are closed: many servers close them after 5 s, and a call at
that moment would be lost, since calls are never repeated."""

_UNIX = "unix://"
"""The beginning of a URL that is the path of a Unix socket, as it is."""

_LAST_PORT = 65535
_JSON = "application/json"  # each array in it names its encoding
_SUCCESS = 200
_NOT_FOUND = 404
_GATEWAY_TIMEOUT = 504

_COMPONENTS = {"input_schema": "ApplyInputSchema", "output_schema": "ApplyOutputSchema"}
"""The components of the OpenAPI document for servers without these two endpoints."""


class HttpTransport:
    """Computes at a URL, over persistent connections."""

    has_process: ClassVar[bool] = False

    def __init__(
        self, catalog: Catalog, client: httpx.Client, place: str, timeout: float | None
    ) -> None:
        self.place = place
        self._catalog = catalog
        self._client = client
        self._timeout = timeout
        path = _socket_path(place)
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
    ) -> Self:
        """Return the transport to a server, without a request."""
        if isinstance(timeout, str):
            raise InvalidOption(
                "The timeout of from_url is a text instead of a number of seconds. Give an API key "
                "by its name: from_url(url, api_key=...)."
            )
        connect, timeout = timeout if isinstance(timeout, tuple) else (_CONNECT_SECONDS, timeout)
        patience = None if timeout is None else timeout + _GRACE_SECONDS
        path, limits = _socket_path(url), httpx.Limits(keepalive_expiry=_IDLE_SECONDS)
        client = httpx.Client(
            base_url=_checked(url) if path is None else "http://localhost",
            headers={} if api_key is None else {"Authorization": f"Bearer {api_key}"},
            limits=limits,
            timeout=httpx.Timeout(patience, connect=connect, pool=None),
            transport=None if path is None else httpx.HTTPTransport(uds=path, limits=limits),
        )
        place = str(client.base_url).rstrip("/") if path is None else f"{_UNIX}{path}"
        return cls(catalog, client, place, timeout)

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
        """Make a call once, even if the connection breaks."""
        with self._answered(
            "POST",
            request.endpoint,
            run_id=request.run_id,
            params={"run_id": request.run_id},
            headers=self._headers(request),
            content=request.slices(),
        ) as response:
            answer = Answer(format=self._format_of(response).name, body=_received(response))
        if self._segments is not None:
            self._segments.note(max(request.size, memoryview(answer.body).nbytes))
        return answer

    def get(self, name: str) -> dict[str, Any]:
        """Request an answer that needs no computation."""
        if name == "openapi.json":
            return deepcopy(self._openapi)
        try:
            return self._json(name)
        except TesseractFailed as error:
            component = _COMPONENTS.get(name)
            if error.status != _NOT_FOUND or component is None:
                raise
        return _schema(self._openapi, component)

    def close(self) -> None:
        """Close the connections and free shared memory."""
        self._client.close()
        if self._segments is not None:
            self._segments.close()

    @cached_property
    def _openapi(self) -> dict[str, Any]:
        return self._json("openapi.json")

    def _json(self, name: str) -> dict[str, Any]:
        with self._answered("GET", name, run_id=None, headers={"Accept": _JSON}) as response:
            return _parsed(_received(response), self.place)

    def _headers(self, request: Request) -> dict[str, str]:
        media_type = self._catalog.formats.find(request.format).media_types[0]
        headers = {
            "Content-Type": _JSON if media_type.startswith(_JSON) else media_type,
            "Content-Length": str(request.size),
            "Accept": self._catalog.formats.find(request.answer_format).media_types[0],
        }
        if request.parent_run_id is not None:
            headers["Tesseract-Parent-Run-Id"] = request.parent_run_id
        if request.segment is not None:
            headers["Tesseract-Segment"] = request.segment.token
        if self._timeout is not None:
            headers["Request-Timeout"] = str(self._timeout)
        return headers

    @contextmanager
    def _answered(
        self, method: str, name: str, *, run_id: str | None, **request: Any
    ) -> Iterator[httpx.Response]:
        """Send a request and give its answer, if that is a result."""
        run = "" if run_id is None else f" (run {run_id})"
        try:
            with self._client.stream(method, f"/{name}", **request) as response:
                if response.status_code != _SUCCESS:
                    raise _failure(response, run_id)
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unreachable(
                f"No server answers at {self.place}: {error}. Is a Tesseract served there?"
            ) from None
        except httpx.TimeoutException:
            raise TesseractFailed(
                f"{self.place} has not answered within {self._timeout} s and may still compute",
                _GATEWAY_TIMEOUT,
                run_id,
            ) from None
        except httpx.TransportError as error:
            raise Unreachable(
                f"The connection to {self.place} broke before the answer to {name} arrived: "
                f"{error}. It may have been computed and is not requested again{run}."
            ) from None

    def _format_of(self, response: httpx.Response) -> Format:
        content_type = response.headers.get("Content-Type", "")
        format_ = format_of_media_type(self._catalog, content_type)
        if format_ is not None:
            return format_
        media_type = content_type.partition(";")[0].strip()
        raise UnreadableDocument(
            f"{self.place} answered with {media_type or 'no media type'!r}, which is not a "
            "format of a Tesseract. Is the URL that of one?"
        )


def _socket_path(url: str) -> str | None:
    """Return the path of the socket that a URL names, if it names one."""
    path = url.removeprefix(_UNIX)
    if path == url:
        return None
    if not path.startswith("/") or "\0" in path:
        raise InvalidOption(
            f"{url!r} is not the URL of a socket: it must be unix:// and an absolute path, as in "
            "unix:///run/tesseract.sock."
        )
    return path


def _checked(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url if "://" in url else f"http://{url}")
    except httpx.InvalidURL as error:
        raise InvalidOption(f"{url!r} is not a valid URL: {error}.") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidOption(
            f"{url!r} is not the URL of a Tesseract: it must begin with http:// or https:// "
            "and a host, or be unix:// and the path of a socket."
        )
    if (parsed.port or 0) > _LAST_PORT:  # the system would take it modulo 65536
        raise InvalidOption(f"{url!r} is not a valid URL: a port is a number up to {_LAST_PORT}.")
    return parsed


def _received(response: httpx.Response) -> bytearray:
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
    return body


def _schema(openapi: Mapping[str, Any], component: str) -> dict[str, Any]:
    """Return a component of an OpenAPI document as a self-contained JSON Schema."""
    text = to_json(openapi["components"]["schemas"])
    components = from_json(text.replace(b'"#/components/schemas/', b'"#/$defs/'))
    return {"$defs": components, **components[component]}


def _parsed(body: bytearray, place: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = from_json(body)
    except ValueError:
        raise UnreadableDocument(
            f"{place} did not answer with JSON. Is the URL that of a Tesseract?"
        ) from None
    return answer


def _failure(response: httpx.Response, run_id: str | None) -> ValidationError | TesseractFailed:
    """Return the exception for an answer without a result, of a server or a proxy."""
    body = bytes(_received(response))
    if response.is_server_error:
        # Some servers disconnect shortly after a failure: the next call needs another connection.
        response.extensions["network_stream"].close()
    try:
        told = from_json(body)
    except ValueError:
        told = body.decode("utf-8", "replace").strip()
    told = told if isinstance(told, Mapping) else {"detail": told}
    run_id = response.headers.get("Tesseract-Run-Id", run_id)
    return failure(response.status_code, told.get("detail"), run_id, told.get("traceback", ""))
