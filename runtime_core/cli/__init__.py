"""The command line, assembled from the catalog, and the toolkit of commands of plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from runtime_core.cli.context import CommandContext
    from runtime_core.cli.endpoints import computed, new_call, report_fault
    from runtime_core.cli.output import OutputFormat, OutputPath, deliver
    from runtime_core.cli.payloads import Payload, is_payload, read_payload
    from runtime_core.cli.process import main
    from runtime_core.cli.short_forms import OnlyInputs, OutputsOf, WithRespectTo, completed
    from runtime_core.cli.standard_streams import claim_stdout, stdout_to_stderr

__all__ = [
    "CommandContext",
    "OnlyInputs",
    "OutputFormat",
    "OutputPath",
    "OutputsOf",
    "Payload",
    "WithRespectTo",
    "claim_stdout",
    "completed",
    "computed",
    "deliver",
    "is_payload",
    "main",
    "new_call",
    "read_payload",
    "report_fault",
    "stdout_to_stderr",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        ".context": ["CommandContext"],
        ".endpoints": ["computed", "new_call", "report_fault"],
        ".output": ["OutputFormat", "OutputPath", "deliver"],
        ".payloads": ["Payload", "is_payload", "read_payload"],
        ".process": ["main"],
        ".short_forms": ["OnlyInputs", "OutputsOf", "WithRespectTo", "completed"],
        ".standard_streams": ["claim_stdout", "stdout_to_stderr"],
    },
)
