"""The command `check`: load the Tesseract and list what it serves."""

from __future__ import annotations

import typer

from runtime_core.cli.standard_streams import stdout_to_stderr
from runtime_core.description import describe


def check(context: typer.Context) -> None:
    """Load the Tesseract and print what it serves; errors are those of loading."""
    with stdout_to_stderr():
        runtime = context.obj.runtime()
        description = describe(runtime)
    print(f"{runtime.api.path.name} is a valid Tesseract.")
    for endpoint in description.endpoints:
        by = f" by {endpoint.backend}" if endpoint.backend is not None else ""
        print(f"  {endpoint.name}: served{by}")
    for name, reason in description.unavailable.items():
        print(f"  {name}: not served: {reason}")
