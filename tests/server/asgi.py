"""Requests of an ASGI application in this process, without a socket."""

from __future__ import annotations

import asyncio
from typing import Any


async def posted(app: Any, path: str, body: bytes) -> tuple[int, bytes]:
    """Post a document in JSON, and return status and body of the answer."""
    return await requested(app, "POST", path, body)


async def requested(
    app: Any, method: str, path: str, body: bytes = b"", *, host: str = "localhost"
) -> tuple[int, bytes]:
    """Make one request, and return status and body of the answer."""
    arriving = [{"type": "http.request", "body": body}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not arriving:
            await asyncio.Event().wait()  # the client does not go away
        return arriving.pop()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", host.encode()), (b"content-type", b"application/json")],
    }
    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])
