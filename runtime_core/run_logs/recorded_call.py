"""The payload and the outcome of a call in the document of its run, without secrets."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from runtime_core.contracts import Buffer, Call, Reply, RunStatus
from runtime_core.errors import FaultKind

MASK = "**********"
"""The text in the place of a secret, as pydantic writes it."""


def payload_facts(call: Call, secrets: Sequence[str] | None, *, most: int) -> Mapping[str, Any]:
    """Return the payload of a call, or its digest if it has more than `most` bytes.

    `secrets` names the fields whose values are masked; with `None` nothing is recorded. JSON is
    recorded as it is, other formats in base64. A digest could give a secret away, and base64 would.
    """
    facts: dict[str, Any] = {"payload_format": call.body_format}
    if secrets is None:
        return facts
    if call.changes and not secrets:
        facts["changes"] = call.changes
    if memoryview(call.body).nbytes > most or call.segment is not None:
        return facts if secrets else {**facts, "payload_digest": digest_of([call.body])}
    body = bytes(call.body)
    try:
        tree = json.loads(body)
    except ValueError:
        return facts if secrets else {**facts, "payload_base64": base64.b64encode(body).decode()}
    return {**facts, "payload": _masked(tree, frozenset(secrets)) if secrets else tree}


KILLING = frozenset({FaultKind.WORKER_DIED, FaultKind.TIMED_OUT, FaultKind.CALLER_GONE})
KILLING |= {FaultKind.CUT_SHORT, FaultKind.SHUTTING_DOWN}
"""The kinds of faults of runs that were stopped, or that lost their process."""


def status_of(reply: Reply) -> RunStatus:
    """Return the status of a run that ends with a reply."""
    if reply.fault is None:
        return RunStatus.FINISHED
    return RunStatus.KILLED if reply.fault.kind in KILLING else RunStatus.FAILED


def outcome_facts(reply: Reply) -> Mapping[str, Any]:
    """Return the times of a call, and the digest of its result or its fault."""
    if reply.fault is not None:
        outcome = {"fault": {"kind": str(reply.fault.kind), "message": reply.fault.message}}
    else:
        outcome = {"result": {"digest": digest_of(reply.body), "format": reply.format}}
    return {"timings": dict(reply.timings), "outcome": outcome}


def digest_of(buffers: Sequence[Buffer]) -> str:
    """Return the digest of a document.

    >>> digest_of([b"a", b"b"]) == digest_of([b"ab"])
    True
    """
    digest = hashlib.sha256()
    for buffer in buffers:
        digest.update(buffer)
    return digest.hexdigest()


def _masked(tree: Any, names: frozenset[str]) -> Any:
    if isinstance(tree, dict):
        return {key: MASK if key in names else _masked(tree[key], names) for key in tree}
    if isinstance(tree, list):
        return [_masked(item, names) for item in tree]
    return tree
