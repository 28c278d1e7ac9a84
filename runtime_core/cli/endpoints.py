"""The commands of the endpoints: payload in, result out."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from typer.core import TyperCommand

from runtime_core.cli.capture import captured
from runtime_core.cli.context import SECONDS_FOR_SINKS, CommandContext
from runtime_core.cli.latest_log import latest_log
from runtime_core.cli.options import is_global
from runtime_core.cli.output import OutputFormat, OutputPath, deliver, folder_of_results
from runtime_core.cli.payloads import Payload, read_payload
from runtime_core.cli.short_forms import (
    WITH_PATHS,
    OnlyInputs,
    OutputsOf,
    WithRespectTo,
    completed,
    with_options,
)
from runtime_core.cli.standard_streams import claim_stdout, stdout_to_stderr
from runtime_core.contracts import BoundEndpoint, Call, Fault, Reply, Unavailable
from runtime_core.documents.wire import configured_wire
from runtime_core.errors import FaultKind
from runtime_core.run_logs.run import new_run_id
from runtime_core.run_logs.text_log import text_log_path


def _valid_seconds(seconds: float | None) -> float | None:
    if seconds is not None and not _LEAST_SECONDS <= seconds < math.inf:
        raise typer.BadParameter(f"{seconds:g} is not a time of at least {_LEAST_SECONDS:g} s.")
    return seconds


_LEAST_SECONDS = 0.001

Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Stop the call after this time, once the Tesseract has loaded. [default: never]",
        callback=_valid_seconds,
        show_default=False,
    ),
]


def endpoint_command(
    context: CommandContext, name: str
) -> tuple[Callable[..., Any], type[TyperCommand]]:
    """Return the Typer function of an endpoint's command and the class of that command."""

    def compute(
        payload: Payload,
        output_path: OutputPath = None,
        output_format: OutputFormat = None,
        timeout: Timeout = None,
        only_inputs: OnlyInputs = False,
        wrt: WithRespectTo = None,
        of: OutputsOf = None,
    ) -> None:
        # Not restored: once user code has run, its threads may still print.
        stdout = claim_stdout()
        answer = partial(_answer, context, stdout, name, output_path, output_format)

        def read() -> tuple[bytes, str]:
            given = read_payload(payload, context.catalog)
            return completed(given, context, name, only_inputs=only_inputs, wrt=wrt, of=of)

        if timeout is not None:
            from runtime_core.cli.limited_call import limited  # it takes an event loop

            given = read() if payload else (b"", "json")
            with ExitStack() as stack:
                stack.callback(context.supervisor.close, SECONDS_FOR_SINKS)
                answer(*given, partial(limited, context, seconds=timeout))
        elif _bound(context, name).payload is None:
            answer(b"", "json", context.runtime().invoke)  # it is known, and not a run
        else:
            from runtime_core.description.validation import validate_functions  # it loads numpy

            given = read()
            validate_functions(context.runtime())
            with context.session(name, output_path=folder_of_results(context.config, output_path)):
                answer(*given, partial(computed, context))

    return compute, _command_class(context, name)


def _endpoint(context: CommandContext, name: str) -> BoundEndpoint | Unavailable:
    with stdout_to_stderr():
        return context.runtime().endpoint(name)


def _bound(context: CommandContext, name: str) -> BoundEndpoint:
    with stdout_to_stderr():
        return context.runtime().bound(name)


def _answer(
    context: CommandContext,
    stdout: int,
    name: str,
    output_path: str | None,
    output_format: str | None,
    body: bytes,
    body_format: str,
    compute: Callable[[Call], Reply],
) -> None:
    """Let a function answer a call, and write the result where it is wanted."""
    call = new_call(
        context, name, body, body_format, output_path=output_path, output_format=output_format
    )
    reply = compute(call)
    for failure in context.catalog.faults.texts:  # such as a wrapper that is left out
        print(f"Warning: {failure}", file=sys.stderr)
    if reply.fault is not None:
        log = text_log_path(context.supervisor.run(call))
        fault = with_options(reply.fault, name)
        report_fault(fault, name, debug=context.config.debug, log=log)
        raise typer.Exit(fault.kind.exit_code)
    deliver(context, reply.body, reply.format, output_path, stdout=stdout)


def new_call(
    context: CommandContext,
    endpoint: str,
    body: bytes,
    body_format: str = "json",
    *,
    output_path: str | None = None,
    output_format: str | None = None,
) -> Call:
    """Make a call with a new run id, and results in the form and place that the options name.

    Raises what `configured_wire` raises for a form that cannot be written.
    """
    return Call(
        endpoint=endpoint,
        run_id=new_run_id(),
        new_run=True,
        body=body,
        body_format=body_format,
        output=configured_wire(context.catalog, context.config, output_format),
        output_path=folder_of_results(context.config, output_path),
    )


def computed(context: CommandContext, call: Call) -> Reply:
    """Compute a call as a run, in a session; its output appears on stderr while it runs."""
    runtime, run = context.runtime(), context.supervisor.run(call)
    with latest_log(run):
        context.supervisor.begin(call)
        try:
            # What processes of the executor print is the output of the run too.
            with captured(run), closing(runtime.executor):
                reply = runtime.invoke(call)
        except KeyboardInterrupt:
            context.supervisor.interrupted(call)
            raise
        return context.supervisor.finished(call, reply)


def report_fault(fault: Fault, endpoint: str = "", *, debug: bool, log: Path | None = None) -> None:
    """Print the message of a fault of a command on stderr; in debug mode with its traceback.

    `endpoint` is that of the payload, if it is known, and `log` the file that has the traceback
    too.
    """
    if fault.kind is FaultKind.INVALID_PAYLOAD and fault.details:
        lines, owner = fault.message.replace("\n", "\n  "), f" of {endpoint}" if endpoint else ""
        print(f"Error: The payload{owner} is not valid:\n  {lines}", file=sys.stderr)
        return
    if debug and fault.trace:
        print(fault.trace, file=sys.stderr)
    print(f"Error: {fault.message}", file=sys.stderr)
    if fault.trace and not debug:
        kept = f"The traceback is in {log}; " if log else ""
        print(f"{kept}--debug shows {'it' if log else 'the traceback'}.", file=sys.stderr)


def _command_class(context: CommandContext, name: str) -> type[TyperCommand]:
    class EndpointCommand(TyperCommand):
        """A command that binds its endpoint, and writes the help on it only on request."""

        def __init__(self, *args: Any, **facts: Any) -> None:
            super().__init__(*args, **facts)
            if name not in WITH_PATHS:
                self.params = [each for each in self.params if each.name not in ("wrt", "of")]

        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            """Read the global options first: they name the Tesseract."""
            given, _, _ = self.make_parser(ctx).parse_args(list(args))
            for parameter in filter(is_global, self.params):
                parameter.handle_parse_result(ctx, given, [])
                parameter.callback = None  # once is enough
            parameters = {each.name: each for each in self.params}
            parameters["timeout"].handle_parse_result(ctx, given, [])
            if ctx.params["timeout"] is not None:
                parameters["payload"].required = False  # only a worker loads the Tesseract
                return super().parse_args(ctx, args)
            endpoint = _endpoint(context, name)
            if isinstance(endpoint, Unavailable):
                parameters["payload"].required = False  # the command gives the reason instead
            elif endpoint.payload is None:
                needless = ("payload", "only_inputs")
                self.params = [each for each in self.params if each.name not in needless]
            return super().parse_args(ctx, args)

        def format_help(self, ctx: Any, formatter: Any) -> None:
            """Write the help."""
            endpoint = _endpoint(context, name)
            if isinstance(endpoint, Unavailable):
                texts = _of_unavailable(context, name, endpoint)
            else:
                texts = _of_bound(endpoint)
            parts = [context.catalog.endpoints.find(name).summary, *texts]
            self.help = "\n\n".join(part for part in parts if part)
            super().format_help(ctx, formatter)

    return EndpointCommand


def _of_bound(endpoint: BoundEndpoint) -> Iterator[str]:
    """Yield the paragraphs of the help on an endpoint."""
    from runtime_core.cli.field_tree import field_tree  # it loads numpy

    yield endpoint.doc.strip()
    if endpoint.payload is not None:
        yield from _of_payload(endpoint.payload)
    yield "\b\nResult:\n" + field_tree(endpoint.result, "serialization")


def _of_unavailable(context: CommandContext, name: str, endpoint: Unavailable) -> Iterator[str]:
    """Yield the reason, and the payload of a gradient, which no function is needed for."""
    yield f"This endpoint is not available: {endpoint.reason}"
    if name in WITH_PATHS:
        from runtime_core.gradients.endpoint import gradient_payload  # it loads numpy

        yield from _of_payload(gradient_payload(context.runtime().schemas, WITH_PATHS[name]))


def _of_payload(model: type[BaseModel]) -> Iterator[str]:
    from runtime_core.cli.field_tree import field_tree  # it loads numpy

    yield "The payload is a JSON object with the following structure."
    yield "\b\nPayload:\n" + field_tree(model)
