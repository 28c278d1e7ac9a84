"""The messages of a service about itself."""

from __future__ import annotations

import json
import logging
from datetime import datetime

import pytest

from runtime_core.server.announcement import logged_with_times


def test_messages_have_times_in_both_formats(capfd: pytest.CaptureFixture[str]) -> None:
    """A warning is written with its time, as text or as an object of JSON, and only meanwhile."""
    log = logging.getLogger("runtime_core.example")
    for log_format in ("text", "json"):
        with logged_with_times(log_format):
            log.warning("Almost %s.", "full")
    text, line = capfd.readouterr().err.splitlines()
    time, message = text.split(" ", 1)
    facts = json.loads(line)
    assert datetime.fromisoformat(time) <= datetime.fromisoformat(facts.pop("time"))
    assert message == "Almost full."
    assert facts == {"level": "WARNING", "message": "Almost full."}
