"""The command `check`: load the Tesseract and list what it serves."""

from __future__ import annotations

import sys

import typer

from runtime_core.cli.standard_streams import stdout_to_stderr
from runtime_core.description import describe
from runtime_core.executors.chosen_executor import SERIAL
from runtime_core.tesseract.shared_output import shared_output_lines

_SHARED_OUTPUT = (
    "Warning: output_path of get_config(), which is read at {lines}, is a folder that calls share: "
    "a file that two of them write spoils both results. Write to run_directory() of "
    "tesseract_core.runtime.experimental, which is the folder of one call."
)


def check(context: typer.Context) -> None:
    """Load the Tesseract, set it up, and print what it serves; errors are those of either."""
    with stdout_to_stderr():
        runtime = context.obj.runtime()
        description = describe(runtime)
        executor = runtime.executor
    if context.obj.environment.get("_TESSERACT_IS_BUILDING") != "1":  # its files may be missing
        with context.obj.session():
            pass
    for fault in runtime.catalog.plugin_faults:
        print(f"Warning: {fault}", file=sys.stderr)
    if lines := shared_output_lines(runtime.api.path):
        print(_SHARED_OUTPUT.format(lines=", ".join(lines)), file=sys.stderr)
    print(f"{runtime.api.path.name} is a valid Tesseract.")
    for endpoint in description.endpoints:
        by = f" by {endpoint.backend}" if endpoint.backend is not None else ""
        of = f" from {endpoint.body}" if endpoint.body is not None else ""
        print(f"  {endpoint.name}: served{by}{of}")
    for reason in dict.fromkeys(description.unavailable.values()):
        names = [name for name, why in description.unavailable.items() if why == reason]
        print(f"  {', '.join(names)}: not served: {reason}")
    if runtime.config.executor != SERIAL:
        print(f"  evaluations: by {executor}")
