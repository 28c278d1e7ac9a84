"""Help, and the commands that describe the installation."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime_core.catalog import Catalog
from runtime_core.config import known_options
from runtime_core.distributions import CORE
from runtime_core.option_sources import flag_name
from runtime_core.server.serve_options import ServeOptions
from tests.conftest import DOUBLE, EXAMPLES, Cli
from tests.patience import SECONDS

if TYPE_CHECKING:
    from tests.cli.conftest import Here

Tesseract = Callable[..., Path]

DESCRIBED = """
from pydantic import BaseModel, Field
from runtime_core import Array, Float64

class Layer(BaseModel):
    weights: Array[(None, 3), Float64] = Field(description="One row a unit.")
    name: str = Field("layer", description="What the layer is called.")

class InputSchema(BaseModel):
    layers: list[Layer] = Field(description="From the first to the last.")
    named: dict[str, Layer] | None = None
    steps: int = Field(3, description="How often to repeat.")

class OutputSchema(BaseModel):
    total: float = Field(description="Sum of everything.")

def apply(inputs: InputSchema) -> OutputSchema:
    \"\"\"Add everything up.\"\"\"
"""

COMMON_OPTIONS = [
    "--api-path",
    "--input-path",
    "--output-path",
    "--output-format",
    "--compression",
    "--gradient-backend",
    "--log-to",
    "--debug",
    "--help-all",
]

ADVANCED_OPTIONS = [
    "--output-file",
    "--name",
    "--version",
    "--description",
    "--no-plugin",
    "--strict-plugins",
    "--install-completion",
    "--show-completion",
]

COMMANDS = [
    "apply",
    "check",
    "health",
    "input-schema",
    "openapi-schema",
    "output-schema",
    "plugins",
    "serve",
]


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_options_and_commands(here: Here, flag: str) -> None:
    """Help needs no Tesseract; it lists the common options and all commands."""
    ended = here(flag)
    assert (ended.code, ended.stderr) == (0, "")
    words = ended.stdout.split()
    assert not [name for name in (*COMMON_OPTIONS, *COMMANDS) if name not in words]
    assert not [name for name in ADVANCED_OPTIONS if name in words]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("command", [[], ["serve"]], ids=str)
def test_help_has_whole_names_of_variables(
    here: Here,
    catalog: Catalog,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    width: int,
) -> None:
    """A name is never broken, nor written as Python writes a list; only long ones stick out."""
    monkeypatch.setenv("COLUMNS", str(width))
    text = here(*command, "--help-all").stdout
    prefix = "TESSERACT_RUNTIME_SERVE_" if command else "TESSERACT_RUNTIME_"
    options = {*ServeOptions.model_fields} - {"api_key"} if command else known_options(catalog)
    assert [name for name in options if not re.search(rf"{prefix}{name.upper()}\b", text)] == []
    assert "['" not in text
    wide = [line for line in text.splitlines() if len(line) > width]
    assert [line for line in wide if not line.strip().startswith("TESSERACT_")] == []


@pytest.mark.parametrize("command", [[], ["serve"]], ids=str)
def test_help_fits_one_screen(
    here: Here, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    """Help has at most 42 lines of 80 columns, with all plugins of this project."""
    monkeypatch.setenv("COLUMNS", "80")
    lines = here(*command, "--help").stdout.splitlines()
    assert len(lines) <= 42
    assert max(map(len, lines)) <= 80


def test_version_of_the_program_is_shown(here: Here, tesseract: Tesseract) -> None:
    """`--version` alone is the program's, with a value it is the version of the Tesseract."""
    assert here("--version").stdout == f"tesseract-runtime {metadata.version(CORE)}\n"
    arguments = ["--version", "7", "--api-path", str(tesseract()), "openapi-schema"]
    document = json.loads(here(*arguments).stdout)
    assert document["info"]["version"] == "7"


def test_package_is_a_program() -> None:
    """`python -m runtime_core` is the same command line."""
    program = [sys.executable, "-m", "runtime_core", "--version"]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=SECONDS)
    assert ended.stdout == f"tesseract-runtime {metadata.version(CORE)}\n"


def test_help_all_lists_all_options_with_their_variables(here: Here) -> None:
    """`--help-all` also lists advanced options, and the variable of each option."""
    ended = here("--help-all")
    assert (ended.code, ended.stderr) == (0, "")
    words = ended.stdout.split()
    everything = (*COMMON_OPTIONS, *ADVANCED_OPTIONS, *COMMANDS)
    assert not [name for name in everything if name not in words]
    assert "TESSERACT_RUNTIME_OUTPUT_FILE]" in words
    assert "TESSERACT_DISABLE_PLUGINS]" in words


def test_help_of_serve_lists_the_common_options(here: Here) -> None:
    """`serve --help` lists the common options, `serve --help-all` all."""
    words = here("serve", "--help").stdout.split()
    assert {"--port", "--host", "--num-workers", "--timeout", "--api-key"} <= set(words)
    assert "--queue-size" not in words
    words = here("serve", "--help-all").stdout.split()
    assert {flag_name(name) for name in ServeOptions.model_fields} <= {
        word.partition("/")[0] for word in words
    }
    assert "TESSERACT_RUNTIME_SERVE_QUEUE_SIZE]" in words


def test_help_tells_each_default_once(here: Here) -> None:
    """Defaults are shown as a user would write them, and options without any show none."""
    text = " ".join(here("--help-all").stdout.split())
    assert "[default: native]" in text
    assert "[default: tesseract_api.py]" in text
    assert "[default: {}]" not in text
    assert "[default: None]" not in text


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_of_an_endpoint_shows_the_fields(here: Here, tesseract: Tesseract, flag: str) -> None:
    """Help shows the tree of the fields with types, defaults and descriptions."""
    ended = here("--api-path", str(tesseract(DESCRIBED)), "apply", flag)
    assert (ended.code, ended.stderr) == (0, "")
    lines = [line.rstrip() for line in ended.stdout.splitlines()]
    expected = """
      inputs: InputSchema -- The input data to apply the Tesseract to.
        layers: list[Layer] -- From the first to the last.
          weights: Array[(None, 3), float64] -- One row a unit.
          name: str = layer -- What the layer is called.
        named: dict[str, Layer] | None = None
          weights: Array[(None, 3), float64] -- One row a unit.
          name: str = layer -- What the layer is called.
        steps: int = 3 -- How often to repeat.
    """
    tree = [line.removeprefix("  ") for line in expected.splitlines()[1:-1]]
    start = next(i for i, line in enumerate(lines) if line.strip() == "Payload:")
    found = [line.replace("'", "") for line in lines[start + 1 : start + 1 + len(tree)]]
    assert [line.strip() for line in found] == [line.strip() for line in tree]
    depths = [len(line) - len(line.lstrip()) for line in found]
    assert [depth - depths[0] for depth in depths] == [0, 2, 4, 4, 2, 4, 4, 2]
    assert "Add everything up." in ended.stdout
    assert "total: float -- Sum of everything." in ended.stdout


def test_help_of_an_endpoint_has_the_names_of_documents(here: Here, tesseract: Tesseract) -> None:
    """A field with an alias is shown by it, as a payload or a result has it."""
    source = (
        "from pydantic import BaseModel, Field\n"
        "class InputSchema(BaseModel):\n    rate: float = Field(alias='lambda')\n"
        "class OutputSchema(BaseModel):\n    rate: float = Field(serialization_alias='λ')\n"
        "def apply(inputs):\n    return OutputSchema(rate=inputs.rate)\n"
    )
    text = here("--api-path", str(tesseract(source)), "apply", "--help").stdout
    assert "lambda: float" in text
    assert "λ: float" in text
    assert "rate: float" not in text


def test_help_of_an_endpoint_names_formats(here: Here, tesseract: Tesseract) -> None:
    """Help shows the formats that can be chosen."""
    ended = here("--api-path", str(tesseract()), "apply", "--help")
    assert "json|json+base64" in ended.stdout
    assert "JSON_PAYLOAD" in ended.stdout
    assert {"-o,", "--output-path", "-f,", "--output-format"} <= set(ended.stdout.split())


def test_help_of_an_endpoint_without_a_tesseract(here: Here) -> None:
    """Help that needs a Tesseract reports a missing file."""
    ended = here("apply", "--help")
    assert ended.code == 2
    assert "No Tesseract at" in ended.stderr


def test_help_of_an_unavailable_endpoint_has_the_reason(here: Here, tesseract: Tesseract) -> None:
    """Help shows the payload of a gradient without a function; a call still gives the reason."""
    flags = ("--api-path", str(tesseract()), "vector-jacobian-product")
    reason = "tesseract_api.py does not define a function 'vector_jacobian_product'."
    ended = here(*flags, "--help")
    assert (ended.code, ended.stderr) == (0, "")
    assert f"This endpoint is not available: {reason}" in " ".join(ended.stdout.split())
    assert "cotangent_vector: dict[str, " in ended.stdout
    for payload in ([], ["{}"]):
        ended = here(*flags, *payload)
        assert (ended.code, ended.stdout) == (2, "")
        assert f"Endpoint 'vector_jacobian_product' is not available: {reason}" in ended.stderr


@pytest.mark.parametrize("command", ["serve", "check", "plugins", "openapi-schema", "health"])
def test_help_of_other_commands_needs_no_tesseract(here: Here, command: str) -> None:
    """Help of commands without a payload needs no Tesseract."""
    ended = here(command, "--help")
    assert (ended.code, ended.stderr) == (0, "")
    assert f"tesseract-runtime {command}" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "owner"),
    [
        (["--port", "1", "serve"], "serve"),
        (["--wrt", "x", "jacobian", "{}"], "jacobian"),
        (["--wrt", "x", "apply", "{}"], ""),
    ],
)
def test_options_before_their_command_are_named(
    here: Here, arguments: list[str], owner: str
) -> None:
    """The message names the command behind the option, which has it."""
    ended = here(*arguments)
    place = f". It is an option of {owner}: put it after '{owner}'." if owner else ""
    assert ended.stderr.endswith(f"Error: No such option: {arguments[0]}{place}\n")


@pytest.mark.parametrize(("command", "flag"), [("serve", "--help"), ("check", "-h")])
def test_usage_errors_advise_a_flag_of_the_command(here: Here, command: str, flag: str) -> None:
    """Usage errors name a flag that shows the help: `-h` of `serve` is its host."""
    ended = here(command, "--relaod")
    assert f"Try 'tesseract-runtime {command} {flag}' for help." in ended.stderr
    assert here(command, flag).code == 0


def test_health_needs_no_tesseract(here: Here) -> None:
    """`health` answers wherever the runtime is installed."""
    ended = here("health")
    assert (ended.code, ended.stdout, ended.stderr) == (0, '{"status":"ok"}\n', "")


@pytest.mark.parametrize("example", ["vectoradd", "mauna_loa"])
def test_check_of_the_examples(here: Here, example: str) -> None:
    """The examples are valid Tesseracts."""
    ended = here("--api-path", str(EXAMPLES / example / "tesseract_api.py"), "check")
    assert ended.code == 0
    assert ended.stdout.startswith("tesseract_api.py is a valid Tesseract.\n  apply: served\n")


def test_check_tells_who_computes_a_gradient(here: Here, tesseract: Tesseract) -> None:
    """A gradient is served by its backend; whatever else is the author's own is just served."""
    source = DOUBLE + (
        "def jacobian(inputs, jac_inputs, jac_outputs): ...\ndef abstract_eval(inputs): ...\n"
    )
    lines = here("--api-path", str(tesseract(source)), "check").stdout.splitlines()
    assert "  jacobian: served by native" in lines
    assert "  abstract_eval: served" in lines
    assert "  health: served" in lines
    (missing,) = (line for line in lines if line.startswith("  vector_jacobian_product: "))
    assert missing.startswith("  vector_jacobian_product: not served: ")


def test_check_finds_what_loading_does_not(here: Here, tesseract: Tesseract) -> None:
    """A schema that cannot be described is found by `check`, with exit code 1."""
    source = """
        from pydantic import BaseModel
        from runtime_core import Array, Float64

        class InputSchema(BaseModel):
            children: list["InputSchema"]
            x: Array[(None,), Float64]

        class OutputSchema(BaseModel):
            pass

        def apply(inputs):
            return OutputSchema()
    """
    ended = here("--api-path", str(tesseract(source)), "check")
    assert (ended.code, ended.stdout) == (1, "")
    assert "InputSchema contains itself" in ended.stderr


@pytest.mark.parametrize("arguments", [("plugins",), ("plugins", "list")])
def test_plugins_are_listed(here: Here, arguments: tuple[str, ...]) -> None:
    """`plugins` lists the installed plugins and what they provide."""
    ended = here(*arguments)
    assert ended.code == 0
    assert "core (tesseract-runtime-core " in ended.stdout
    assert "  endpoints: apply, " in ended.stdout
    assert "tesseract-runtime-client " in ended.stdout


def test_plugins_are_listed_as_json(here: Here) -> None:
    """`plugins --json` is for programs."""
    for arguments in (("plugins", "--json"), ("plugins", "list", "--json")):
        listed = json.loads(here(*arguments).stdout)
        assert listed["problems"] == []
        assert "core" in [plugin["name"] for plugin in listed["plugins"]]
        libraries = [library["distribution"] for library in listed["libraries"]]
        assert {"tesseract-runtime-authoring", "tesseract-runtime-client"} <= {*libraries}


@pytest.mark.parametrize("name", ["core", "tesseract-runtime-core"])
def test_plugin_is_shown(here: Here, name: str) -> None:
    """A plugin is found by its own name and by that of its distribution."""
    ended = here("plugins", "show", name)
    assert ended.code == 0
    assert "  entry point: runtime_core." in ended.stdout
    assert json.loads(here("plugins", "show", name, "--json").stdout)["name"] == "core"


def test_unknown_plugin_is_told(here: Here) -> None:
    """An unknown plugin is refused with the nearest one."""
    ended = here("plugins", "show", "cor")
    assert (ended.code, ended.stdout) == (2, "")
    assert "Unknown plugin 'cor'. Did you mean 'core'? Installed: " in ended.stderr


def test_shell_completes_commands(cli: Cli) -> None:
    """Commands are completed in a shell."""
    environment = {
        "_TESSERACT_RUNTIME_COMPLETE": "complete_bash",
        "COMP_WORDS": "tesseract-runtime op",
        "COMP_CWORD": "1",
    }
    assert cli(environment=environment).stdout.split() == ["openapi-schema"]
