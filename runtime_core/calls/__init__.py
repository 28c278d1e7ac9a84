"""One call: its scope, the validation of its payload, and the faults that failures become."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from runtime_core.calls.bounded_validator import BoundedValidator
    from runtime_core.calls.content import Content
    from runtime_core.calls.faults import (
        RaisedFault,
        author_fault,
        fault_detail,
        fault_of,
        invalid_payload,
        summary,
    )
    from runtime_core.calls.forward_states import ForwardStates
    from runtime_core.calls.metadata import checked_metadata
    from runtime_core.calls.scope import Scope, Workspace
    from runtime_core.calls.scope import current as current_scope
    from runtime_core.calls.scope import enter as enter_scope
    from runtime_core.calls.validation import validate_payload
    from runtime_core.message_texts import exception_text
    from runtime_core.tesseract.tracebacks import author_place, author_trace

__all__ = [
    "BoundedValidator",
    "Content",
    "ForwardStates",
    "RaisedFault",
    "Scope",
    "Workspace",
    "author_fault",
    "author_place",
    "author_trace",
    "checked_metadata",
    "current_scope",
    "enter_scope",
    "exception_text",
    "fault_detail",
    "fault_of",
    "invalid_payload",
    "summary",
    "validate_payload",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        ".bounded_validator": ["BoundedValidator"],
        ".content": ["Content"],
        ".faults": [
            "RaisedFault",
            "author_fault",
            "fault_detail",
            "fault_of",
            "invalid_payload",
            "summary",
        ],
        ".forward_states": ["ForwardStates"],
        ".metadata": ["checked_metadata"],
        ".scope": ["Scope", "Workspace", "current as current_scope", "enter as enter_scope"],
        ".validation": ["validate_payload"],
        "runtime_core.message_texts": ["exception_text"],
        "runtime_core.tesseract.tracebacks": ["author_place", "author_trace"],
    },
)
