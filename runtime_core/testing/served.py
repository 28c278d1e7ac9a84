"""A server in a process of its own, and requests to it."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

SECONDS = 120
"""The limit for a server to start, to answer or to end."""

_ANNOUNCEMENT = re.compile(r"^Serving .* on http://(\S+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer over HTTP; names of headers are in any case."""

    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        """Return the tree of the body."""
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running server: its address, and the file of everything that it prints."""

    host: str
    log: Path

    def ask(self, path: str, body: bytes | str | None = None, **headers: str) -> Answer:
        """Send a POST if there is a body, else a GET; `content_type` names a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body.encode() if isinstance(body, str) else body
        with closing(HTTPConnection(self.host, timeout=SECONDS)) as connection:
            connection.request("GET" if body is None else "POST", path, content, named)
            response = connection.getresponse()
            return Answer(status=response.status, headers=response.headers, body=response.read())


@contextmanager
def serving(command: Sequence[str], log: Path, **surroundings: Any) -> Iterator[Served]:
    """Run a command that ends with `serve` and options of it, on a free port, inside the `with`.

    `surroundings` are those of `subprocess.Popen`. Raises `RuntimeError` if it does not start, or
    ends with an exit code.
    """
    with (
        log.open("w", encoding="utf-8") as prints,
        subprocess.Popen(
            [*command, "--port", "0"], stdout=prints, stderr=prints, **surroundings
        ) as process,
    ):
        try:
            yield Served(host=_announced(process, log), log=log)
            process.terminate()
            if process.wait(SECONDS):
                raise RuntimeError(f"The server has failed:\n{log.read_text('utf-8')}")
        finally:
            process.kill()


def _announced(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the host and port that a server listens on, once it does."""
    end = time.monotonic() + SECONDS
    while True:
        text = log.read_text("utf-8")
        if match := _ANNOUNCEMENT.search(text):
            return match[1]
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"The server does not start:\n{text}")
        time.sleep(0.01)
