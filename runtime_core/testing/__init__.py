"""Tests for plugins: conformance suites to subclass, and a Tesseract that returns its inputs.

The suites need pytest and hypothesis, and the fixtures of `runtime_core.pytest`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from runtime_core.testing.call_wrappers import CallWrapperConformance
    from runtime_core.testing.compressors import CompressorConformance
    from runtime_core.testing.echo import Echo, made_echo
    from runtime_core.testing.encodings import ArrayEncodingConformance
    from runtime_core.testing.endpoints import EndpointConformance
    from runtime_core.testing.executors import ExecutorConformance
    from runtime_core.testing.formats import FormatConformance
    from runtime_core.testing.gradient_backends import GradientBackendConformance
    from runtime_core.testing.logged_runs import LoggedRun
    from runtime_core.testing.mutations import (
        documents_to_damage,
        survive_edits,
        survive_exchanges,
    )
    from runtime_core.testing.run_sinks import RunSinkConformance
    from runtime_core.testing.served import Answer, Served, serving
    from runtime_core.testing.server_extensions import ServerExtensionConformance

__all__ = [
    "Answer", "ArrayEncodingConformance", "CallWrapperConformance", "CompressorConformance",
    "Echo", "EndpointConformance", "ExecutorConformance", "FormatConformance",
    "GradientBackendConformance", "LoggedRun", "RunSinkConformance", "Served",
    "ServerExtensionConformance", "documents_to_damage", "made_echo", "serving", "survive_edits",
    "survive_exchanges",
]  # fmt: skip

_exported, __dir__ = lazy_exports(
    __name__,
    {
        ".call_wrappers": ["CallWrapperConformance"],
        ".compressors": ["CompressorConformance"],
        ".echo": ["Echo", "made_echo"],
        ".encodings": ["ArrayEncodingConformance"],
        ".endpoints": ["EndpointConformance"],
        ".executors": ["ExecutorConformance"],
        ".formats": ["FormatConformance"],
        ".gradient_backends": ["GradientBackendConformance"],
        ".logged_runs": ["LoggedRun"],
        ".mutations": ["documents_to_damage", "survive_edits", "survive_exchanges"],
        ".run_sinks": ["RunSinkConformance"],
        ".served": ["Answer", "Served", "serving"],
        ".server_extensions": ["ServerExtensionConformance"],
    },
)


def __getattr__(name: str) -> Any:
    try:
        return _exported(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("hypothesis", "pytest"):
            raise
        raise ImportError(
            f"{name} of runtime_core.testing needs pytest and hypothesis. "
            "Install them with: pip install pytest hypothesis"
        ) from error
