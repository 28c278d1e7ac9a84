"""The floor of an HTTP server: uvicorn with an application that echoes the body."""

from typing import Any


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the body of the request."""
    body, more = b"", scope["type"] == "http"
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
