"""Asking a Tesseract what a case says, and judging what comes."""

from __future__ import annotations

import sys
from collections import ChainMap
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, RootModel, ValidationError

from runtime_core.calls.execution import execute, validate_payload
from runtime_core.calls.faults import exception_text, invalid_payload
from runtime_core.contracts import Binding, BoundEndpoint, Unavailable
from runtime_core.errors import InvalidPayload, TesseractRuntimeError, UnknownName, fault_lines
from runtime_core.tesseract_api import AuthorError
from runtime_core.traces import author_trace
from tesseract_runtime_regression_test.case import RegressionCase
from tesseract_runtime_regression_test.difference import differences
from tesseract_runtime_regression_test.exceptions import (
    find_exception,
    mismatch,
    unknown_exception,
)
from tesseract_runtime_regression_test.tolerance import Tolerance
from tesseract_runtime_regression_test.verdict import RegressionVerdict
from tesseract_runtime_regression_test.written import WrittenOutputs

_MOST = 100  # differences of one case; nobody reads more


def judge(binding: Binding, case: RegressionCase) -> RegressionVerdict:
    """Run a case in the current scope and say what became of it; only an interrupt is raised."""
    debug = binding.config.debug
    try:
        endpoint = _endpoint(binding, case.endpoint)
    # Schemas of an author can break in ways that nobody foresaw.
    except Exception as error:
        return _verdict(case, "error", _unexpected(error, case.endpoint, debug=debug))
    came = _attempt(endpoint, case.payload)
    if case.expected_exception is not None:
        return _judged_exception(binding, case, case.expected_exception, came)
    if isinstance(came, BaseException):
        return _verdict(case, "error", _unexpected(came, case.endpoint, debug=debug))
    return _judged_outputs(endpoint, case, came)


def _endpoint(binding: Binding, name: str) -> BoundEndpoint:
    endpoint = binding.endpoint(name)
    if isinstance(endpoint, Unavailable):
        raise UnknownName(f"Endpoint {name!r} is not available: {endpoint.reason}")
    return endpoint


def _attempt(endpoint: BoundEndpoint, payload: Any) -> BaseModel | BaseException:
    """Return the result of an endpoint, or what was raised on the way to it."""
    try:
        return execute(endpoint, validate_payload(endpoint, payload, {}))
    except KeyboardInterrupt:
        raise
    except AuthorError as error:
        return error.cause
    # A case may expect anything, of an author's validators too.
    except BaseException as error:
        return error


def _unexpected(error: BaseException, endpoint: str, *, debug: bool) -> str:
    if isinstance(error, InvalidPayload):
        return f"The payload of {endpoint} is not valid:\n{error}"
    if isinstance(error, TesseractRuntimeError):
        return str(error)
    text = exception_text(error)
    return f"{text}\n{author_trace(error)}" if debug else text


def _judged_exception(
    binding: Binding, case: RegressionCase, name: str, came: BaseModel | BaseException
) -> RegressionVerdict:
    if not isinstance(came, BaseException):
        return _verdict(case, "failed", f"expected {name}, but nothing was raised")
    modules = ChainMap({binding.api.path.stem: binding.api.module}, sys.modules)
    expected = find_exception(name, modules)
    if expected is None:
        text = f"{unknown_exception(name)} What was raised is {exception_text(came)}"
        return _verdict(case, "error", text)
    wrong = mismatch(came, expected, case.expected_exception_regex)
    return _verdict(case, "passed") if wrong is None else _verdict(case, "failed", wrong)


def _judged_outputs(
    endpoint: BoundEndpoint, case: RegressionCase, came: BaseModel
) -> RegressionVerdict:
    try:
        found = _differences(endpoint, case, came)
    # An author's validators read the expected outputs, and may raise anything.
    except Exception as error:
        text = f"The expected outputs cannot be compared: {exception_text(error)}"
        return _verdict(case, "error", text)
    return _verdict(case, "failed", *_most(found)) if found else _verdict(case, "passed")


def _differences(endpoint: BoundEndpoint, case: RegressionCase, came: BaseModel) -> Sequence[str]:
    tolerance = Tolerance(atol=case.atol, rtol=case.rtol)
    written = WrittenOutputs(tolerance)
    remainder = written.remainder(case.expected_outputs, _outputs(came))
    options = {"skip_output_path_checks": case.skip_output_path_checks}
    found = list(map(str, written.differences))
    try:
        expected = endpoint.result.model_validate(remainder, context=options)
    except ValidationError as error:
        faults = fault_lines(invalid_payload(error).details, root="outputs")
        return [*found, f"The expected outputs are no valid {endpoint.result.__name__}:", faults]
    values = differences(_outputs(expected), _outputs(came), tolerance)
    return [*found, *map(str, values)]


def _outputs(result: BaseModel) -> Any:
    """Return what paths lead into: the root of a result that has one."""
    return result.root if isinstance(result, RootModel) else result


def _most(lines: Sequence[str]) -> Sequence[str]:
    more = len(lines) - _MOST
    return [*lines[:_MOST], f"There are {more} more differences."] if more > 0 else lines


def _verdict(
    case: RegressionCase, status: Literal["passed", "failed", "error"], *lines: str
) -> RegressionVerdict:
    return RegressionVerdict(status=status, message="\n".join(lines), endpoint=case.endpoint)
