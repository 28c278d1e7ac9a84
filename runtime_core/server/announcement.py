"""The lines that a service writes to stderr about itself, and the time stamps of its log."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from select import select
from types import MappingProxyType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from runtime_core.server.server import Server

_log = logging.getLogger(__name__)

_LOGGERS = ("runtime_core", "uvicorn")


def announce(server: Server, url: str) -> None:
    """Write where the service is, what it serves, and how to end it."""
    computing = [each.name for each in server.description.endpoints if each.has_payload]
    lines = [
        f"Serving {server.config.name} on {url} (Ctrl-C ends it).",
        f"  file: {_short(server.config.api_path)}",
        f"  endpoints: {', '.join(computing)}",
        f"  workers: {server.options.num_workers}",
        f"  documentation: {url}/docs" if url.startswith("http") else "",
    ]
    print("\n".join(filter(None, lines)), file=sys.stderr)


def announce_stop(server: Server) -> None:
    """Log which calls the service waits for, for how long, and how to end them at once."""
    calls = [f"{call.endpoint} {call.run_id} since {call.seconds:.0f} s" for call in server.running]
    if waiting := server.load.waiting:
        calls.append(f"{waiting} in the queue")
    if calls:
        grace = f"waiting up to {server.options.shutdown_grace:g} s for {', '.join(calls)}"
        _log.warning("Stopping: %s. Ctrl-C again ends them at once.", grace)


@contextmanager
def logged_with_times(log_format: str) -> Iterator[None]:
    """Write warnings and errors of the service to stderr with the time, as text or as JSON."""
    handler = _LogHandler()
    handler.setFormatter(_FORMATTERS[log_format])
    for name in _LOGGERS:
        logging.getLogger(name).addHandler(handler)
    try:
        yield
    finally:
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(handler)


class _LogHandler(logging.StreamHandler[TextIO]):
    """Writes to stderr, unless its reader has stalled: the event loop must not wait for it."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):  # stderr is closed
            if select([], [_STDERR], [], 0)[1]:
                super().emit(record)


_STDERR = 2


class _TextFormatter(logging.Formatter):
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802  # as logging names it
        return time_text(record.created)


class _JsonFormatter(_TextFormatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = {"time": self.formatTime(record), "level": record.levelname}
        return json.dumps({**facts, "message": super().format(record)})


def time_text(timestamp: float) -> str:
    """Return a time in seconds since the epoch as ISO 8601, in the zone of the machine.

    >>> datetime.fromisoformat(time_text(1.5)).timestamp()
    1.5
    """
    return datetime.fromtimestamp(timestamp).astimezone().isoformat(timespec="milliseconds")


def _short(path: Path) -> Path:
    """Return a path relative to the working directory, if it is inside."""
    absolute, here = path.absolute(), Path.cwd()
    return absolute.relative_to(here) if absolute.is_relative_to(here) else absolute


_FORMATTERS = MappingProxyType(
    {"text": _TextFormatter("%(asctime)s %(message)s"), "json": _JsonFormatter()}
)
