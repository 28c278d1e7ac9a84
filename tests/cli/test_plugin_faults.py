"""A plugin at fault: what commands print, how they end, and that they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Plug
from tests.conftest import Cli
from tests.server.conftest import ANNOUNCEMENT, Log, started

EXTENSION = """
from runtime_core.contracts import Layer, ServerExtension, ServerParts
from runtime_core.hookspecs import hookimpl

def build(server):
    {body}

@hookimpl
def server_extensions():
    yield ServerExtension(name="keys", summary="", build=build, required={required})
"""

ENDPOINT = """
from runtime_core.contracts import Endpoint
from runtime_core.hookspecs import hookimpl

@hookimpl
def endpoints():
    yield Endpoint(name="broken", summary="", bind=lambda binding: None)
"""

THREAD = """
import threading
from runtime_core.contracts import Recipe
from runtime_core.hookspecs import hookimpl

threading.Thread(target=lambda: threading.Event().wait()).start()

@hookimpl
def recipes():
    yield Recipe(name="acme", summary="", files=dict)
"""

SECRET = """
from pydantic import BaseModel, Field, Json, SecretStr
from runtime_core.contracts import Settings
from runtime_core.hookspecs import hookimpl

class Login(BaseModel):
    password: SecretStr

class AcmeSettings(BaseModel):
    token: SecretStr = Field(SecretStr("default-token"), min_length=100)
    logins: Json[list[Login]] | None = None

@hookimpl
def settings():
    yield Settings(name="acme", summary="", load=lambda: AcmeSettings)
"""


STRICT = ("--strict-plugins", "--no-plugin=jax", "--no-plugin=mlflow")
"""Options that load all of every plugin, but for those that take seconds."""


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("raise RuntimeError('no directory')", "RuntimeError: no directory"),
        ("return None", "it returned None, expected ServerParts"),
        (
            "return ServerParts(layers=[Layer(place='indentity', wrap=id)])",
            "it returned a layer at the unknown place 'indentity'; places are edge, identity, "
            "request",
        ),
    ],
)
def test_a_required_extension_that_fails_ends_serve(
    cli_here: Cli, plug: Plug, tesseract: Callable[..., Path], body: str, problem: str
) -> None:
    """A service without its authentication must not start."""
    environment = plug(EXTENSION.format(body=body, required=True))
    done = cli_here("--api-path", str(tesseract()), "serve", "-p", "0", environment=environment)
    assert done.returncode == 1
    assert done.stderr.endswith(
        "Error: Plugin acme (acme-plugin 1.0) failed in build of server_extensions 'keys': "
        f"{problem}\n"
    )


WRAPPER = """
from runtime_core.contracts import CallWrapper
from runtime_core.hookspecs import hookimpl

@hookimpl
def call_wrappers():
    yield CallWrapper(name="limit", summary="", wrap=lambda endpoint: endpont)
"""


def test_apply_warns_of_a_wrapper_that_is_left_out(
    cli_here: Cli, plug: Plug, tesseract: Callable[..., Path]
) -> None:
    """A wrapper may refuse calls, which now pass; strict plugins end the command."""
    call = ("--api-path", str(tesseract()), "apply", '{"inputs": {"x": [1]}}')
    environment = plug(WRAPPER)
    done = cli_here(*call, environment=environment)
    fault = "Plugin acme (acme-plugin 1.0) failed in wrap of call_wrappers 'limit': NameError: "
    assert done.returncode == 0
    assert f"Warning: {fault}" in done.stderr
    strict = {"TESSERACT_STRICT_PLUGINS": "1", "TESSERACT_DISABLE_PLUGINS": "jax,mlflow"}
    done = cli_here(*call, environment={**environment, **strict})
    assert done.returncode == 1
    assert f"Error: {fault}" in done.stderr


COMMAND = """
from runtime_core.contracts import Command
from runtime_core.hookspecs import hookimpl

@hookimpl
def commands():
    yield Command(name="apply", summary="", load=lambda: print)
"""


def test_plugins_show_has_the_conflict_of_a_name(cli_here: Cli, plug: Plug) -> None:
    """A command that the core has stays the core's, and the plugin's facts say so."""
    done = cli_here("plugins", "show", "acme", environment=plug(COMMAND))
    assert (
        "  Problem: Command 'apply' is provided by tesseract-runtime-core 0.1.0 and acme-plugin "
        "1.0, so that that of tesseract-runtime-core is used. Disable one with --no-plugin acme.\n"
    ) in done.stdout


BROKEN = {
    "failed: ModuleNotFoundError: No module named 'surely_missing'": "import surely_missing",
    "failed: Unknown hook 'server_extension'. Did you mean 'server_extensions'?": """
        from runtime_core.hookspecs import hookimpl

        @hookimpl
        def server_extension():
            return []
    """,
}
"""Plugins that are not loaded, by the reason."""


@pytest.mark.parametrize("options", [("-h", "0.0.0.0"), ("--allowed-host", "models.example.org")])
@pytest.mark.parametrize("reason", BROKEN)
def test_others_are_not_served_without_a_plugin_that_is_not_loaded(
    cli_here: Cli, plug: Plug, tesseract: Callable[..., Path], reason: str, options: tuple[str, ...]
) -> None:
    """It may be the one that authenticates callers."""
    environment = plug(BROKEN[reason])
    done = cli_here("--api-path", str(tesseract()), "serve", *options, environment=environment)
    assert done.returncode == 1
    assert done.stderr == (
        "Error: Other machines can reach this service, and a plugin that may authenticate callers "
        f"is not used:\nacme (acme-plugin 1.0) {reason}\n"
        "Repair it, or serve without it: --no-plugin acme-plugin\n"
    )


def test_others_are_not_served_without_an_extension_whose_name_is_taken(
    cli_here: Cli, plug: Plug, tesseract: Callable[..., Path]
) -> None:
    """An extension that conflicts with another one is not used either."""
    source = EXTENSION.replace("keys", "api-keys").format(body="pass", required=True)
    api = ("--api-path", str(tesseract()))
    done = cli_here(*api, "serve", "-h", "0.0.0.0", environment=plug(source))
    assert done.returncode == 1
    assert "Server extension 'api-keys' is provided by tesseract-runtime-core" in done.stderr
    assert done.stderr.endswith("Disable one with --no-plugin acme.\n")


def test_others_are_not_served_without_an_extension_that_fails(
    cli: Cli, plug: Plug, tesseract: Callable[..., Path]
) -> None:
    """It may authenticate callers too, even if its plugin does not say so."""
    environment = plug(EXTENSION.format(body="return None", required=False))
    api = ("--api-path", str(tesseract()))
    done = cli(*api, "serve", "-p", "0", "-h", "0.0.0.0", environment=environment)
    assert done.returncode == 1
    assert done.stderr.endswith(
        "a plugin that may authenticate callers is not used:\n"
        "Plugin acme (acme-plugin 1.0) failed in build of server_extensions 'keys': it returned "
        "None, expected ServerParts\nRepair it, or serve without it: --no-plugin acme\n"
    )


@pytest.mark.parametrize(
    "options", [("-h", "127.0.0.1"), ("-h", "0.0.0.0", "--no-plugin", "acme-plugin")]
)
def test_a_plugin_that_is_not_loaded_may_be_left_out(
    plug: Plug, tesseract: Callable[..., Path], options: tuple[str, ...]
) -> None:
    """This machine is served with a warning, and others when the plugin is disabled."""
    environment = plug("import surely_missing")
    with started(tesseract(), "serve", "-p", "0", *options, environment=environment) as process:
        log = Log(process)
        log.wait_for(ANNOUNCEMENT)
        warned = "acme (acme-plugin 1.0) failed: ModuleNotFoundError" in log.text
        assert warned is ("--no-plugin" not in options)


def test_strict_plugins_need_every_extension(
    cli: Cli, plug: Plug, tesseract: Callable[..., Path]
) -> None:
    """With `--strict-plugins` no extension may fail."""
    environment = plug(EXTENSION.format(body="return None", required=False))
    arguments = (*STRICT, "--api-path", str(tesseract()), "serve", "-p", "0")
    done = cli(*arguments, environment=environment)
    assert done.returncode == 1
    assert "failed in build of server_extensions 'keys'" in done.stderr


def test_check_names_an_endpoint_that_its_plugin_fails_to_bind(
    cli: Cli, plug: Plug, tesseract: Callable[..., Path]
) -> None:
    """`check` says so once, and lists what is served; with `--strict-plugins` it fails."""
    environment = plug(ENDPOINT)
    api = ("--api-path", str(tesseract()))
    done = cli(*api, "check", environment=environment)
    fault = (
        "Plugin acme (acme-plugin 1.0) failed in bind of endpoints 'broken': it returned None, "
        "expected BoundEndpoint or Unavailable"
    )
    assert (done.returncode, done.stderr) == (0, f"Warning: {fault}\n")
    assert "  apply: served\n" in done.stdout
    assert f"  broken: not served: {fault}\n" in done.stdout
    strict = cli(*STRICT, *api, "check", environment=environment)
    assert (strict.returncode, strict.stderr) == (1, f"Error: {fault}\n")


def test_strict_plugins_load_what_is_left_to_the_first_use(cli_here: Cli, plug: Plug) -> None:
    """A codec whose module is missing is found at start."""
    environment = plug("""
        from runtime_core.contracts import Compressor, lazy_call
        from runtime_core.hookspecs import hookimpl

        @hookimpl
        def compressors():
            yield Compressor(name="acme", summary="", load=lazy_call("surely_missing:Codec"))
    """)
    assert cli_here("plugins", environment=environment).returncode == 0
    done = cli_here(*STRICT, "plugins", environment=environment)
    assert done.returncode == 2
    assert done.stderr == (
        "Error: Strict plugins: Plugin acme (acme-plugin 1.0) failed in load of compressors "
        "'acme': ModuleNotFoundError: No module named 'surely_missing'\n"
    )


def test_threads_of_plugins_keep_no_command_alive(
    cli: Cli, plug: Plug, tesseract: Callable[..., Path]
) -> None:
    """A command ends with its result, and with its exit code."""
    environment = plug(THREAD)
    api = ("--api-path", str(tesseract()))
    done = cli(*api, "apply", '{"inputs": {"x": [1.0]}}', environment=environment)
    assert done.returncode == 0
    assert json.loads(done.stdout)["y"]["data"]["buffer"] == [2.0]
    assert cli(*api, "apply", "{}", environment=environment).returncode == 2


def test_threads_of_user_code_end_before_the_command(
    cli: Cli, plug: Plug, tesseract: Callable[..., Path], tmp_path: Path
) -> None:
    """A thread that a Tesseract has started may finish, also beside that of a plugin."""
    source = """
        import threading, time
        from pathlib import Path
        from pydantic import BaseModel

        class InputSchema(BaseModel):
            path: str

        class OutputSchema(BaseModel):
            pass

        def finish(path):
            time.sleep(0.2)  # the result is written sooner
            Path(path).write_text("done")

        def apply(inputs):
            threading.Thread(target=finish, args=(inputs.path,)).start()
            return OutputSchema()
    """
    path = tmp_path / "out.txt"
    payload = json.dumps({"inputs": {"path": str(path)}})
    cli("--api-path", str(tesseract(source)), "apply", payload, environment=plug(THREAD))
    assert path.read_text() == "done"


@pytest.mark.parametrize("source", ["flag", "variable"])
def test_a_secret_option_is_not_printed(cli_here: Cli, plug: Plug, source: str) -> None:
    """The message about a secret names its flag or variable, and not its value."""
    environment = plug(SECRET)
    if source == "flag":
        done = cli_here("--acme-token", "hunter2", "health", environment=environment)
    else:
        done = cli_here("health", environment=environment | {"TESSERACT_ACME_TOKEN": "hunter2"})
    name = "--acme-token" if source == "flag" else "TESSERACT_ACME_TOKEN"
    assert done.returncode == 2
    assert f"{name}=***: " in done.stderr
    assert "hunter2" not in done.stderr
    assert "default-token" not in cli_here("--help-all", environment=environment).stdout


def test_an_option_with_a_secret_inside_is_not_printed(cli_here: Cli, plug: Plug) -> None:
    """Nor is an option whose value has secrets in it."""
    logins = '[{"password": 7, "pass": "hunter2"}]'
    done = cli_here("--acme-logins", logins, "health", environment=plug(SECRET))
    assert done.returncode == 2
    assert "--acme-logins=***: " in done.stderr
    assert "hunter2" not in done.stderr


def test_a_secret_of_a_payload_is_not_printed(
    cli_here: Cli, tesseract: Callable[..., Path]
) -> None:
    """Nor is the value of a secret field of the inputs, in a nested model or under an alias."""
    source = """
        from pydantic import BaseModel, Field, SecretStr

        class Login(BaseModel):
            password: SecretStr = Field(min_length=100, alias="pass")

        class InputSchema(BaseModel):
            logins: list[Login]
            size: int

        class OutputSchema(BaseModel):
            pass

        def apply(inputs):
            return OutputSchema()
    """
    api = ("--api-path", str(tesseract(source)))
    payload = '{"inputs": {"logins": [{"pass": "hunter2"}], "size": "x"}}'
    done = cli_here(*api, "apply", payload)
    assert done.returncode == 2
    assert "inputs.logins.0.pass" in done.stderr
    assert "hunter2" not in done.stderr
