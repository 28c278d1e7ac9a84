"""The routes of UM-Bridge, https://um-bridge-benchmarks.readthedocs.io (protocol 1.0)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime_core.calls import fault_of
from runtime_core.contracts import ServerContext, ServerParts
from runtime_core.errors import BodyTooLarge, TesseractRuntimeError
from tesseract_runtime_umbridge.errors import InvalidInput, UmbridgeError, Unsupported, error_of
from tesseract_runtime_umbridge.model import ACTIONS, Model
from tesseract_runtime_umbridge.requests import (
    ApplyHessian,
    ApplyJacobian,
    Evaluate,
    Gradient,
    Named,
    Question,
)

NAME = "forward"
"""The name of the model, as the documentation of UM-Bridge has it for forward models."""

PROTOCOL_VERSION = 1.0

_Body = TypeVar("_Body", bound=Named)


def build(server: ServerContext) -> ServerParts:
    """Add the routes, if they are chosen."""
    if not server.config.section("umbridge").umbridge:
        return ServerParts()
    return ServerParts(routes=[*_routes(server)])


def _routes(server: ServerContext) -> Iterator[Route]:
    model = Model(server)

    def route(
        path: str,
        type_: type[_Body],
        answer: Callable[[_Body], Awaitable[Any]],
        member: str = "output",
    ) -> Route:
        async def handle(request: Request) -> Response:
            try:
                body = _read(type_, await _body(request, server.options.max_body_size))
                _refuse_unsupported(model, path)
                return _answer({member: await answer(body)})
            except UmbridgeError as error:
                return _answer(error.document, error.status)
            except TesseractRuntimeError as error:
                problem = error_of(fault_of(error))
                return _answer(problem.document, fault_of(error).kind.status)

        return Route(f"/{path}", handle, methods=["POST"])

    async def info(request: Request) -> Response:
        return _answer({"protocolVersion": PROTOCOL_VERSION, "models": [NAME]})

    async def support(body: Named) -> Any:
        return model.support

    yield Route("/Info", info, methods=["GET", "POST"])
    yield route("ModelInfo", Named, support, "support")
    yield route("InputSizes", Question, model.input_sizes, "inputSizes")
    yield route("OutputSizes", Question, model.output_sizes, "outputSizes")
    yield route("Evaluate", Evaluate, model.evaluate)
    yield route("Gradient", Gradient, model.gradient)
    yield route("ApplyJacobian", ApplyJacobian, model.apply_jacobian)
    yield route("ApplyHessian", ApplyHessian, model.apply_hessian)


async def _body(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise BodyTooLarge(f"The body is larger than the {limit} bytes of --max-body-size.")
    return bytes(body)


def _read(type_: type[_Body], body: bytes) -> _Body:
    try:
        request = type_.model_validate_json(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"])) or "the body"
        raise InvalidInput(f"{place}: {fault['msg']}") from None
    if request.name != NAME:
        message = f"Model {request.name[:60]!r} not found. The only model is {NAME!r}."
        raise UmbridgeError("ModelNotFound", message)
    return request


def _refuse_unsupported(model: Model, action: str) -> None:
    if not model.support.get(action, True):
        raise Unsupported(
            f"{action} is not supported: this Tesseract has no endpoint {ACTIONS[action]!r}."
        )


def _answer(document: Any, status: int = 200) -> Response:
    # As Python writes them: JSON has no numbers that are not finite, but the clients read them.
    body = json.dumps(document, separators=(",", ":"))
    return Response(body, status_code=status, media_type="application/json")
