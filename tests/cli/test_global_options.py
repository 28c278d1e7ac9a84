"""Global options, which every command takes before and after its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pytest
import typer

from runtime_core.catalog import Catalog
from runtime_core.cli import CommandContext
from runtime_core.cli.application import application
from runtime_core.cli.options import take_global_options
from runtime_core.plugins import PluginSelection
from tests.conftest import DOUBLE

if TYPE_CHECKING:
    from tests.cli.conftest import Here

Tesseract = Callable[..., Path]

PAYLOAD = '{"inputs": {"x": [1.0]}}'


@pytest.mark.parametrize(
    "command",
    [
        ("apply", PAYLOAD),
        ("abstract-eval", '{"inputs": {"x": {"shape": [1], "dtype": "float64"}}}'),
        ("check",),
        ("check-gradients", PAYLOAD),
        ("input-schema",),
        ("openapi-schema",),
        ("test", "case.json"),
    ],
    ids=lambda command: command[0],
)
def test_tesseract_named_after_the_command(
    here: Here, tesseract: Tesseract, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Each command that loads the Tesseract takes `--api-path`, on either side of its arguments."""
    case = {"endpoint": "health", "expected_outputs": {"status": "ok"}}
    (tmp_path / "case.json").write_text(json.dumps(case))
    shapes = "\ndef abstract_eval(abstract_inputs):\n    return {'y': abstract_inputs.x}\n"
    path = str(tesseract(DOUBLE + shapes))
    before = here("--api-path", path, *command)
    name, *arguments = command
    assert here(name, *arguments, "--api-path", path) == before
    assert here(name, f"--api-path={path}", *arguments) == before
    assert "No Tesseract" not in before.stderr


@pytest.mark.parametrize(
    "command", [("health",), ("plugins",), ("plugins", "list"), ("plugins", "show", "core")]
)
def test_options_of_commands_without_a_tesseract(here: Here, command: tuple[str, ...]) -> None:
    """Every command and subcommand takes every global option, and says which value is wrong."""
    options = ("--debug", "--no-tracing", "--name", "Sum", "--mlflow-tracking-uri", "host")
    before, after = here(*command), here(*command, *options)
    assert after.stdout.splitlines()[0] == before.stdout.splitlines()[0]
    assert "Unknown plugin 'nope' to disable." in here(*command, "--no-plugin", "nope").stderr


def test_gradient_backend_after_the_command(here: Here, tesseract: Tesseract) -> None:
    """An endpoint is bound with the options that follow its command."""
    payload = json.dumps({**json.loads(PAYLOAD), "jac_inputs": ["x"], "jac_outputs": ["y"]})
    ended = here("jacobian", payload, "--api-path", str(tesseract()), "--gradient-backend=auto")
    assert (ended.code, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["y"]["x"]["data"]["buffer"] == [[2.0]]


def test_options_of_serve(here: Here, tesseract: Tesseract) -> None:
    """`serve` takes global options after its name, and `-h` stays its own."""
    options = ("--gradient-backend", "jacks", "--api-path", str(tesseract()))
    ended = here("serve", "-h", "127.0.0.1", "--port", "0", *options)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr == (
        "Error: Unknown gradient backend 'jacks'. Did you mean 'jax'? "
        "Available: auto, derived, finite-differences, jax, native.\n"
    )


def test_option_after_the_command_is_stronger(here: Here, tesseract: Tesseract) -> None:
    """Of two values of an option the later one counts; those of a repeated one are joined."""
    path = str(tesseract())
    ended = here("--name", "first", "openapi-schema", "--name", "last", "--api-path", path)
    assert json.loads(ended.stdout)["info"]["title"] == "last"
    ended = here("--log-to", "here", "apply", PAYLOAD, "--log-to", "there:x", "--api-path", path)
    assert "--log-to 'here': Unknown run sink 'here'." in ended.stderr


def test_output_path_of_an_endpoint_stays_its_own(
    here: Here, tesseract: Tesseract, tmp_path: Path
) -> None:
    """`--output-path` after an endpoint takes the result, other than before it."""
    path = str(tesseract())
    assert here("apply", PAYLOAD, "--api-path", path, "--output-path", "out").stdout == ""
    assert (tmp_path / "out" / "results.json").exists()


def test_help_after_a_global_option(here: Here, tesseract: Tesseract) -> None:
    """The help of an endpoint is that of the Tesseract that is named beside `--help`."""
    path = str(tesseract())
    expected = here("--api-path", path, "apply", "--help")
    assert expected.code == 0
    for arguments in (("--help", "--api-path", path), ("--api-path", path, "--help")):
        assert here("apply", *arguments) == expected
    words = here("health", "--help-all").stdout.split()
    assert {"--api-path", "--no-plugin", "--mlflow-tracking-uri"} <= set(words)
    assert "JSON_PAYLOAD" not in words


def test_flags_of_a_command_stay_its_own(catalog: Catalog) -> None:
    """A command of a plugin keeps its flags and names, also one with subcommands."""
    app = typer.Typer()
    got: list[Any] = []

    @app.command("greet")
    def greet(
        name: str, debug: Annotated[str, typer.Option("--name")], tracing: bool = False
    ) -> None:
        got.extend([name, debug, tracing])

    app.callback()(lambda: None)
    context = CommandContext(catalog=catalog, selection=PluginSelection(), environment={})
    command: Any = typer.main.get_command(app)
    take_global_options(command, application(context).params)
    arguments = ["greet", "Cleo", "--name", "own", "--tracing", "--debug", "--version", "7"]
    command.main(arguments, standalone_mode=False, obj=context)
    assert got == ["Cleo", "own", True]
    assert context.flags == {"debug": True, "version": "7"}
