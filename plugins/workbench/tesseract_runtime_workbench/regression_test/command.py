"""The command `test`, which runs files of cases and reports the result of each."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, get_args

import typer
from pydantic import ValidationError

from runtime_core.calls import enter_scope, invalid_payload
from runtime_core.cli import claim_stdout
from runtime_core.errors import MissingFile, TesseractRuntimeError, fault_lines
from runtime_core.run_logs import write_all
from runtime_core.runtime import Runtime
from tesseract_runtime_workbench.regression_test.case import CaseResult, RegressionCase, Status
from tesseract_runtime_workbench.regression_test.case_files import CaseDocument, read_cases
from tesseract_runtime_workbench.regression_test.runner import run_case


def test(
    context: typer.Context,
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH",
            help="Files of cases of any known format, each with one case or a list of them, and "
            "folders of such files.",
            show_default=False,
        ),
    ],
) -> None:
    """Run cases and report the result of each; exit code 1 if any did not pass."""
    cases = read_cases(paths, context.obj.catalog)
    counts: Counter[str] = Counter()
    with _report() as write:
        runtime = context.obj.runtime()
        runtime.bound("apply")  # a Tesseract that cannot be loaded is reported once
        with runtime.set_up():
            for case in cases:
                result = _result(runtime, case)
                counts[result.status] += 1
                write(f"{result.status:6}  {result.endpoint or '-'}  {case.label}")
                write(*(f"    {line}" for line in result.message.splitlines()))
        passed, failed, errors = (counts[status] for status in get_args(Status))
        write(f"{passed} passed, {failed} failed, {errors} error{'s' * (errors != 1)}")
    if failed or errors:
        raise typer.Exit(1)


def _result(runtime: Runtime, document: CaseDocument) -> CaseResult:
    try:
        case = RegressionCase.model_validate(document.tree)
    except ValidationError as error:
        faults = fault_lines(invalid_payload(error).details, root="case")
        return _error(document.endpoint, f"This is not a valid case:\n{faults}")
    try:
        current = document.scope(runtime, case)
    except TesseractRuntimeError as error:
        return _error(case.endpoint, f"cli_config: {error}")
    with enter_scope(current):
        return run_case(runtime, case)


def _error(endpoint: str, message: str) -> CaseResult:
    return CaseResult(status="error", message=message, endpoint=endpoint)


@contextmanager
def _report() -> Iterator[Callable[..., None]]:
    """Provide a function that writes lines to stdout; all other output goes to stderr."""
    descriptor = claim_stdout()

    def write(*lines: str) -> None:
        text = "".join(f"{line}\n" for line in lines)
        try:
            with suppress(BrokenPipeError):  # without a reader the exit code still counts
                write_all(descriptor, [text.encode("utf-8", "backslashreplace")])
        except OSError as error:
            raise MissingFile(f"Cannot write the report to stdout: {error.strerror}.") from None

    try:
        yield write
    finally:
        os.close(descriptor)
