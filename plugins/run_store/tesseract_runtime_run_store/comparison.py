"""The differences of two runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runtime_core.run_logs import StoredRun

_MISSING = object()


def differences(one: StoredRun, other: StoredRun) -> Iterator[str]:
    """Yield a line for each fact that two runs do not share: its name and both values."""
    left, right = _facts(one), _facts(other)
    for name in dict.fromkeys([*left, *right]):
        values = left.get(name, _MISSING), right.get(name, _MISSING)
        if repr(values[0]) != repr(values[1]):  # NaN equals itself
            yield f"{name}: {' | '.join(map(_shown, values))}"


def _facts(run: StoredRun) -> Mapping[str, Any]:
    """Return the inputs, the records and the outcome of a run, by path."""
    facts: dict[str, Any] = {
        "endpoint": run.endpoint,
        "digest": run.facts.get("digest"),
        "versions": run.facts.get("versions", {}),
        "payload": run.facts.get("payload"),
        "payload_digest": run.facts.get("payload_digest"),
        "payload_base64": run.facts.get("payload_base64"),
        "parameters": run.parameters,
        "metrics": {metric.key: metric.value for metric in run.metrics},
        "status": run.status,
        "outcome": run.facts.get("outcome"),
    }
    return dict(_leaves("", facts))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the values in a tree with their paths.

    >>> dict(_leaves("", {"x": {"y": [1, 2]}, "z": None}))
    {'x.y.[0]': 1, 'x.y.[1]': 2, 'z': None}
    """
    steps: Iterator[tuple[str, Any]] | None = None
    if isinstance(value, Mapping):
        steps = ((str(key), item) for key, item in value.items())
    elif isinstance(value, list):
        steps = ((f"[{number}]", item) for number, item in enumerate(value))
    if steps is None:
        yield path, value
        return
    for step, item in steps:
        yield from _leaves(f"{path}.{step}" if path else step, item)


def _shown(value: Any) -> str:
    return "(none)" if value is _MISSING or value is None else f"{value!r:.80}"
