"""`GET /runs`, `/runs/ID/files` and `/runs/ID/files/PATH`: what runs have written."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from stat import S_ISREG
from typing import Any, BinaryIO

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp

from runtime_core.contracts import ServerContext, ServerParts
from runtime_core.errors import FileRefused, MissingFile, UnknownName
from runtime_core.files import FileAccess
from runtime_core.run_logs.run import is_run_id, run_folder, run_name
from runtime_core.server.file_response import FileResponse
from runtime_core.server.headers import CALLER
from runtime_core.server.responses import JsonResponse

_MOST_LISTED = 10_000  # files, or runs
_ARTIFACTS = ("logs", "artifacts")
_UNLISTED = "Runs are listed only with a key, or by a server of this machine alone."


def build(server: ServerContext) -> ServerParts:
    """Add the routes."""
    runs = Downloads(server)
    is_for_anyone = not server.options.is_for_others and not server.options.has_keys

    async def listing(request: Request) -> ASGIApp:
        """List the runs that have files."""
        if CALLER not in request.scope and not is_for_anyone:
            return JsonResponse({"detail": _UNLISTED}, status_code=403)
        ids = await asyncio.to_thread(runs.ids, request.scope.get(CALLER))
        return JsonResponse({"runs": ids})

    async def files(request: Request) -> ASGIApp:
        """List the files of a run."""
        found = await asyncio.to_thread(runs.files, _run_id(request), request.scope.get(CALLER))
        return JsonResponse({"files": found})

    async def file(request: Request) -> ASGIApp:
        """Send a file that a run has written."""
        path, caller = request.path_params["path"], request.scope.get(CALLER)
        opened = await asyncio.to_thread(runs.opened, _run_id(request), path, caller)
        return FileResponse(opened, Path(path).name)

    return ServerParts(
        routes=[
            Route("/runs", listing),
            Route("/runs/{run_id}/files", files),
            Route("/runs/{run_id}/files/{path:path}", file),
        ]
    )


def _run_id(request: Request) -> str:
    run_id: str = request.path_params["run_id"]
    return run_id


class Downloads:
    """The files of the runs in the output path that a caller may read."""

    def __init__(self, server: ServerContext) -> None:
        self._output_path = server.config.output_path
        self._owners = server.run_owners
        self._shows_all = server.config.debug or server.options.expose_logs

    def ids(self, caller: str | None) -> Sequence[str]:
        """Return the ids of the runs of a caller that have a folder, the newest first."""
        start = run_name("")
        found = []
        with (
            suppress(FileNotFoundError),  # no run has written anything
            os.scandir(run_folder("", self._output_path).parent) as entries,
        ):
            for entry in entries:
                facts = _facts(entry) if entry.name.startswith(start) else None
                if facts is not None:
                    found.append((facts.st_mtime, entry.name))
        ids = (name.removeprefix(start) for _, name in sorted(found, reverse=True))
        return [*islice(filter(lambda run_id: self._has(run_id, caller), ids), _MOST_LISTED)]

    def files(self, run_id: str, caller: str | None) -> Sequence[Mapping[str, Any]]:
        """Return the path and the size of each file of a run."""
        folder = self._folder(run_id, caller)
        return [*islice(self._listed(folder), _MOST_LISTED)]

    def opened(self, run_id: str, path: str, caller: str | None) -> BinaryIO:
        """Open a file of a run; `MissingFile` if there is none that the caller may read."""
        folder = self._folder(run_id, caller)
        access = FileAccess(root=str(folder))
        try:
            found = access.resolve(path).relative_to(os.path.realpath(folder))
            if self._shows(found.parts):
                return access.open(str(found))
        except (FileRefused, MissingFile):
            pass  # the message would be one for payloads
        hint = "" if self._shows_all else " Its log is sent only with --expose-logs or --debug."
        raise MissingFile(f"Run {run_id!r} has no file {path[:300]!r}.{hint}")

    def _folder(self, run_id: str, caller: str | None) -> Path:
        if not self._has(run_id, caller):
            raise UnknownName(f"There are no files of a run {run_id[:140]!r}.")
        return run_folder(run_id, self._output_path)

    def _has(self, run_id: str, caller: str | None) -> bool:
        if not is_run_id(run_id) or self._owners.find(run_id) != caller:
            return False
        folder = run_folder(run_id, self._output_path)
        return folder.is_dir() and not folder.is_symlink()

    def _listed(self, folder: Path) -> Iterator[Mapping[str, Any]]:
        for place, folders, names in os.walk(folder):
            folders.sort()
            for path in (Path(place, name) for name in sorted(names)):
                shown = path.relative_to(folder)
                facts = _facts(path) if self._shows(shown.parts) and _is_text(shown) else None
                if facts is not None and S_ISREG(facts.st_mode):
                    yield {"path": shown.as_posix(), "size": facts.st_size}

    def _shows(self, parts: Sequence[str]) -> bool:
        """Check whether a path below the folder of a run is not one of its log."""
        if self._shows_all:
            return True
        is_log = parts[:1] == ("logs",) and parts[:2] != _ARTIFACTS
        return not is_log and not any(part.startswith(".") for part in parts)


def _facts(path: Path | os.DirEntry[str]) -> os.stat_result | None:
    """Return the facts of a file or link itself, unless it has been removed by now."""
    try:
        return path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None


def _is_text(path: Path) -> bool:
    """Check whether a path is in UTF-8: no URL leads to another one."""
    return not any("\ud800" <= character <= "\udfff" for character in str(path))
