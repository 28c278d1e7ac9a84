"""The files of a run's log folder: their names, and how lines of them are written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from runtime_core.contracts import Metric

FACTS = "run.json"
"""Which run it is: id, endpoint, parent_id, started, ended, status, whose process."""

METRICS = "metrics.csv"
PARAMETERS = "parameters.json"
ARTIFACTS = "artifacts"
TEXT = "tesseract.log"

DRAFT = ".draft-"
"""What the names of artifacts begin with while they are copied."""

RUNNING = "RUNNING"
"""The status of a run that nobody has closed."""

METRICS_HEADER = b"timestamp,key,value,step\n"
PARAMETERS_END = b"\n}"

_SPECIAL = frozenset(',"\r\n')


def metric_line(metric: Metric) -> bytes:
    r"""Return a metric as a line of CSV (RFC 4180); its time is in UTC (ISO 8601).

    >>> metric_line(Metric(key="a,b", value=0.5, step=3, timestamp=0.25))
    b'1970-01-01T00:00:00.250000+00:00,"a,b",0.5,3\n'
    """
    time = datetime.fromtimestamp(metric.timestamp, UTC).isoformat(timespec="microseconds")
    line = f"{time},{_quoted(metric.key)},{metric.value!r},{metric.step}\n"
    return line.encode("utf-8", "backslashreplace")


def parameter_text(key: str, value: Any) -> bytes:
    """Return a member of a JSON object; what UTF-8 does not have is escaped as JSON does it.

    >>> parameter_text("size", [2, 3])
    b'  "size": [2, 3]'
    """
    text = f"  {json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
    return text.encode("utf-8", "backslashreplace")


def facts_text(facts: Mapping[str, Any]) -> bytes:
    """Return the facts of a run as JSON."""
    return f"{json.dumps(facts, indent=2)}\n".encode("ascii")


def _quoted(key: str) -> str:
    if _SPECIAL.isdisjoint(key):
        return key
    return '"' + key.replace('"', '""') + '"'
