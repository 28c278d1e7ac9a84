"""The access log: one line for each request, with status, sizes and timings."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from runtime_core.contracts import AnsweredRequest, ServerContext, ServerParts
from runtime_core.errors import shortened
from runtime_core.run_logs.run import run_name
from runtime_core.server.announcement import time_text
from runtime_core.server.responses import milliseconds

if TYPE_CHECKING:
    from runtime_core.config import RuntimeConfig


def build(server: ServerContext) -> ServerParts:
    """Write a line for every request to stderr, in the chosen format."""
    line = LINES[server.options.log_format]

    def write(requests: Sequence[AnsweredRequest]) -> None:
        lines = [
            line(request, _failure(request, server.config))
            for request in requests
            if request.method is not None
        ]
        with suppress(OSError, ValueError):  # stderr is closed, or its reader is gone
            sys.stderr.write("".join(f"{line}\n" for line in lines))
            sys.stderr.flush()

    return ServerParts(observe=write)


def _failure(entry: AnsweredRequest, config: RuntimeConfig) -> Mapping[str, str]:
    """Return the message of a failure, and the file that has its traceback."""
    if entry.fault is None or entry.fault.kind.status < _FAILED:
        return {}
    failure = {"error": shortened(entry.fault.message, _LONGEST)}
    if entry.run_id is not None and entry.fault.trace:
        folder = Path(config.output_path) / run_name(entry.run_id)
        failure["traceback"] = f"{folder}/logs/tesseract.log"
    return failure


_FAILED = 500
_LONGEST = 300  # characters of a message


def _end(entry: AnsweredRequest) -> str:
    """Return the time at which an answer ended: its line stands among those of that time."""
    return time_text(entry.timestamp + entry.seconds)


def _json(entry: AnsweredRequest, failure: Mapping[str, str]) -> str:
    facts: Mapping[str, Any] = {
        "time": _end(entry),
        "method": entry.method,
        "path": entry.path,
        "status": entry.status,
        "run_id": entry.run_id,
        "bytes_in": entry.bytes_in,
        "bytes_out": entry.bytes_out,
        "milliseconds": round(1000 * entry.seconds, 3),
        **{stage: milliseconds(seconds) for stage, seconds in entry.timings.items()},
        **({} if entry.forward is None else {"forward": entry.forward}),
        **failure,
    }
    return json.dumps(facts)


def _text(entry: AnsweredRequest, failure: Mapping[str, str]) -> str:
    path = json.dumps(entry.path)[1:-1]  # it may contain line breaks
    run = "" if entry.run_id is None else f" run_id={entry.run_id}"
    stages = [f" {stage}={1000 * value:.4g}" for stage, value in entry.timings.items()]
    forward = "" if entry.forward is None else f" forward={entry.forward}"
    failed = [f" {name}={json.dumps(text)}" for name, text in failure.items()]
    return (
        f"{_end(entry)} "
        f"{entry.method} {path} {entry.status}{run} bytes_in={entry.bytes_in} "
        f"bytes_out={entry.bytes_out} milliseconds={round(1000 * entry.seconds, 3)}"
        f"{''.join(stages)}{forward}{''.join(failed)}"
    )


LINES: Mapping[str, Callable[[AnsweredRequest, Mapping[str, str]], str]] = MappingProxyType(
    {"text": _text, "json": _json}
)
"""The forms of a line, by the name of `--log-format`."""
