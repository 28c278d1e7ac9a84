"""The access log: one line for each request, with status, sizes and timings."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from runtime_core.contracts import AnsweredRequest, ServerContext, ServerParts
from runtime_core.server.responses import milliseconds


def build(server: ServerContext) -> ServerParts:
    """Write a line for every request to stderr, in the chosen format."""
    line = LINES[server.options.log_format]

    def write(requests: Sequence[AnsweredRequest]) -> None:
        lines = [line(request) for request in requests if request.method is not None]
        with suppress(OSError, ValueError):  # stderr is closed, or its reader is gone
            sys.stderr.write("".join(f"{line}\n" for line in lines))
            sys.stderr.flush()

    return ServerParts(observe=write)


def _facts(entry: AnsweredRequest) -> dict[str, Any]:
    """Return the logged values by name."""
    return {
        "method": entry.method,
        "path": entry.path,
        "status": entry.status,
        "run_id": entry.run_id,
        "bytes_in": entry.bytes_in,
        "bytes_out": entry.bytes_out,
        "milliseconds": round(1000 * entry.seconds, 3),
        **{stage: milliseconds(seconds) for stage, seconds in entry.timings.items()},
        **({} if entry.forward is None else {"forward": entry.forward}),
    }


def _text(entry: AnsweredRequest) -> str:
    path = json.dumps(entry.path)[1:-1]  # it may contain line breaks
    run = "" if entry.run_id is None else f" run_id={entry.run_id}"
    stages = [f" {stage}={1000 * value:.4g}" for stage, value in entry.timings.items()]
    forward = "" if entry.forward is None else f" forward={entry.forward}"
    return (
        f"{entry.method} {path} {entry.status}{run} bytes_in={entry.bytes_in} "
        f"bytes_out={entry.bytes_out} milliseconds={round(1000 * entry.seconds, 3)}"
        f"{''.join(stages)}{forward}"
    )


LINES: Mapping[str, Callable[[AnsweredRequest], str]] = MappingProxyType(
    {"text": _text, "json": lambda entry: json.dumps(_facts(entry))}
)
"""The forms of a line, by the name of `--log-format`."""
