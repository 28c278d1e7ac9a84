"""Read documents in a separate process, which they may harm."""

from __future__ import annotations

import resource
import sys
from collections.abc import Mapping
from multiprocessing import get_context
from pathlib import Path

from runtime_core.contracts import Reply
from runtime_core.plugins import PluginSelection, load_catalog
from runtime_core.testing.echo import REFUSALS, Echo, made_echo
from runtime_core.testing.memory import SLACK, resident_peak

_SECONDS = 300
_MOST_MEMORY = 8 * 2**30  # of the process, lest a document take the whole machine


def failed_refusals(format_name: str, documents: Mapping[str, bytes], folder: Path) -> list[str]:
    """Return a line for each named document that is accepted or takes memory."""
    with get_context("spawn").Pool(1) as process:
        return process.apply_async(_failed, (format_name, documents, folder)).get(_SECONDS)


def _failed(format_name: str, documents: Mapping[str, bytes], folder: Path) -> list[str]:
    echo = made_echo(load_catalog(PluginSelection()), format_name, folder)
    echo.reply(echo.write({"float64": [1.0]}))  # loads the modules that every document needs
    if sys.platform == "linux":  # other systems ignore the limit
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    failures = {name: _failure(echo, document) for name, document in documents.items()}
    return [f"{name}: {failure}" for name, failure in failures.items() if failure]


def _failure(echo: Echo, document: bytes) -> str | None:
    replies: list[Reply] = []
    grown = resident_peak(lambda: replies.append(echo.reply(document)))
    kind = replies[0].fault and replies[0].fault.kind
    if kind in REFUSALS and grown <= SLACK:
        return None
    return f"{kind}, {grown / 1e6:.0f} MB"
