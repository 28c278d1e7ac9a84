"""The files of a run's log folder: their names, and the format of their lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from runtime_core.contracts import Metric

DOCUMENT = "run.json"
METRICS = "metrics.csv"
PARAMETERS = "parameters.json"
ARTIFACTS = "artifacts"
TEXT = "tesseract.log"

DRAFT = ".draft-"  # the prefix of artifacts while they are copied

METRICS_HEADER = b"timestamp,key,value,step\n"
PARAMETERS_END = b"\n}"

_SPECIAL = frozenset(',"\r\n')


def metric_line(metric: Metric) -> bytes:
    r"""Return a metric as a line of CSV (RFC 4180); its time is in UTC (ISO 8601).

    >>> metric_line(Metric(key="a,b", value=0.5, step=3, timestamp=0.25))
    b'1970-01-01T00:00:00.250000+00:00,"a,b",0.5,3\n'
    """
    time = datetime.fromtimestamp(metric.timestamp, UTC).isoformat(timespec="microseconds")
    key = metric.key
    if not _SPECIAL.isdisjoint(key):
        key = '"' + key.replace('"', '""') + '"'
    line = f"{time},{key},{metric.value!r},{metric.step}\n"
    return line.encode("utf-8", "backslashreplace")


def parameter_text(key: str, value: Any) -> bytes:
    """Return a member of a JSON object; lone surrogates are escaped as in JSON.

    >>> parameter_text("size", [2, 3])
    b'  "size": [2, 3]'
    """
    text = f"  {json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
    return text.encode("utf-8", "backslashreplace")
