"""Options from the environment, and their precedence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli

Tesseract = Callable[..., Path]

PAYLOAD = '{"inputs": {"x": [1.0]}}'


@pytest.fixture
def cli(cli_here: Cli) -> Cli:
    """Return the command line in this process: no rule of this module is about another."""
    return cli_here


def title(cli: Cli, api_path: Path, *options: str, **environment: str) -> str:
    """Return the name that a Tesseract has in its OpenAPI document."""
    environment = {"TESSERACT_API_PATH": str(api_path), **environment}
    ended = cli(*options, "openapi-schema", environment=environment)
    assert ended.returncode == 0, ended.stderr
    name: str = json.loads(ended.stdout)["info"]["title"]
    return name


def test_strength_of_the_sources(cli: Cli, tesseract: Tesseract) -> None:
    """A flag is stronger than TESSERACT_RUNTIME_X, and that is stronger than TESSERACT_X."""
    path = tesseract()
    weak, strong = {"TESSERACT_NAME": "weak"}, {"TESSERACT_RUNTIME_NAME": "strong"}
    assert title(cli, path) == "Tesseract"
    assert title(cli, path, **weak) == "weak"
    assert title(cli, path, **weak, **strong) == "strong"
    assert title(cli, path, "--name", "strongest", **weak, **strong) == "strongest"
    assert title(cli, path, "--name=strongest", **strong) == "strongest"


def test_api_path_of_both_prefixes(cli: Cli, tesseract: Tesseract) -> None:
    """The file of the Tesseract can be named by either variable."""
    path = str(tesseract())
    for name in ("TESSERACT_API_PATH", "TESSERACT_RUNTIME_API_PATH"):
        assert cli("apply", PAYLOAD, environment={name: path}).returncode == 0
    both = {"TESSERACT_API_PATH": "none.py", "TESSERACT_RUNTIME_API_PATH": path}
    assert cli("apply", PAYLOAD, environment=both).returncode == 0


def test_empty_variable_is_none(cli: Cli, tesseract: Tesseract) -> None:
    """An empty variable counts as not set."""
    environment = {"TESSERACT_RUNTIME_OUTPUT_FORMAT": "", "TESSERACT_OUTPUT_FORMAT": ""}
    ended = cli("--api-path", str(tesseract()), "apply", PAYLOAD, environment=environment)
    assert ended.returncode == 0


@pytest.mark.parametrize(
    ("variable", "encoding"),
    [
        ("TESSERACT_OUTPUT_FORMAT", "base64"),
        ("TESSERACT_RUNTIME_OUTPUT_FORMAT", "base64"),
        ("TESSERACT_RUNTIME_APPLY_OUTPUT_FORMAT", "base64"),
        ("TESSERACT_RUNTIME_HEALTH_OUTPUT_FORMAT", "json"),
    ],
)
def test_output_format_of_the_environment(
    cli: Cli, tesseract: Tesseract, variable: str, encoding: str
) -> None:
    """The format can be set for all commands or for one."""
    ended = cli(
        "--api-path", str(tesseract()), "apply", PAYLOAD, environment={variable: "json+base64"}
    )
    assert json.loads(ended.stdout)["y"]["data"]["encoding"] == encoding


def test_option_of_a_command_is_stronger_than_its_variable(cli: Cli, tesseract: Tesseract) -> None:
    """`-f` overrules the variable of the command, and that overrules the global one."""
    environment = {
        "TESSERACT_RUNTIME_APPLY_OUTPUT_FORMAT": "json+base64",
        "TESSERACT_RUNTIME_OUTPUT_FORMAT": "json",
    }
    start = ("--api-path", str(tesseract()), "apply", PAYLOAD)
    assert '"base64"' in cli(*start, environment=environment).stdout
    assert '"base64"' not in cli(*start, "-f", "json", environment=environment).stdout


def test_wrong_variable_of_a_command_is_told(cli: Cli, tesseract: Tesseract) -> None:
    """An unknown format from the environment is refused."""
    environment = {"TESSERACT_RUNTIME_APPLY_OUTPUT_FORMAT": "jsn"}
    ended = cli("--api-path", str(tesseract()), "apply", PAYLOAD, environment=environment)
    assert ended.returncode == 2
    assert "Unknown format 'jsn'." in ended.stderr


def test_output_path_of_a_command_is_read(cli: Cli, tesseract: Tesseract, tmp_path: Path) -> None:
    """TESSERACT_RUNTIME_APPLY_OUTPUT_PATH is `-o`; TESSERACT_OUTPUT_PATH is the global option."""
    start = ("--api-path", str(tesseract()), "apply", PAYLOAD)
    redirected = cli(*start, environment={"TESSERACT_RUNTIME_APPLY_OUTPUT_PATH": "out"})
    assert redirected.stdout == ""
    assert (tmp_path / "out" / "results.json").exists()
    assert cli(*start, environment={"TESSERACT_OUTPUT_PATH": "runs"}).stdout
    assert cli(*start, environment={"TESSERACT_RUNTIME_OUTPUT_PATH": "runs"}).stdout


@pytest.mark.parametrize("value", ["1", "true", "yes", "on", "True"])
def test_debug_of_the_environment(cli: Cli, tesseract: Tesseract, value: str) -> None:
    """A switch can be set by any of the usual words."""
    source = """
        from pydantic import BaseModel

        class InputSchema(BaseModel):
            pass

        class OutputSchema(BaseModel):
            pass

        def apply(inputs):
            raise ValueError("too stiff")
    """
    start = ("--api-path", str(tesseract(source)), "apply", '{"inputs": {}}')
    for name in ("TESSERACT_DEBUG", "TESSERACT_RUNTIME_DEBUG"):
        assert "Traceback" in cli(*start, environment={name: value}).stderr
    off = cli("--no-debug", *start, environment={"TESSERACT_DEBUG": value})
    assert "Traceback" not in off.stderr


def test_options_reach_user_code(cli: Cli, tesseract: Tesseract, tmp_path: Path) -> None:
    """`get_config()` shows the options of the call, with absolute paths."""
    source = """
        from pydantic import BaseModel
        from tesseract_core.runtime.config import get_config

        AT_IMPORT = get_config().name

        class InputSchema(BaseModel):
            pass

        class OutputSchema(BaseModel):
            names: list[str]
            paths: list[str]

        def apply(inputs):
            config = get_config()
            return OutputSchema(
                names=[AT_IMPORT, config.name], paths=[config.input_path, config.output_path]
            )
    """
    ended = cli(
        *("--api-path", str(tesseract(source)), "--name", "Solver", "--input-path", "in"),
        *("apply", '{"inputs": {}}'),
    )
    assert json.loads(ended.stdout) == {
        "names": ["Solver", "Solver"],
        "paths": [str(tmp_path / "in"), str(tmp_path)],
    }


@pytest.mark.parametrize("variable", ["TESSERACT_DISABLE_PLUGINS"])
def test_unknown_plugin_of_the_environment_is_told(cli: Cli, variable: str) -> None:
    """An unknown name of a plugin to disable is refused."""
    ended = cli("health", environment={variable: "nonsense"})
    assert ended.returncode == 2
    assert "Unknown plugin 'nonsense' to disable." in ended.stderr
