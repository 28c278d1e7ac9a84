"""Every callable of every contract may fail in every way: the plugin is named, the rest works."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runtime_core import Runtime
from runtime_core.catalog import Catalog
from runtime_core.cli.application import application
from runtime_core.cli.context import CommandContext
from runtime_core.config import resolve
from runtime_core.contracts import BoundEndpoint, Call, Endpoint, ServerExtension, ServerParts, Wire
from runtime_core.description import describe
from runtime_core.description.facts import facts_of
from runtime_core.errors import PluginFailed
from runtime_core.plugins import PluginSelection
from runtime_core.run_logs.log_targets import configured_targets
from runtime_core.run_logs.run import is_run_id
from runtime_core.run_logs.supervisor import RunSupervisor
from runtime_core.runtime import local_runtime
from runtime_core.server.application import build_application
from runtime_core.server.serve_options import ServeOptions
from runtime_core.server.server import Server
from runtime_core.server.uvicorn_server import entered_parts
from tesseract_runtime_workbench.init.recipe_files import files_of
from tests.patience import SECONDS
from tests.plugins.faulty_plugin import (
    BEHAVIOURS,
    METADATA,
    Count,
    Fault,
    declarations,
    with_plugins,
)
from tests.server.asgi import posted
from tests.workers.conftest import in_process

LOGGING = """
import logging
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64
from runtime_core.run_logs import log_parameter

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs: InputSchema) -> OutputSchema:
    log_parameter("size", inputs.x.size)
    return OutputSchema(y=inputs.x)

def teardown():
    logging.warning("torn down")
"""

PLAIN = b'{"inputs": {"x": [1.0]}}'

BASE64 = (
    b'{"inputs": {"x": {"shape": [1], "dtype": "float64", "data": '
    b'{"buffer": "AAAAAAAA8D8=", "encoding": "base64", "compression": "acme"}}}}'
)

ACME = (
    b'{"inputs": {"x": {"shape": [1], "dtype": "float64", "data": '
    b'{"buffer": "", "encoding": "acme"}}}}'
)

JACOBIAN = b'{"inputs": {"x": [1.0]}, "jac_inputs": ["x"], "jac_outputs": ["y"]}'


@dataclass(frozen=True, kw_only=True)
class Case:
    """A catalog with the faulty plugin, and a Tesseract."""

    catalog: Catalog
    api_path: Path
    log: pytest.LogCaptureFixture

    def runtime(self, **flags: Any) -> Runtime:
        """Return a runtime with options."""
        flags = {"api_path": str(self.api_path), "output_path": str(self.api_path.parent), **flags}
        return local_runtime(self.catalog, resolve(self.catalog, flags=flags, environment={}))

    def fault(
        self,
        runtime: Runtime,
        endpoint: str = "apply",
        body: bytes = PLAIN,
        body_format: str = "json",
        **output: Any,
    ) -> str:
        """Return the message of the fault of a call, or an empty text."""
        fault = runtime.invoke(self.call(endpoint, body, body_format, **output)).fault
        return fault.message if fault is not None else ""

    def call(
        self,
        endpoint: str = "apply",
        body: bytes = PLAIN,
        body_format: str = "json",
        **output: Any,
    ) -> Call:
        """Return a call."""
        return Call(
            endpoint=endpoint,
            run_id="one",
            body=body,
            body_format=body_format,
            output=Wire(**{"format": "json", **output}),
            output_path=str(self.api_path.parent),
            metadata=METADATA,
        )


def _endpoint(case: Case) -> str:
    runtime = case.runtime()
    return describe(runtime).unavailable.get("acme") or case.fault(runtime, "acme")


def _wrapped(case: Case) -> str:
    return case.fault(case.runtime(), "acme") or "".join(case.catalog.faults.texts)


def _gradient(case: Case) -> str:
    runtime = case.runtime(gradient_backend="acme")
    reason = describe(runtime).unavailable.get("jacobian")
    return reason or case.fault(runtime, "jacobian", JACOBIAN)


def _closed_gradient(case: Case) -> str:
    runtime = case.runtime(gradient_backend="acme")
    with runtime.set_up():
        assert case.fault(runtime, "jacobian", JACOBIAN) == ""
    assert "torn down" in case.log.text
    return "".join(case.catalog.faults.texts)


def _sink(case: Case) -> str:
    runtime = case.runtime(log_to="acme")
    supervisor = RunSupervisor(case.catalog, runtime.config)
    supervisor.tesseract = facts_of(runtime, ["apply"])
    call = case.call()
    supervisor.finished(call, runtime.invoke(call))
    supervisor.close(SECONDS)
    return case.log.text


def _targets(case: Case) -> str:
    configured_targets(case.catalog, case.runtime().config)
    return "".join(case.catalog.faults.texts)


def _command(case: Case) -> str:
    context = CommandContext(catalog=case.catalog, selection=PluginSelection(), environment={})
    arguments = ["--api-path", str(case.api_path), "acme"]
    try:
        application(context).main(args=arguments, standalone_mode=False, obj=context)
    finally:
        assert "torn down" in case.log.text or not case.log.text
    return ""


def _server(case: Case) -> str:
    return asyncio.run(_asked(case, "/apply"))


def _route(case: Case) -> str:
    return asyncio.run(_asked(case, "/acme/", "/apply"))


async def _asked(case: Case, *paths: str) -> str:
    """Post to a server, whose answers to faults of a plugin have its text and a run id.

    The extension of the other plugin is there in any case.
    """
    runtime = case.runtime()
    async with in_process(runtime) as workers, AsyncExitStack() as lifespans:
        server = Server(
            catalog=case.catalog, config=runtime.config, options=ServeOptions(), workers=workers
        )
        parts = await entered_parts(server, lifespans)
        application = build_application(server, parts)
        assert application.direct_calls.find(b"/apply", [(b"content-length", b"2")]) is not None
        async with server.observers:
            answers = [await posted(application, path, PLAIN) for path in paths]
        assert "neighbour" in parts
    faults = [json.loads(body) for status, body in answers if status != 200]
    assert all(is_run_id(fault["run_id"]) for fault in faults)
    assert [fault["detail"] for fault in faults] == [*case.catalog.faults.texts][: len(faults)]
    return "".join(case.catalog.faults.texts)


def _executor(case: Case) -> str:
    with case.catalog.executors.find("acme").open(target="acme://", config=case.runtime().config):
        return ""


EXERCISES: Mapping[str, Callable[[Case], str]] = {
    "endpoints.bind": _endpoint,
    "endpoints.answer": _endpoint,
    "endpoints.check": _endpoint,
    "formats.load": lambda case: case.fault(case.runtime(), body_format="acme"),
    "formats.loads": lambda case: case.fault(case.runtime(), body_format="acme"),
    "formats.dumps": lambda case: case.fault(case.runtime(), format="acme"),
    "encodings.load": lambda case: case.fault(case.runtime(), body=ACME),
    "encodings.encode": lambda case: case.fault(case.runtime(), array_encoding="acme"),
    "encodings.decode": lambda case: case.fault(case.runtime(), body=ACME),
    "compressors.load": lambda case: case.fault(case.runtime(), body=BASE64),
    "compressors.compress": lambda case: case.fault(
        case.runtime(), format="json+base64", compression="acme"
    ),
    "compressors.decompress": lambda case: case.fault(case.runtime(), body=BASE64),
    "gradient_backends.open": _gradient,
    "gradient_backends.close": _closed_gradient,
    "gradient_backends.provide": _gradient,
    "gradient_backends.the provided function": _gradient,
    "run_sinks.open": _sink,
    "run_sinks.write": _sink,
    "run_sinks.close": _sink,
    "run_sinks.check": _sink,
    "run_sinks.target_from": _targets,
    "executors.open": _executor,
    "executors.copies": lambda case: str(case.runtime(executor="acme://").executor)[:0],
    "call_wrappers.wrap": _wrapped,
    "call_wrappers.the returned function": _wrapped,
    "commands.load": _command,
    "commands.run": _command,
    "server_extensions.build": _server,
    "server_extensions.wrap": _server,
    "server_extensions.lifespan": _server,
    "server_extensions.observe": _server,
    "server_extensions.openapi": _server,
    "server_extensions.head": _server,
    "server_extensions.the layer at edge": _server,
    "server_extensions.the route '/acme'": _route,
    "recipes.files": lambda case: "".join(files_of("acme", case.catalog).keys() - {"README.md"}),
}
"""For each callable what uses it, and returns the message of its fault."""

ANSWERS_COUNT_NOT = {
    "endpoints.check",
    "gradient_backends.open",
    "gradient_backends.close",
    "compressors.decompress",
    "run_sinks.write",
    "run_sinks.close",
    "run_sinks.check",
    "commands.run",
    "server_extensions.observe",
}
"""The callables that return nothing."""

AWAITED = {"server_extensions.the route '/acme'"}
"""The callables whose answers Starlette awaits."""

NONE_IS_RIGHT = {
    *ANSWERS_COUNT_NOT, "run_sinks.target_from", "formats.loads", "call_wrappers.wrap",
    "server_extensions.head",
}  # fmt: skip
"""The callables that may return `None`; of a format it is the document `null`."""

ENDS = {("commands.run", "exits")}
"""A command may exit."""


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    """Return the event for which threads wait that a plugin leaves."""
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize("stage", EXERCISES)
def test_a_fault_names_its_plugin_and_harms_no_other(
    stage: str,
    behaviour: str,
    catalog: Catalog,
    tesseract: Callable[..., Path],
    ended: threading.Event,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A failure names plugin, version, hook and stage; what only takes time or prints works."""
    fault = Fault(stage=stage, behaviour=behaviour, ended=ended)
    plugged = with_plugins(catalog, declarations(fault), neighbour())
    case = Case(catalog=plugged, api_path=tesseract(LOGGING), log=caplog)
    try:
        message = EXERCISES[stage](case)
    except PluginFailed as failed:
        message = str(failed)
    except SystemExit:
        assert (stage, behaviour) in ENDS
        message = ""
    assert message_is_right(message, stage, behaviour), message
    assert_the_rest_works(case)


def message_is_right(message: str, stage: str, behaviour: str) -> bool:
    """Check the message of a callable that behaves in some way."""
    returns = behaviour.startswith("returns")
    harmless = behaviour not in ("raises", "exits") and not returns
    harmless |= (stage, behaviour) in ENDS
    harmless |= returns and stage in ANSWERS_COUNT_NOT
    harmless |= behaviour == "returns None" and stage in NONE_IS_RIGHT
    if harmless:
        return "failed in" not in message
    if stage in ("run_sinks.open", "run_sinks.write", "run_sinks.close") and behaviour == "raises":
        return "cannot be logged to acme (acme-plugin 1.0): RuntimeError: broken" in message
    hook, _, name = stage.partition(".")
    place = f"Plugin acme (acme-plugin 1.0) failed in {name} of {hook} 'acme': "
    problem = "TypeError: " if stage in AWAITED else "it returned"
    return place + (problem if returns else "") in message


def neighbour() -> dict[str, list[Any]]:
    """Return the declarations of another plugin."""
    facts: dict[str, Any] = {"name": "neighbour", "summary": "For tests."}
    constant = BoundEndpoint(result=Count, answer=lambda _: 7)
    return {
        "endpoints": [Endpoint(**facts, bind=lambda binding: constant)],
        "server_extensions": [ServerExtension(**facts, build=lambda server: ServerParts())],
    }


def assert_the_rest_works(case: Case) -> None:
    """Check the endpoints of the core and of another plugin."""
    runtime = case.runtime()
    assert runtime.call("neighbour") == Count(7)
    assert case.fault(runtime) == ""
