"""A plugin at fault affects only itself, and the user gets the reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version

import pytest

from tests.end_to_end.conftest import Environment, Write

FAULTS = {
    "raises": "failed\n  ModuleNotFoundError: No module named 'surely_missing'\n",
    "exits": "failed\n  SystemExit: nothing to see here\n",
    "misspelled": "failed\n  Unknown hook 'fromats'. Did you mean 'formats'?\n",
    "wrong_type": "failed\n  Hook 'formats' must give Format objects, not 'arrow'\n",
    "future": "incompatible\n  It requires tesseract-runtime-core>=99, "
    f"and tesseract-runtime-core is {version('tesseract-runtime')}\n",
}
"""What `plugins` says of each plugin at fault, after its name and version."""

PAYLOAD = '{"inputs": {"x": [1.0, 2.5]}}'


@pytest.fixture(scope="module", params=FAULTS)
def faulty(request: pytest.FixtureRequest, prepared_environment: Environment) -> Iterator[str]:
    """Have one plugin at fault installed, and return its name."""
    name: str = request.param
    with prepared_environment.installed(name, options=["--no-deps"]):
        yield name


def doubled(environment: Environment, *arguments: str) -> object:
    """Return the result of the smallest Tesseract, with nothing else on stdout."""
    done = environment.runtime(*arguments, "apply", PAYLOAD)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["y"]["data"]["buffer"]


def test_rest_works(environment: Environment, tesseract: Write, faulty: str) -> None:
    """A Tesseract computes and is served as if the plugin at fault were not there."""
    api = ["--api-path", str(tesseract())]
    assert doubled(environment, *api) == [2.0, 5.0]
    with environment.serving(*api) as service:
        assert service.ask("/apply", PAYLOAD).json()["y"]["data"]["buffer"] == [2.0, 5.0]


def test_plugins_says_what_is_wrong(environment: Environment, faulty: str) -> None:
    """`plugins` names the distribution at fault and the reason."""
    plugin = faulty.replace("_", "-")
    done = environment.runtime("plugins")
    assert done.returncode == 0
    assert f"{plugin} (tesseract-runtime-{plugin} 0.1.0): {FAULTS[faulty]}" in done.stdout


def test_strict_plugins_refuses(environment: Environment, tesseract: Write, faulty: str) -> None:
    """`--strict-plugins` ends every command with the reason, before anything is computed."""
    plugin = faulty.replace("_", "-")
    status, problem = FAULTS[faulty].rstrip().split("\n  ")
    done = environment.runtime("--strict-plugins", "--api-path", str(tesseract()), "apply", PAYLOAD)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: Strict plugins: {plugin} (tesseract-runtime-{plugin} 0.1.0) {status}: {problem}\n"
    )


def test_strict_plugins_are_an_option_of_the_environment(
    environment: Environment, faulty: str
) -> None:
    """`TESSERACT_STRICT_PLUGINS` does what the flag does."""
    assert environment.runtime("plugins", variables={"TESSERACT_STRICT_PLUGINS": "1"}).returncode


@pytest.mark.parametrize("prefix", ["", "tesseract-runtime-"])
def test_disabled_plugin_is_at_fault_no_more(
    environment: Environment, tesseract: Write, faulty: str, prefix: str
) -> None:
    """With `--no-plugin`, by either name, even `--strict-plugins` is content."""
    disabled = ["--no-plugin", prefix + faulty.replace("_", "-"), "--strict-plugins"]
    assert doubled(environment, *disabled, "--api-path", str(tesseract())) == [2.0, 5.0]


def test_show_prints_the_traceback(environment: Environment) -> None:
    """`plugins show` tells where in a plugin its import has failed."""
    with environment.installed("raises"):
        shown = environment.runtime("plugins", "show", "raises").stdout
    assert "Traceback (most recent call last):" in shown
    assert "tesseract_runtime_raises.py" in shown
    assert shown.endswith("ModuleNotFoundError: No module named 'surely_missing'\n")


def test_traceback_is_for_the_terminal_alone(environment: Environment, tesseract: Write) -> None:
    """Over HTTP the reason is told, but no paths of the machine."""
    with (
        environment.installed("raises"),
        environment.serving("--api-path", str(tesseract())) as service,
    ):
        body = service.ask("/plugins").body.decode()
    assert "No module named 'surely_missing'" in body
    assert "Traceback" not in body


def test_name_of_failed_plugin_is_explained(environment: Environment, tesseract: Write) -> None:
    """Who asks for something by the name of a failed plugin learns why it is missing."""
    with environment.installed("raises"):
        done = environment.runtime("--api-path", str(tesseract()), "apply", "-f", "raises", PAYLOAD)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: Format 'raises' may come from tesseract-runtime-raises 0.1.0, which failed to load:"
        "\n  ModuleNotFoundError: No module named 'surely_missing'. "
        "See: tesseract-runtime plugins show raises\n"
    )


def test_command_of_failed_plugin_is_explained(environment: Environment) -> None:
    """A command by the name of a failed plugin says why there is none."""
    with environment.installed("raises"):
        done = environment.runtime("raises")
    assert done.returncode == 2
    assert "Command 'raises' may come from tesseract-runtime-raises 0.1.0" in done.stderr


def test_plugin_that_fits_no_runtime_is_not_imported(environment: Environment) -> None:
    """A plugin for another version of the core is left alone."""
    with environment.installed("future", options=["--no-deps"]):
        shown = environment.runtime("plugins", "show", "future").stdout
    assert "RuntimeError" not in shown


def test_twins_are_both_left_out(environment: Environment) -> None:
    """Of two plugins with one name neither is loaded, and each is told how to settle it."""
    with environment.installed("twin_one", "twin_two"):
        listing = environment.runtime("plugins").stdout
        recipes = environment.python(
            "from runtime_core import load_catalog; print(load_catalog().recipes.names)"
        )
    assert recipes == "()"
    for name in ("tesseract-runtime-twin-one", "tesseract-runtime-twin-two"):
        assert (
            f"twin ({name} 0.1.0): conflict\n"
            "  Another distribution has an entry point of the same name 'twin'. "
            f"Disable one with --no-plugin {name}, or uninstall one\n"
        ) in listing


def test_no_plugin_settles_twins(environment: Environment) -> None:
    """Without one of two plugins with one name, the other is loaded."""
    with environment.installed("twin_one", "twin_two"):
        done = environment.runtime(
            "--strict-plugins", "--no-plugin", "tesseract-runtime-twin-one", "plugins"
        )
    assert done.returncode == 0
    assert "twin (tesseract-runtime-twin-one 0.1.0): disabled\n" in done.stdout
    assert "twin (tesseract-runtime-twin-two 0.1.0): loaded\n  recipes: twin-two\n" in done.stdout


RIVALS = (
    "Format 'rival' is provided by tesseract-runtime-rival-one 0.1.0 and "
    "tesseract-runtime-rival-two 0.1.0, so that neither is used. "
    "Disable one with --no-plugin rival-one or --no-plugin rival-two."
)


def test_rivals_are_unusable(environment: Environment, tesseract: Write) -> None:
    """A name that two plugins provide is refused with both of them; the rest works."""
    api = ["--api-path", str(tesseract())]
    with environment.installed("rival_one", "rival_two"):
        done = environment.runtime(*api, "apply", "-f", "rival", PAYLOAD)
        assert (done.returncode, done.stderr) == (2, f"Error: {RIVALS}\n")
        assert f"Problem: {RIVALS}\n" in environment.runtime("plugins").stdout
        assert doubled(environment, *api) == [2.0, 5.0]
        strict = environment.runtime("--strict-plugins", *api, "apply", PAYLOAD)
        assert (strict.returncode, strict.stderr) == (2, f"Error: Strict plugins: {RIVALS}\n")


def test_no_plugin_settles_rivals(environment: Environment, tesseract: Write) -> None:
    """Without one of two providers, the name works."""
    with environment.installed("rival_one", "rival_two"):
        done = environment.runtime(
            *("--no-plugin=rival-one", "--api-path", str(tesseract())),
            *("apply", "-f", "rival", PAYLOAD),
        )
    assert json.loads(done.stdout)["y"]["data"]["buffer"] == [2.0, 5.0]


def test_unknown_plugin_cannot_be_disabled(environment: Environment) -> None:
    """A misspelled name after `--no-plugin` is an error with a suggestion."""
    with environment.installed("note"):
        done = environment.runtime("--no-plugin", "mote", "plugins")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: Unknown plugin 'mote' to disable. Did you mean 'note'? Installed: core, note.\n"
    )


def test_unknown_plugin_in_the_environment_is_refused_too(environment: Environment) -> None:
    """A misspelled name in `TESSERACT_DISABLE_PLUGINS` is an error as well."""
    done = environment.runtime("plugins", variables={"TESSERACT_DISABLE_PLUGINS": "mote"})
    assert done.returncode == 2
    assert "Unknown plugin 'mote' to disable." in done.stderr


def test_core_cannot_be_disabled(environment: Environment) -> None:
    """The core's own plugin is the runtime."""
    done = environment.runtime("--no-plugin", "core", "plugins")
    assert done.returncode == 2
    assert done.stderr == "Error: 'core' is the runtime itself and cannot be disabled.\n"


def test_unknown_plugin_cannot_be_shown(environment: Environment) -> None:
    """A misspelled name after `plugins show` is an error with a suggestion."""
    done = environment.runtime("plugins", "show", "coer")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: Unknown plugin 'coer'. Did you mean 'core'? Installed: core.\n"


def test_prints_of_a_plugin_stay_off_stdout(environment: Environment, tesseract: Write) -> None:
    """What a plugin prints while it is loaded goes to stderr."""
    with environment.installed("chatty"):
        done = environment.runtime("--api-path", str(tesseract()), "apply", PAYLOAD)
    assert json.loads(done.stdout)["y"]["data"]["buffer"] == [2.0, 5.0]
    assert "Hello from an import\nHello from a hook\n" in done.stderr


def test_endpoint_that_cannot_be_bound_is_not_served(
    environment: Environment, tesseract: Write
) -> None:
    """An endpoint whose plugin raises is missing with the reason; the others are served."""
    api = ["--api-path", str(tesseract())]
    reason = "RuntimeError: the moon is in the wrong phase"
    with environment.installed("unbound"):
        checked = environment.runtime(*api, "check")
        assert checked.returncode == 0
        assert "  tide: not served: " in checked.stdout
        assert reason in checked.stdout
        with environment.serving(*api) as service:
            assert service.ask("/apply", PAYLOAD).status == 200
            answer = service.ask("/tide", "{}")
    assert answer.status == 404
    assert reason in answer.json()["detail"]


@pytest.mark.parametrize("name", ["unset", "clash"])
def test_settings_at_fault_leave_the_rest(
    environment: Environment, tesseract: Write, name: str
) -> None:
    """Settings that cannot be loaded, or whose flag is taken, are a fault of their plugin alone."""
    with environment.installed(name):
        assert doubled(environment, "--api-path", str(tesseract())) == [2.0, 5.0]
        strict = environment.runtime("--strict-plugins", "plugins")
        assert strict.returncode == 2
        assert f"tesseract-runtime-{name} 0.1.0" in strict.stderr


def test_modules_in_the_working_directory_are_not_taken(
    environment: Environment, tesseract: Write
) -> None:
    """A server takes modules and plugins from where it is installed, not from where it starts."""
    (environment.folder / "pluggy.py").write_text("raise RuntimeError('not meant')")
    with environment.serving("--api-path", str(tesseract())) as service:
        assert service.ask("/apply", PAYLOAD).status == 200
