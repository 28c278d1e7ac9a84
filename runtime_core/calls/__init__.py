"""One call: its scope, its execution, and what becomes of its failures."""

from runtime_core.calls.execution import evaluate, execute, validate_payload
from runtime_core.calls.faults import exception_text

__all__ = ["evaluate", "exception_text", "execute", "validate_payload"]
