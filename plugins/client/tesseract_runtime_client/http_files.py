"""Files that are sent to a server and fetched from it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from pydantic_core import from_json

from tesseract_runtime_client.connections import HttpAnswer
from tesseract_runtime_client.errors import TesseractFailed, ValidationError, failure

Exchange = Callable[[str, str, Mapping[str, str], BinaryIO | None], HttpAnswer]
"""Makes a request: its method, its target, its headers and its body."""

_PART = 8 << 20  # bytes of a file that are fetched at once
_SUCCESS, _CREATED, _PARTIAL, _UNSATISFIABLE = 200, 201, 206, 416
_OFF = (404, 405)


class HttpFiles:
    """The files of a client on one server, which may take none."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._is_off = False
        self._sent: dict[tuple[str, int, int], tuple[str, float]] = {}  # names and until when

    def send(self, path: Path) -> str | None:
        """Return the name on the server of a local file, which is sent unless it is there.

        `None` for what is not a file here, and for a server that takes no files.
        """
        if self._is_off or not path.is_file():
            return None
        facts = path.stat()
        key = str(path.absolute()), facts.st_mtime_ns, facts.st_size
        name, end = self._sent.get(key, ("", 0.0))
        if time.monotonic() < end:
            return name
        answer = self._put(path)
        if answer.status in _OFF:
            self._is_off = True
            return None
        if answer.status != _CREATED:
            raise _failure(answer)
        told = from_json(answer.body)
        # Half of the time is left to the calls that use the file.
        name, end = str(told["path"]), time.monotonic() + told["seconds"] / 2
        self._sent[key] = name, end
        return name

    def _put(self, path: Path) -> HttpAnswer:
        # A key can use a name once, and names with a leading dot are refused.
        name = f"{os.urandom(4).hex()}-{path.name}"
        with path.open("rb") as file:
            return self._exchange("PUT", f"files/{quote(os.fsencode(name), safe='')}", {}, file)

    def fetch(self, name: str, into: BinaryIO) -> None:
        """Write a file of a run to an open file, part by part."""
        run, _, path = name.removeprefix("run_").partition("/")
        target, start = f"runs/{quote(run)}/files/{quote(path)}", 0
        unchanged: Mapping[str, str] = {}
        while True:
            headers = {"Range": f"bytes={start}-{start + _PART - 1}", **unchanged}
            answer = self._exchange("GET", target, headers, None)
            size = answer.headers.get("content-range", "").rpartition("/")[2]
            if answer.status == _UNSATISFIABLE and size == "0":
                return  # an empty file has no range
            if answer.status != _PARTIAL:
                raise _failure(answer, name)
            into.write(answer.body)
            start += len(answer.body)
            unchanged = {"If-Range": answer.headers.get("etag", "")}
            if start >= int(size):
                return

    def files_in(self, name: str) -> Sequence[str]:
        """Return the names of the files in a folder of a run."""
        run = name.partition("/")[0]
        target = f"runs/{quote(run.removeprefix('run_'))}/files"
        answer = self._exchange("GET", target, {}, None)
        if answer.status != _SUCCESS:
            raise _failure(answer)
        names = (f"{run}/{file['path']}" for file in from_json(answer.body)["files"])
        return [file for file in names if file.startswith(f"{name}/")]


def _failure(answer: HttpAnswer, name: str = "") -> ValidationError | TesseractFailed:
    if answer.status < _PARTIAL:
        return TesseractFailed(f"{name!r} has changed while it was fetched.", answer.status, None)
    try:
        told: Any = from_json(answer.body)
    except ValueError:
        told = None
    return failure(answer.status, told.get("detail") if isinstance(told, dict) else None, None)
