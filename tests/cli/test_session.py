"""Commands of plugins that use the Tesseract in a session."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Here, Plug

COMMANDS = """
import typer
from runtime_core.cli import (
    OutputFormat, OutputPath, Payload, computed, deliver, new_call, read_payload,
)
from runtime_core.contracts import Command
from runtime_core.hookspecs import hookimpl

def values(context: typer.Context, payload: Payload, repeats: int = 2) -> None:
    body, body_format = read_payload(payload, context.obj.catalog)
    found = []
    with context.obj.session() as runtime:
        inputs = runtime.payload("apply", body, body_format)
        for _ in runtime.progress.track(range(repeats), "call", repeats):
            found.append(runtime.call("apply", inputs).root.y)
    print(found)

def logged(
    context: typer.Context,
    payload: Payload,
    output_path: OutputPath = None,
    output_format: OutputFormat = None,
) -> None:
    given = read_payload(payload, context.obj.catalog)
    with context.obj.session("apply", output_path=output_path):
        options = {"output_path": output_path, "output_format": output_format}
        reply = computed(context.obj, new_call(context.obj, "apply", *given, **options))
    deliver(context.obj, reply.body, reply.format, output_path)

def failing(context: typer.Context) -> None:
    with context.obj.session():
        raise ZeroDivisionError("of the plugin")

def unreadable(size: "Size") -> None:
    pass

@hookimpl
def commands():
    for function in (values, logged, failing, unreadable):
        yield Command(name=function.__name__, summary="", load=lambda function=function: function)
"""

NOTING = """
import os
from pydantic import BaseModel

class InputSchema(BaseModel):
    x: float

class OutputSchema(BaseModel):
    y: float

def setup():
    os.write(1, b"set up\\n")

def teardown():
    os.write(1, b"torn down\\n")

def apply(inputs):
    os.write(1, b"apply\\n")
    return OutputSchema(y=1 / inputs.x)
"""
"""It writes to the descriptor, as C code does: in this process `print` does not."""

Asked = Callable[..., tuple[int, str, str]]


@pytest.fixture
def asked(here: Here, plug: Plug, tesseract: Callable[..., Path]) -> Asked:
    """Return a function that runs a command of the plugin for a Tesseract that tells its steps."""
    plug(COMMANDS)
    path = str(tesseract(NOTING))

    def ask(*arguments: str) -> tuple[int, str, str]:
        ended = here("--api-path", path, *arguments)
        return ended.code, ended.stdout, ended.stderr

    return ask


def test_session_sets_up_and_tears_down(asked: Asked) -> None:
    """The Tesseract prints to stderr, its result is on stdout."""
    code, stdout, stderr = asked("values", '{"inputs": {"x": 4}}', "--repeats", "2")
    assert (code, stdout) == (0, "[0.25, 0.25]\n")
    assert stderr.splitlines() == ["set up", "apply", "apply", "torn down"]


def test_session_logs_the_runs_of_endpoints(asked: Asked, tmp_path: Path) -> None:
    """A call is a run that names its Tesseract, and its result goes where options say."""
    code, stdout, _ = asked("logged", '{"inputs": {"x": 4}}', "-o", "out")
    assert (code, stdout) == (0, "")
    assert json.loads((tmp_path / "out" / "results.json").read_bytes()) == {"y": 0.25}
    log = tmp_path / "out" / "logs"
    facts = json.loads((log / "run.json").read_bytes())
    assert (facts["endpoint"], facts["status"], len(facts["digest"])) == ("apply", "FINISHED", 64)
    assert (log / "tesseract.log").read_text() == "apply\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("values", '{"inputs": {}}'), 2, "The payload is not valid:\n  inputs.x: Field required"),
        (("values", '{"inputs": {"x": 0}}'), 1, "ZeroDivisionError: float division by zero"),
        (
            ("failing",),
            1,
            "Plugin acme (acme-plugin 1.0) failed in run of commands 'failing': Zero",
        ),
    ],
)
def test_errors_in_a_session_end_the_command(
    asked: Asked, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """The plugin is to blame for its own failures, not for those of payload and Tesseract."""
    ended, stdout, stderr = asked(*arguments)
    assert (ended, stdout) == (code, "")
    assert f"Error: {message}" in stderr
    assert "torn down\n" in stderr


def test_parameters_that_typer_cannot_read_are_faults_of_the_plugin(asked: Asked) -> None:
    """Its author has annotated them."""
    code, stdout, stderr = asked("unreadable")
    assert (code, stdout) == (1, "")
    place = "Error: Plugin acme (acme-plugin 1.0) failed in load of commands 'unreadable': "
    assert f"{place}NameError: name 'Size' is not defined" in stderr
