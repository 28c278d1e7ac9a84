"""The kinds of faults, with the HTTP status and the exit code of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class FaultKind(StrEnum):
    """The reasons why a call can fail."""

    UNREADABLE_DOCUMENT = "unreadable_document"
    INVALID_PAYLOAD = "invalid_payload"
    INVALID_OPTION = "invalid_option"
    UNKNOWN_NAME = "unknown_name"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    NOT_ACCEPTABLE = "not_acceptable"
    BODY_TOO_LARGE = "body_too_large"
    MEMORY_EXCEEDED = "memory_exceeded"
    MISSING_FILE = "missing_file"
    NOT_WRITTEN = "not_written"
    RUN_ACTIVE = "run_active"
    RUN_NOT_LOGGED = "run_not_logged"
    LOAD_FAILED = "load_failed"
    TESSERACT_FAILED = "tesseract_failed"
    PLUGIN_FAILED = "plugin_failed"
    WORKER_DIED = "worker_died"
    WORKERS_LOST = "workers_lost"
    TIMED_OUT = "timed_out"
    CALLER_GONE = "caller_gone"
    QUEUE_FULL = "queue_full"
    SLOW_BODY = "slow_body"
    SHUTTING_DOWN = "shutting_down"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The HTTP status and the exit code of a kind of fault."""

    status: int
    exit_code: int


OUTCOMES: Mapping[FaultKind, Outcome] = MappingProxyType(
    {
        FaultKind.UNREADABLE_DOCUMENT: Outcome(status=422, exit_code=2),
        FaultKind.INVALID_PAYLOAD: Outcome(status=422, exit_code=2),
        FaultKind.INVALID_OPTION: Outcome(status=400, exit_code=2),
        FaultKind.UNKNOWN_NAME: Outcome(status=404, exit_code=2),
        FaultKind.UNSUPPORTED_MEDIA_TYPE: Outcome(status=415, exit_code=2),
        FaultKind.NOT_ACCEPTABLE: Outcome(status=406, exit_code=2),
        FaultKind.BODY_TOO_LARGE: Outcome(status=413, exit_code=2),
        FaultKind.MEMORY_EXCEEDED: Outcome(status=413, exit_code=2),
        FaultKind.MISSING_FILE: Outcome(status=404, exit_code=2),
        FaultKind.NOT_WRITTEN: Outcome(status=500, exit_code=2),
        FaultKind.RUN_ACTIVE: Outcome(status=409, exit_code=2),
        FaultKind.RUN_NOT_LOGGED: Outcome(status=500, exit_code=1),
        FaultKind.LOAD_FAILED: Outcome(status=500, exit_code=1),
        FaultKind.TESSERACT_FAILED: Outcome(status=500, exit_code=1),
        FaultKind.PLUGIN_FAILED: Outcome(status=500, exit_code=1),
        FaultKind.WORKER_DIED: Outcome(status=500, exit_code=1),
        FaultKind.WORKERS_LOST: Outcome(status=503, exit_code=1),
        FaultKind.TIMED_OUT: Outcome(status=504, exit_code=1),
        FaultKind.CALLER_GONE: Outcome(status=503, exit_code=1),
        FaultKind.QUEUE_FULL: Outcome(status=503, exit_code=1),
        FaultKind.SLOW_BODY: Outcome(status=408, exit_code=2),
        FaultKind.SHUTTING_DOWN: Outcome(status=503, exit_code=1),
    }
)
