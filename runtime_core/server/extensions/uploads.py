"""`PUT /files/NAME`: files that callers store in the input path for a while."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from runtime_core.contracts import ServerContext, ServerParts
from runtime_core.errors import InvalidOption, QueueFull
from runtime_core.files import UPLOADS, is_url, new_file
from runtime_core.server.headers import CALLER, header_fields
from runtime_core.server.request_body import (
    announced_size,
    refuse_large,
    seconds_to_wait,
    slow_body,
)
from runtime_core.server.responses import JsonResponse

_MOST_FILES = 10_000
_LONGEST_NAME = 255  # bytes, as in Linux
_PIECE = 1 << 20  # bytes that are written at once
_SECONDS_TO_SWEEP = 600.0


def build(server: ServerContext) -> ServerParts:
    """Add the route, if uploads are allowed."""
    options = server.options
    if not options.allow_uploads:
        return ServerParts()
    uploads = Uploads(
        Path(server.config.input_path, UPLOADS),
        most_bytes=options.max_uploaded_bytes,
        seconds=options.upload_seconds,
    )

    async def put(request: Request) -> Response:
        """Store a file that payloads can name."""
        size = announced_size(header_fields(request.headers.raw), options.max_body_size)
        place = uploads.place(request.path_params["name"], request.scope.get(CALLER))
        if uploads.has(place):
            problem = f"There is a file {place.name!r} already: choose a new name."
            return JsonResponse({"detail": problem}, status_code=409)
        uploads.admit(size or 0)
        try:
            written = await uploads.store(place, _pieces(request, options.max_body_size))
        except ClientDisconnect:
            return Response(status_code=400)  # the client has gone
        path = Path(UPLOADS, place.parent.name, place.name).as_posix()
        facts = {"path": path, "size": written, "seconds": options.upload_seconds}
        return JsonResponse(facts, status_code=201)

    return ServerParts(
        routes=[Route("/files/{name:path}", put, methods=["PUT"])], lifespan=uploads.kept
    )


async def _pieces(request: Request, limit: int) -> AsyncIterator[bytes]:
    """Yield the body in large pieces; raises `SlowBody` and `BodyTooLarge`."""
    stream, loop = request.stream(), asyncio.get_running_loop()
    start, size, piece = loop.time(), 0, bytearray()
    while True:
        try:
            async with asyncio.timeout(seconds_to_wait(size, loop.time() - start)):
                arrived = await anext(stream, None)
        except TimeoutError:
            raise slow_body(size) from None
        if arrived is None:
            yield bytes(piece)
            return
        size += len(arrived)
        refuse_large(size, limit)
        piece += arrived
        if len(piece) >= _PIECE:
            yield bytes(piece)
            piece.clear()


class Uploads:
    """A folder with a folder of a random name for each caller, or for each file without a key."""

    def __init__(self, folder: Path, *, most_bytes: int, seconds: float) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._files = self._bytes = 0
        self._folders: dict[str, str] = {}  # by caller
        self._arriving: set[Path] = set()

    def place(self, name: str, caller: str | None) -> Path:
        """Return the path of a file of a caller; `InvalidOption` for a name that is not valid."""
        if problem := _problem(name):
            raise InvalidOption(f"The name of the file, {name[:300]!r}, {problem}.")
        new = os.urandom(16).hex()
        folder = new if caller is None else self._folders.setdefault(caller, new)
        return self._folder / folder / name

    def has(self, place: Path) -> bool:
        """Check whether there is a file, or one arrives."""
        return place in self._arriving or os.path.lexists(place)

    def admit(self, size: int) -> None:
        """Raise `QueueFull` if a further file of so many bytes would be too much."""
        if self._files >= _MOST_FILES:
            raise self._full(f"{_MOST_FILES} files")
        self._refuse_bytes(size)

    def _refuse_bytes(self, size: int) -> None:
        if self._bytes + size > self._most_bytes:
            raise self._full(f"{self._most_bytes} bytes, of --max-uploaded-bytes,")

    def _full(self, limit: str) -> QueueFull:
        return QueueFull(
            f"The uploaded files would exceed {limit} together. Each is removed after "
            f"{self._seconds:g} s: try again later."
        )

    async def store(self, place: Path, pieces: AsyncIterator[bytes]) -> int:
        """Store a file and return its size; one that breaks off leaves nothing."""
        self._arriving.add(place)
        self._files += 1
        size = 0
        try:
            async with _in_thread(new_file(place)) as file:
                async for piece in pieces:
                    self._refuse_bytes(len(piece))
                    size += len(piece)
                    self._bytes += len(piece)
                    await asyncio.to_thread(file.write, piece)
            return size
        except BaseException:
            self._files -= 1
            self._bytes -= size
            raise
        finally:
            self._arriving.discard(place)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Remove files whose time is over inside the `with`."""
        await self._sweep()
        sweeping = asyncio.create_task(self._sweep_regularly())
        try:
            yield
        finally:
            sweeping.cancel()

    async def _sweep_regularly(self) -> None:
        while True:
            await asyncio.sleep(min(self._seconds, _SECONDS_TO_SWEEP))
            await self._sweep()

    async def _sweep(self) -> None:
        self._files, self._bytes = await asyncio.to_thread(swept, self._folder, self._seconds)


@asynccontextmanager
async def _in_thread(manager: AbstractContextManager[BinaryIO]) -> AsyncIterator[BinaryIO]:
    """Enter and exit a context manager in a thread: other requests wait for the event loop."""
    file = await asyncio.to_thread(manager.__enter__)
    try:
        yield file
    except BaseException as error:
        await asyncio.to_thread(manager.__exit__, type(error), error, error.__traceback__)
        raise
    await asyncio.to_thread(manager.__exit__, None, None, None)


def swept(folder: Path, seconds: float) -> tuple[int, int]:
    """Remove files of more than some age; return the number and the bytes of the others."""
    limit = time.time() - seconds
    sizes = []
    for file in folder.glob("*/*"):
        with suppress(OSError):  # it is being renamed
            facts = file.lstat()
            if facts.st_mtime >= limit:
                sizes.append(facts.st_size)
                continue
            file.unlink()
            file.parent.rmdir()  # unless it has other files
    return len(sizes), sum(sizes)


def _problem(name: str) -> str | None:
    """Return the reason why a file cannot have a name, if there is one.

    >>> _problem("mesh 2.msh"), _problem("../mesh.msh"), _problem(".mesh")
    (None, 'must have no /', 'must not begin with a dot')
    """
    if "/" in name:
        return "must have no /"
    if name.startswith(".") or not name:
        return "must not begin with a dot" if name else "is empty"
    if not name.isprintable() or is_url(name):
        return "must have printable characters, and no '::'"
    if len(name.encode()) > _LONGEST_NAME:
        return f"must have at most {_LONGEST_NAME} bytes"
    return None
