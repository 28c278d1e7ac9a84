"""Server extensions: routes, middleware and lifespans that plugins add to the HTTP service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from runtime_core.contracts.calls import Call, Reply
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
    """A request and its answer in numbers; `status` is `None` if the client did not wait for it.

    `forward` is that of the `Reply`, if it has one.
    """

    method: str
    path: str
    status: int | None
    run_id: str | None
    bytes_in: int
    bytes_out: int
    seconds: float
    timings: Mapping[str, float]
    forward: str | None = None


class Handling(Enum):
    """What a layer's `head` function may ask for: that `wrap` handles this request."""

    WRAPPED = "wrapped"


@dataclass(frozen=True, kw_only=True)
class Layer:
    """An ASGI middleware, `wrap(app) -> app`, and its position around the routes.

    A layer that neither changes bodies nor successful answers can also declare `head`, which spares
    most calls ASGI, if all layers have one: `head(request)` returns `None`, a Starlette `Response`
    with a body that refuses the request, or `Handling.WRAPPED`. For these calls, `answered` is
    called once they are answered.
    """

    place: Place
    wrap: Callable[[Any], Any]
    head: Callable[[RequestHead], Any] | None = None
    answered: Callable[[AnsweredRequest], None] | None = None


@dataclass(frozen=True, kw_only=True)
class RunningCall:
    """A call that a worker computes, and the seconds since it began."""

    run_id: str
    endpoint: str
    seconds: float


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
    server starts and exited when it stops. `observe` is called with every computed call and reply.
    `openapi` takes the OpenAPI document and returns the one to serve.
    """

    routes: Sequence[Any] = ()
    layers: Sequence[Layer] = ()
    lifespan: Callable[[], AbstractAsyncContextManager[None]] | None = None
    observe: Callable[[Call, Reply], None] | None = None
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
