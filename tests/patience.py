"""How long tests wait: until something is so, and on a slow machine for longer.

`TEST_PATIENCE=3` gives everything three times as long: what tests wait for, what they allow the
programs that they start, and the time that pytest allows a test.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

import pytest

PATIENCE = float(os.environ.get("TEST_PATIENCE", "1"))


def patient(seconds: float) -> float:
    """Scale a time to this machine."""
    return seconds * PATIENCE


SECONDS = patient(120)
"""How long anything may take; a test that waits longer has found a fault."""


def wait_until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Poll until a condition is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it is not so after {seconds:g} s"
        time.sleep(0.01)


async def until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait until something is so, and let the event loop go on meanwhile."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it is not so after {seconds:g} s"
        await asyncio.sleep(0.01)


def allow(item: pytest.Item) -> None:
    """Scale the time that pytest allows a test."""
    marker = item.get_closest_marker("timeout")
    seconds = float(marker.args[0] if marker else item.config.getini("timeout"))
    item.add_marker(pytest.mark.timeout(patient(seconds)), append=False)
