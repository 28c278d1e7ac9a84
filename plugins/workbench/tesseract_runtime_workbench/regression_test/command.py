"""The command `test`, which runs cases and reports each, or records them."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from runtime_core.calls import enter_scope, validate_payload
from runtime_core.cli import CommandContext, OutputsOf, WithRespectTo, claim_stdout, is_payload
from runtime_core.config import RuntimeConfig
from runtime_core.errors import (
    InvalidOption,
    InvalidPayload,
    MissingFile,
    TesseractRuntimeError,
    fault_lines,
)
from runtime_core.run_logs import write_all
from runtime_core.runtime import Runtime
from tesseract_runtime_workbench.regression_test.case import RegressionCase
from tesseract_runtime_workbench.regression_test.case_files import (
    CaseDocument,
    new_case,
    read_cases,
    write_outputs,
)
from tesseract_runtime_workbench.regression_test.runner import (
    case_endpoint,
    case_outcome,
    failure_text,
    result_of,
)

_FOLDER = "test_cases"


class Report(NamedTuple):
    """What the command reports of a case."""

    status: str
    message: str


def _table_lines(document: CaseDocument, report: Report) -> Iterator[str]:
    yield f"{report.status:6}  {document.endpoint or '-'}  {document.label}"
    yield from (f"    {line}" for line in report.message.splitlines())


def _json_lines(document: CaseDocument, report: Report) -> Iterator[str]:
    name = {"case": document.label} if document.label else {}
    facts = {**name, **report._asdict(), "endpoint": document.endpoint}
    yield json.dumps(facts, separators=(",", ":"))


def _summary(counts: Mapping[str, int]) -> str:
    passed, failed, errors = counts["passed"], counts["failed"], counts["error"]
    updated = f", {counts['updated']} updated" if counts["updated"] else ""
    return f"{passed} passed, {failed} failed, {errors} error{'s' * (errors != 1)}{updated}"


Cases = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CASE",
        help="A case as JSON, @PATH or - for stdin; files of any known format, each with one case "
        f"or a list of them, and folders of such files. [default: {_FOLDER} beside the Tesseract]",
        show_default=False,
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print the result of each case as a line of JSON.")
]
Update = Annotated[
    bool, typer.Option("--update", help="Write outputs that differ as the expected ones.")
]
Record = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Write a new case: CASE is a payload, as for apply."),
]
EndpointName = Annotated[
    str | None, typer.Option(metavar="NAME", help="Endpoint of --record. [default: apply]")
]
Tolerance = Annotated[float | None, typer.Option(help="Tolerance of --record.")]


def command(
    context: typer.Context,
    cases: Cases = None,
    as_json: AsJson = False,
    update: Update = False,
    record: Record = None,
    endpoint: EndpointName = None,
    wrt: WithRespectTo = None,
    of: OutputsOf = None,
    atol: Tolerance = None,
    rtol: Tolerance = None,
) -> None:
    """Run cases and report the result of each; exit code 1 if any did not pass.

    The results of cases as JSON or @PATH are lines of JSON.
    """
    for_record = {"endpoint": endpoint, "wrt": wrt, "of": of, "atol": atol, "rtol": rtol}
    given = {name: value for name, value in for_record.items() if value is not None and value != []}
    if record is not None:
        _run(context.obj, [new_case(record, cases or (), given, context.obj)], _recorded)
        return
    for name in given:
        raise InvalidOption(f"--{name} goes with --record FILE, which writes a new case.")
    has_payloads = any(map(is_payload, cases or ()))
    if update and has_payloads:
        raise InvalidOption("--update writes to files of cases: name files or folders, without @.")
    documents = read_cases(cases or [_folder_beside(context.obj.config)], context.obj.catalog)
    is_json = as_json or has_payloads
    lines_of, end = (_json_lines, None) if is_json else (_table_lines, _summary)
    _run(context.obj, documents, partial(_report, update), lines_of, end)


def _folder_beside(config: RuntimeConfig) -> str:
    folder = os.path.relpath(config.api_path.parent / _FOLDER)
    if not Path(folder).exists():
        raise MissingFile(
            f"The folder {folder!r} does not exist. Name cases, or record one: tesseract-runtime "
            f"test --record {_FOLDER}/NAME.json @inputs.json."
        )
    return folder


def _run(
    context: CommandContext,
    documents: Iterable[CaseDocument],
    report_of: Callable[[Runtime, CaseDocument], Report],
    lines_of: Callable[[CaseDocument, Report], Iterator[str]] = _table_lines,
    end: Callable[[Mapping[str, int]], str] | None = None,
) -> None:
    counts: Counter[str] = Counter()
    with _output() as write:
        with context.session() as runtime:
            runtime.bound("apply")  # schemas that are not valid are reported once
            for document in documents:
                report = report_of(runtime, document)
                counts[report.status] += 1
                write(*lines_of(document, report))
        if end is not None:
            write(end(counts))
    if counts["failed"] or counts["error"]:
        raise typer.Exit(1)


def _report(update: bool, runtime: Runtime, document: CaseDocument) -> Report:
    try:
        case: RegressionCase = validate_payload(case_endpoint(runtime), document.tree, {})
    except InvalidPayload as error:
        faults = fault_lines(error.details, root="case")
        return Report("error", f"This is not a valid case:\n{faults}")
    try:
        current = document.scope(runtime, case)
    except TesseractRuntimeError as error:
        return Report("error", f"cli_config: {error}")
    with enter_scope(current):
        outcome = case_outcome(runtime, case)
        if not update or outcome.differing is None:
            return Report(outcome.status, outcome.message)
        write_outputs(document, outcome.differing, runtime.catalog)
    return Report("updated", outcome.message)


def _recorded(runtime: Runtime, document: CaseDocument) -> Report:
    case = RegressionCase.model_construct(**document.tree)
    with enter_scope(document.scope(runtime, case)):
        result = result_of(runtime, case)
        if isinstance(result, BaseException):
            return Report("error", failure_text(runtime, case, result))
        write_outputs(document, result, runtime.catalog)
    return Report("recorded", "")


@contextmanager
def _output() -> Iterator[Callable[..., None]]:
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
