"""The command `test`, which runs cases and reports the result of each."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, get_args

import typer

from runtime_core.calls import enter_scope, validate_payload
from runtime_core.cli import claim_stdout, is_payload
from runtime_core.errors import InvalidPayload, MissingFile, TesseractRuntimeError, fault_lines
from runtime_core.run_logs import write_all
from runtime_core.runtime import Runtime
from tesseract_runtime_workbench.regression_test.case import CaseResult, RegressionCase, Status
from tesseract_runtime_workbench.regression_test.case_files import CaseDocument, read_cases
from tesseract_runtime_workbench.regression_test.runner import case_endpoint, run_case


def command(
    context: typer.Context,
    cases: Annotated[
        list[str],
        typer.Argument(
            metavar="CASE",
            help="A case as JSON, @PATH or - for stdin; files of any known format, each with one "
            "case or a list of them, and folders of such files.",
            show_default=False,
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result of each case as a line of JSON.")
    ] = False,
) -> None:
    """Run cases and report the result of each; exit code 1 if any did not pass.

    The results of cases as JSON or @PATH are lines of JSON.
    """
    documents = read_cases(cases, context.obj.catalog)
    is_table = not as_json and not any(map(is_payload, cases))
    lines_of = _table_lines if is_table else _json_lines
    counts: Counter[Status] = Counter()
    with _report() as write:
        runtime = context.obj.runtime()
        runtime.bound("apply")  # a Tesseract that cannot be loaded is reported once
        with runtime.set_up():
            for document in documents:
                result = _result(runtime, document)
                counts[result.status] += 1
                write(*lines_of(document, result))
        if is_table:
            write(_summary(counts))
    if counts.total() > counts["passed"]:
        raise typer.Exit(1)


def _table_lines(document: CaseDocument, result: CaseResult) -> Iterator[str]:
    yield f"{result.status:6}  {result.endpoint or '-'}  {document.label}"
    yield from (f"    {line}" for line in result.message.splitlines())


def _json_lines(document: CaseDocument, result: CaseResult) -> Iterator[str]:
    name = {"case": document.label} if document.label else {}
    yield json.dumps({**name, **result.model_dump()}, separators=(",", ":"))


def _summary(counts: Counter[Status]) -> str:
    passed, failed, errors = (counts[status] for status in get_args(Status))
    return f"{passed} passed, {failed} failed, {errors} error{'s' * (errors != 1)}"


def _result(runtime: Runtime, document: CaseDocument) -> CaseResult:
    try:
        case: RegressionCase = validate_payload(case_endpoint(runtime), document.tree, {})
    except InvalidPayload as error:
        faults = fault_lines(error.details, root="case")
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
