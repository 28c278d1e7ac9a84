"""The process of `trials`: reads documents and prints their outcomes and its own growth."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

from runtime_core.plugins import PluginSelection, load_catalog
from runtime_core.testing.echo import Echo, made_echo
from runtime_core.testing.memory import resident_peak

_MOST_MEMORY = 8 * 2**30
"""Address space beyond which nothing is had, lest a document take the whole machine."""


def main(folder: str, format_name: str, *paths: str) -> None:
    """Read documents and print the facts of a `Trial` for each."""
    echo = made_echo(load_catalog(PluginSelection()), format_name, Path(folder))
    echo.reply(echo.write({"float64": [1.0]}))  # loads the modules that every document needs
    _limit_memory()
    json.dump([_facts(echo, Path(path).read_bytes()) for path in paths], sys.stdout)


def _facts(echo: Echo, document: bytes) -> dict[str, Any]:
    replies = []
    grown = resident_peak(lambda: replies.append(echo.reply(document)))
    fault = replies[0].fault
    if fault is None:
        return {"kind": None, "message": "", "grown": grown}
    return {"kind": fault.kind, "message": fault.message[:1000], "grown": grown}


def _limit_memory() -> None:
    if sys.platform == "linux":  # others do not hold themselves to it
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))


if __name__ == "__main__":
    main(*sys.argv[1:])
