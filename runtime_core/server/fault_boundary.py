"""The boundary of an application that a plugin provides or surrounds: its faults are answers."""

from __future__ import annotations

from contextlib import suppress

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from runtime_core.server.headers import run_id_of_fault
from runtime_core.server.responses import JsonResponse
from runtime_core.server.server import Server

_INTERNAL_ERROR = 1011  # RFC 6455, 7.4.1


class FaultBoundary:
    """Answers with the fault of the application inside, which is raised no further.

    The layers outside see an answer, and are not blamed.
    """

    def __init__(self, application: ASGIApp, server: Server) -> None:
        self._application = application
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request, and answer it if that fails."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._application(scope, receive, watched)
        except (ClientDisconnect, WebSocketDisconnect):
            pass  # the client has gone
        except HTTPException as error:  # no failure: a route is asked by a method that it has not
            detail = {"detail": error.detail}
            refusal = JsonResponse(detail, status_code=error.status_code, headers=error.headers)
            await refusal(scope, receive, watched)
        # Anything may fail, and the layers outside must not be blamed.
        except Exception as error:
            fault = self._server.failure(error)
            if not started:
                answer = self._server.fault_response(fault, run_id_of_fault(scope["query_string"]))
                await answer(scope, receive, send)
            elif scope["type"] == "websocket":
                with suppress(Exception):  # it may be closed
                    await send({"type": "websocket.close", "code": _INTERNAL_ERROR})
