"""The command `test`: files of cases, held against the Tesseract."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import ValidationError

from runtime_core.calls import scope
from runtime_core.calls.faults import invalid_payload
from runtime_core.errors import TesseractRuntimeError, fault_lines
from runtime_core.runtime import Runtime
from tesseract_runtime_regression_test.case import RegressionCase
from tesseract_runtime_regression_test.case_files import WrittenCase, find_cases
from tesseract_runtime_regression_test.judgement import judge
from tesseract_runtime_regression_test.report import report_on_stdout
from tesseract_runtime_regression_test.surroundings import case_scope
from tesseract_runtime_regression_test.verdict import RegressionVerdict

Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH",
        help="Files of cases of any known format, each with one case or a list of them, and "
        "folders of such files.",
        show_default=False,
    ),
]


def test(context: typer.Context, paths: Paths) -> None:
    """Run cases and tell what became of each; exit code 1 if any did not pass."""
    cases = find_cases(paths, context.obj.catalog)
    with report_on_stdout() as report:
        runtime = context.obj.runtime()
        runtime.bound("apply")  # a Tesseract that cannot be loaded is no failing case
        with runtime.set_up():
            for case in cases:
                report.add(case.label, _verdict(runtime, case))
    if not report.all_passed:
        raise typer.Exit(1)


def _verdict(runtime: Runtime, written: WrittenCase) -> RegressionVerdict:
    try:
        case = RegressionCase.model_validate(written.document)
    except ValidationError as error:
        faults = fault_lines(invalid_payload(error).details, root="case")
        return _error(_endpoint(written), f"This is no valid case:\n{faults}")
    try:
        surroundings = case_scope(runtime, case.endpoint, case.cli_config, file=written.file)
    except TesseractRuntimeError as error:
        return _error(case.endpoint, f"cli_config: {error}")
    with scope.enter(surroundings):
        return judge(runtime, case)


def _endpoint(written: WrittenCase) -> str:
    """Return the endpoint that a refused case names, if it names one."""
    document = written.document
    endpoint = document.get("endpoint") if isinstance(document, dict) else None
    return endpoint if isinstance(endpoint, str) else ""


def _error(endpoint: str, message: str) -> RegressionVerdict:
    return RegressionVerdict(status="error", message=message, endpoint=endpoint)
