"""The entry point of `tesseract-runtime`: from arguments to an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib import metadata
from types import MappingProxyType

import typer

from runtime_core.calls.faults import author_fault, fault_of
from runtime_core.cli.application import UsageError, application
from runtime_core.cli.context import CommandContext
from runtime_core.cli.endpoints import report_fault
from runtime_core.cli.options import plugin_selection
from runtime_core.cli.standard_streams import stdout_restored, stdout_to_stderr
from runtime_core.distributions import CORE
from runtime_core.errors import AuthorError, InvalidPayload, TesseractRuntimeError
from runtime_core.imports import without_collections
from runtime_core.plugins import load_catalog
from runtime_core.tesseract.tracebacks import author_place


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command in a process that continues, and return its exit code."""
    with stdout_restored():
        return dispatch(arguments, environment)


def dispatch(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command and return its exit code; every error becomes a message on stderr."""
    if list(arguments) == ["--version"]:  # with a value, it is the version of the Tesseract
        print(f"tesseract-runtime {metadata.version(CORE)}")
        return 0
    try:
        selection = plugin_selection(arguments, environment)
        with stdout_to_stderr(), without_collections():
            catalog = load_catalog(selection)
    except TesseractRuntimeError as error:
        return _report(error)
    # Once user code has run, stdout stays redirected to stderr: its threads may still print.
    context = CommandContext(
        catalog=catalog, selection=selection, environment=MappingProxyType(dict(environment))
    )
    try:
        result = application(context).main(
            args=list(arguments), prog_name="tesseract-runtime", standalone_mode=False, obj=context
        )
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except UsageError as error:
        return _report_usage(error, arguments)
    except TesseractRuntimeError as error:
        return _report(error)
    except AuthorError as error:
        fault = author_fault(error.cause, author_place(error.cause))
        report_fault(fault, debug="--debug" in arguments)
        return fault.kind.exit_code
    except (KeyboardInterrupt, typer.Abort):
        print("Aborted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0  # the reader of stdout has closed it
    # Users see a traceback only when they ask for one.
    except Exception as error:
        print(f"Error: {type(error).__name__}: {error}", file=sys.stderr)
        if "--debug" in arguments:
            traceback.print_exc()
        else:
            print("This is a fault of the runtime; --debug shows where.", file=sys.stderr)
        return 1


def _report(error: TesseractRuntimeError) -> int:
    if isinstance(error, InvalidPayload):
        report_fault(fault_of(error), debug=False)
    else:
        print(f"Error: {error}", file=sys.stderr)
    return error.kind.exit_code


def _report_usage(error: Exception, arguments: Sequence[str]) -> int:
    # Its class has no public name; typer has the name of an error of pydantic in front.
    error.message = error.message.removeprefix("Value error, ")  # type: ignore[attr-defined]
    error.show()  # type: ignore[attr-defined]
    files = [each for each in arguments if each.endswith(".py")]
    if files and "--api-path" not in arguments:
        print(f"Name the Tesseract with --api-path {files[0]}.", file=sys.stderr)
    return 2
