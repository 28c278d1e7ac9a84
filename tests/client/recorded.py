"""A server of HTTP that answers what a test tells it, and records what it is asked."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OPENAPI = {"paths": {"/apply": {}}, "x-supported-output-formats": ["json", "json+base64"]}
ARRAY = {
    "object_type": "array",
    "shape": [2],
    "dtype": "float64",
    "data": {"buffer": [1, 2], "encoding": "json"},
}
RESULT = {"y": ARRAY}


@dataclass
class Recorded:
    """A server that says what it is told to, and the requests that it has met."""

    url: str
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)

    def posts(self) -> list[tuple[str, str, dict[str, str], bytes]]:
        """Return the calls among the requests."""
        return [request for request in self.requests if request[0] == "POST"]


Reply = Callable[[BaseHTTPRequestHandler], None]


def answer(body: Any, status: int = 200, **headers: str) -> Reply:
    """Return a server that answers with JSON, or with a text."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in {"Content_Type": "application/json", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return reply


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """End the connection without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def half_an_answer(handler: BaseHTTPRequestHandler) -> None:
    """End the connection in the middle of an answer."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"y":')
    hang_up(handler)


@contextmanager
def saying(
    *replies: Reply,
    openapi: Any = OPENAPI,
    others: Reply | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Recorded]:
    """Run a server that gives these replies to calls in turn, and `others` to what it lacks."""
    waiting = list(replies)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            recorded.requests.append((self.command, self.path, headers, self.rfile.read(size)))
            recorded.connections.add(self.client_address)
            if self.command == "POST":
                waiting.pop(0)(self)
            else:
                known = self.path.endswith("/openapi.json")
                (others if others and not known else answer(openapi))(self)

        do_GET = do_POST = respond  # noqa: N815  # the names of http.server

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        recorded = Recorded(url=f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield recorded
        finally:
            server.shutdown()
            thread.join()
