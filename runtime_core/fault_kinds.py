"""The kinds of faults, with the HTTP status and the exit code of each."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class FaultKind(StrEnum):
    """The reasons why a call can fail, each with its HTTP `status` and its `exit_code`."""

    status: int
    exit_code: int

    # The defaults are for type checkers, to which a search by the text is a call without them.
    def __new__(cls, text: str, status: int = 0, exit_code: int = 0) -> Self:
        """Make a kind, whose value is its text."""
        kind = str.__new__(cls, text)
        kind._value_ = text
        kind.status, kind.exit_code = status, exit_code
        return kind

    UNREADABLE_DOCUMENT = "unreadable_document", 422, 2
    INVALID_PAYLOAD = "invalid_payload", 422, 2
    INVALID_OPTION = "invalid_option", 400, 2
    UNKNOWN_NAME = "unknown_name", 404, 2
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type", 415, 2
    NOT_ACCEPTABLE = "not_acceptable", 406, 2
    BODY_TOO_LARGE = "body_too_large", 413, 2
    MEMORY_EXCEEDED = "memory_exceeded", 413, 2
    MISSING_FILE = "missing_file", 404, 2
    NOT_WRITTEN = "not_written", 500, 2
    RUN_ACTIVE = "run_active", 409, 2
    RUN_NOT_LOGGED = "run_not_logged", 500, 1
    LOAD_FAILED = "load_failed", 500, 1
    TESSERACT_FAILED = "tesseract_failed", 500, 1
    PLUGIN_FAILED = "plugin_failed", 500, 1
    WORKER_DIED = "worker_died", 500, 1
    WORKERS_LOST = "workers_lost", 503, 1
    TIMED_OUT = "timed_out", 504, 1
    CALLER_GONE = "caller_gone", 503, 1
    CUT_SHORT = "cut_short", 503, 1
    QUEUE_FULL = "queue_full", 503, 1
    SLOW_BODY = "slow_body", 408, 2
    SHUTTING_DOWN = "shutting_down", 503, 1
