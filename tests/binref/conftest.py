"""Documents that refer to files, folders with binary files, and a web server of files."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

from runtime_core import Array, Float64
from tests.cli.conftest import here  # noqa: F401  # a fixture of these tests too

RANGE = re.compile(r"bytes=(\d+)-(\d+)")

NUMBERS = np.arange(10.0)
"""What the files of these tests hold."""


class Model(BaseModel):
    """A document with one array of any shape."""

    x: Array[..., Float64]


def document(
    buffer: Any, *, shape: tuple[int, ...] = (10,), dtype: str = "float64", **data: Any
) -> dict[str, Any]:
    """Return the document of an array whose bytes are in a file."""
    data = {"buffer": buffer, "encoding": "binref", **data}
    return {"shape": list(shape), "dtype": dtype, "data": data}


def read(folder: Path, array: Mapping[str, Any]) -> Any:
    """Return the array of a document whose file names are relative to a folder."""
    return Model.model_validate({"x": array}, context={"base_dir": str(folder)}).x


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the bytes of `NUMBERS` in `data.bin`."""
    NUMBERS.tofile(tmp_path / "data.bin")
    return tmp_path


@dataclass(frozen=True, kw_only=True)
class FileServer:
    """A running web server: its files by path, and the requests it received.

    It says that it has a file in `broken`, and cannot give it.
    """

    port: int
    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Return the URL of its root, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving_files() -> Iterator[FileServer]:
    """Serve files from memory on a free port, with range requests."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        files = FileServer(port=server.server_port)
        server.RequestHandlerClass = handler_of(files)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield files
        finally:
            server.shutdown()
            thread.join()


def handler_of(server: FileServer) -> type[BaseHTTPRequestHandler]:
    """Return the class that answers the requests of one server."""

    class Handler(BaseHTTPRequestHandler):
        """Answers one request."""

        def do_HEAD(self) -> None:
            """Answer without a body."""
            self._answer()

        def do_GET(self) -> None:
            """Answer with a body."""
            self.wfile.write(self._answer())

        def log_message(self, format: str, *arguments: Any) -> None:
            """Log nothing."""

        def _answer(self) -> bytes:
            server.asked.append(self.path)
            if target := server.redirects.get(self.path):
                return self._head(302, b"", Location=target)
            if self.path in server.broken and self.command == "GET":
                return self._head(500, b"")
            if (body := server.files.get(self.path)) is None:
                return self._head(404, b"")
            wanted = RANGE.fullmatch(self.headers.get("Range", ""))
            if wanted is None:
                return self._head(200, body, **{"Accept-Ranges": "bytes"})
            first, last = int(wanted[1]), min(int(wanted[2]), len(body) - 1)
            part = f"bytes {first}-{last}/{len(body)}"
            return self._head(206, body[first : last + 1], **{"Content-Range": part})

        def _head(self, status: int, body: bytes, **headers: str) -> bytes:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            return body

    return Handler


@pytest.fixture(scope="module")
def file_server() -> Iterator[FileServer]:
    """Return a web server without files."""
    with serving_files() as files:
        yield files
