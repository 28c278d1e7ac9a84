"""Server extensions: routes, middleware and lifespans that plugins add to the HTTP service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from runtime_core.contracts.calls import Call, Fault, Reply
from runtime_core.contracts.descriptions import Description

if TYPE_CHECKING:
    from runtime_core.catalog import Catalog
    from runtime_core.config import RuntimeConfig
    from runtime_core.server.run_owners import RunOwners
    from runtime_core.server.serve_options import ServeOptions


class Place(StrEnum):
    """The position of a layer around the routes, outermost first."""

    EDGE = "edge"
    IDENTITY = "identity"
    REQUEST = "request"


@dataclass(kw_only=True, slots=True)
class RequestHead:
    """The head of a request. Fields have lower-case names; repeated ones are joined.

    A layer that identifies the caller sets `caller`.
    """

    method: str
    path: str
    query: bytes = b""
    fields: Mapping[str, str]
    caller: str | None = None


@dataclass(kw_only=True, slots=True)
class AnsweredRequest:
    """A request and its answer; `status` is `None` if the client did not wait for it.

    `timestamp` is its beginning, in seconds since the epoch. `endpoint` is that of a call, and
    `run_id`, `caller`, `parent_run_id`, `metadata` and `forward` are those of its `Call` and
    `Reply`, as far as there are any. `fault` is the reason of a refusal or a failure. `timings`
    maps the stages of a call to seconds: `receive` until its body has come, those of the `Reply`,
    and `send`. A call that an extension makes by `ServerContext.call` has no method, and the status
    that its endpoint would have.
    """

    method: str | None
    path: str
    timestamp: float = 0.0
    endpoint: str | None = None
    status: int | None = None
    run_id: str | None = None
    parent_run_id: str | None = None
    caller: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    bytes_in: int = 0
    bytes_out: int = 0
    seconds: float = 0.0
    timings: Mapping[str, float] = field(default_factory=dict)
    fault: Fault | None = None
    forward: str | None = None


class Handling(Enum):
    """What a layer's `head` function may ask for: that `wrap` handles this request."""

    WRAPPED = "wrapped"


@dataclass(frozen=True, kw_only=True)
class Layer:
    """An ASGI middleware, `wrap(app) -> app`, and its position around the routes.

    A layer that neither changes bodies nor successful answers can also declare `head`, which spares
    most calls ASGI, if all layers have one: `head(request)` returns `None`, a Starlette `Response`
    with a body that refuses the request, or `Handling.WRAPPED`.
    """

    place: Place
    wrap: Callable[[Any], Any]
    head: Callable[[RequestHead], Any] | None = None


@dataclass(frozen=True, kw_only=True)
class RunningCall:
    """A call that a worker computes, and the seconds since it began."""

    run_id: str
    endpoint: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ServerLoad:
    """The calls that wait, and the workers by state; a busy one may still forward its output.

    `restarts` counts the workers that have ended since the start and were replaced, or should have
    been.
    """

    waiting: int
    busy: int
    idle: int
    loading: int
    restarts: int


class ServerContext(Protocol):
    """The parts of the server that extensions use."""

    @property
    def catalog(self) -> Catalog:
        """Everything that the installed plugins provide."""

    @property
    def config(self) -> RuntimeConfig:
        """The configuration of the server."""

    @property
    def options(self) -> ServeOptions:
        """The options of the service."""

    @property
    def problem(self) -> str | None:
        """The reason why no call can be computed now, or `None`."""

    @property
    def running(self) -> Sequence[RunningCall]:
        """The calls that are being computed."""

    @property
    def load(self) -> ServerLoad:
        """The calls that wait, and the workers by state."""

    @property
    def public_paths(self) -> Collection[str]:
        """The paths that pass without a key, once all extensions have been built."""

    @property
    def description(self) -> Description:
        """The description of the Tesseract."""

    @property
    def run_owners(self) -> RunOwners:
        """The owners of runs, where keys are required."""

    def call(self, call: Call) -> AbstractAsyncContextManager[Reply]:
        """Compute a call; the body of the reply is valid only inside the `async with`.

        Raises `QueueFull` if too many calls wait.
        """


@dataclass(frozen=True, kw_only=True)
class ServerParts:
    """The parts that an extension adds to the server.

    `routes` are Starlette routes, tried before the core's own. `lifespan` is entered when the
    server starts and exited when it stops. `openapi` takes the OpenAPI document and returns the one
    to serve. The `public_paths` pass without a key, and by any name of the host. `metadata` names
    further header fields that go with calls, as `Call.metadata`.

    `observe` is called with the requests that have been answered or left by their clients, refused
    ones too, some at a time. It may be slow, as it runs in a thread of its own, and may be async,
    in an event loop of that thread.
    """

    routes: Sequence[Any] = ()
    layers: Sequence[Layer] = ()
    lifespan: Callable[[], AbstractAsyncContextManager[None]] | None = None
    observe: Callable[[Sequence[AnsweredRequest]], Awaitable[None] | None] | None = None
    public_paths: Collection[str] = ()
    metadata: Collection[str] = ()
    openapi: Callable[[dict[str, Any]], Mapping[str, Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class ServerExtension:
    """Declares an extension of the server.

    `build(server)` makes its parts for a `ServerContext`. One that fails is left out, and `serve`
    ends with an error if it is `required`, as one that authenticates callers must be.
    """

    name: str
    summary: str
    build: Callable[..., ServerParts]
    required: bool = False
