"""Running a case on a Tesseract, for the command and for the endpoint `test`."""

from __future__ import annotations

import sys
from collections import ChainMap
from dataclasses import dataclass

from pydantic import BaseModel

from runtime_core.calls import author_fault, author_place, exception_text
from runtime_core.contracts import Binding, BoundEndpoint, Unavailable
from runtime_core.errors import AuthorError, InvalidPayload, TesseractRuntimeError, UnknownName
from tesseract_runtime_workbench.regression_test.case import CaseResult, RegressionCase, Status
from tesseract_runtime_workbench.regression_test.comparison import output_differences
from tesseract_runtime_workbench.regression_test.expected_exception import find_exception, mismatch

_MOST = 100  # differences of one case


def bind(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the endpoint, for developers only: its results show exceptions of the author's code."""
    if not binding.config.debug:
        return Unavailable("it is served with --debug only.")
    return case_endpoint(binding)


def case_endpoint(binding: Binding) -> BoundEndpoint:
    """Return the endpoint that runs a case."""
    return BoundEndpoint(
        payload=RegressionCase, result=CaseResult, answer=lambda case: run_case(binding, case)
    )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of a case; `differing` is a result that is not the expected one."""

    status: Status
    message: str = ""
    differing: BaseModel | None = None


def run_case(binding: Binding, case: RegressionCase) -> CaseResult:
    """Run a case in the current scope; only an interrupt is raised."""
    outcome = case_outcome(binding, case)
    return CaseResult(status=outcome.status, message=outcome.message, endpoint=case.endpoint)


def case_outcome(binding: Binding, case: RegressionCase) -> Outcome:
    """Run a case in the current scope as `run_case` does."""
    try:
        endpoint = binding.endpoint(case.endpoint)
    # Building the schemas runs code of the author, which can raise anything.
    except Exception as error:
        return Outcome(status="error", message=failure_text(binding, case, error))
    if isinstance(endpoint, Unavailable):
        message = f"Endpoint {case.endpoint!r} is not available: {endpoint.reason}"
        return Outcome(status="error", message=message)
    result = result_of(binding, case)
    if case.expected_exception is not None:
        return _exception_outcome(binding, case, case.expected_exception, result)
    if isinstance(result, BaseException):
        return Outcome(status="error", message=failure_text(binding, case, result))
    try:
        found = output_differences(case, endpoint.result, result)
    # Validators of the author read the expected outputs.
    except Exception as error:
        message = f"The expected outputs cannot be compared: {exception_text(error)}"
        return Outcome(status="error", message=message)
    if len(found) > _MOST:
        found[_MOST:] = [f"There are {len(found) - _MOST} more differences."]
    if not found:
        return Outcome(status="passed")
    return Outcome(status="failed", message="\n".join(found), differing=result)


def result_of(binding: Binding, case: RegressionCase) -> BaseModel | BaseException:
    """Call an endpoint and return its result, or the exception that it raised."""
    try:
        return binding.plan(case.endpoint).evaluate(case.payload)
    except KeyboardInterrupt:
        raise
    except AuthorError as error:
        return error.cause
    # A case may expect any exception, also one of a validator.
    except BaseException as error:
        return error


def failure_text(binding: Binding, case: RegressionCase, error: BaseException) -> str:
    """Describe an exception that a case does not expect; in debug mode with its traceback."""
    if isinstance(error, InvalidPayload):
        return f"The payload of {case.endpoint} is not valid:\n{error}"
    if isinstance(error, TesseractRuntimeError):
        return str(error)
    fault = author_fault(error, author_place(error))
    return f"{fault.message}\n{fault.trace}" if binding.config.debug else fault.message


def _exception_outcome(
    binding: Binding, case: RegressionCase, name: str, result: BaseModel | BaseException
) -> Outcome:
    if not isinstance(result, BaseException):
        return Outcome(status="failed", message=f"expected {name}, but nothing was raised")
    modules = ChainMap({binding.api.path.stem: binding.api.module}, sys.modules)
    try:
        expected = find_exception(name, modules)
    except UnknownName as error:
        message = f"{error} What was raised is {exception_text(result)}"
        return Outcome(status="error", message=message)
    wrong = mismatch(result, expected, case.expected_exception_regex)
    return Outcome(status="failed" if wrong else "passed", message=wrong or "")
