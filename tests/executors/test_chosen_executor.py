"""The choice of an executor, and its life."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig
from runtime_core.distributions import install_command
from runtime_core.errors import ExecutorFailed, InvalidOption, UnknownName
from runtime_core.executors.chosen_executor import ChosenExecutor
from tests.conftest import DOUBLE, Cli
from tests.executors.conftest import Here, Make, near


@pytest.mark.parametrize("target", ["serial"])
def test_a_target_is_found_by_its_scheme(catalog: Catalog, target: str) -> None:
    """The scheme is what comes before the colon."""
    found = catalog.executors.of_scheme(target, "--executor")
    assert found.value.name == target.partition(":")[0]


def test_an_unknown_executor_is_an_error_at_the_start(cli_here: Cli, tesseract: object) -> None:
    """Every command that computes refuses it, with a suggestion."""
    path = str(tesseract())  # type: ignore[operator]  # a fixture that is a function
    ended = cli_here("--api-path", path, "--executor", "seriel", "apply", '{"inputs": {"x": [1]}}')
    assert ended.returncode == 2
    text = (
        "Error: --executor 'seriel': Unknown executor 'seriel'. Did you mean 'serial'? Available: "
    )
    assert ended.stderr.startswith(text)


def test_check_and_plugins_show_the_executor(cli_here: Cli, tesseract: object) -> None:
    """They name the one that is chosen, and who provides it."""
    path = str(tesseract())  # type: ignore[operator]  # a fixture that is a function
    options = ("--api-path", path, "--executor", "processes:1")
    shown = "by processes:1 (tesseract-runtime-core "
    assert f"\n  evaluations: {shown}" in cli_here(*options, "check").stdout
    assert f"\nEvaluations: {shown}" in cli_here(*options, "plugins").stdout


@pytest.mark.parametrize("target", ["serial:2", "processes:0"])
def test_an_invalid_target_is_an_error_at_the_start(catalog: Catalog, target: str) -> None:
    """No evaluation is needed to find it."""
    with pytest.raises(InvalidOption, match=rf"^--executor '{target}' is not valid: expected "):
        ChosenExecutor.of(catalog, RuntimeConfig(executor=target))


def test_an_executor_is_opened_once_and_when_it_is_needed(made: Make) -> None:
    """It is closed with the runtime."""
    events = []

    @contextmanager
    def open_(target: str, config: object) -> Iterator[Here]:
        events.append("open")
        yield Here()
        events.append("close")

    runtime = made(open_)
    with runtime.set_up():
        runtime.call("apply", {"inputs": {"x": [1.0]}})
        assert events == []
        for _ in range(2):
            with near(runtime, 1.0) as evaluations:
                evaluations.submit({}, ["y"]).result()
        assert events == ["open"]
    assert events == ["open", "close"]


def test_a_target_that_does_not_answer_is_named(made: Make) -> None:
    """The message has the option and the next step."""

    def open_(target: str, config: object) -> Here:
        raise OSError("no route to host")

    text = r"^--executor here cannot be opened: OSError: no route to host\. Correct it, or compute "
    with pytest.raises(ExecutorFailed, match=text):
        near(made(open_), 1.0).__enter__()


@pytest.mark.parametrize("target", ["dask://host:8786", "dask+file://scheduler.json"])
def test_the_plugin_of_an_engine_is_named(catalog: Catalog, target: str) -> None:
    """The message has the line that installs it."""
    registry = catalog.executors
    bare = replace(registry, entries={}, hints=replace(registry.hints, plugins=()))
    with pytest.raises(UnknownName) as caught:
        bare.of_scheme(target, "--executor")
    line = install_command("tesseract-runtime-dask")
    text = f"Executor 'dask' is not available. Install it with: {line}"
    assert str(caught.value) == f"--executor {target!r}: {text}"


@pytest.mark.parametrize("name", ["mlflow", "mlflow:5000"])
def test_a_name_in_the_place_of_an_address_is_told(catalog: Catalog, name: str) -> None:
    """The message has the schemes that the plugin takes."""
    pytest.importorskip("tesseract_runtime_mlflow")
    addresses = "mlflow+http://HOST:PORT or mlflow+https://HOST:PORT"
    with pytest.raises(UnknownName) as caught:
        catalog.run_sinks.of_scheme(name, "--log-to")
    assert (
        str(caught.value) == f"--log-to {name!r}: run sink 'mlflow' needs an address: {addresses}."
    )


def test_an_unknown_scheme_is_named(catalog: Catalog) -> None:
    """Without a plugin that is known to have it, the available ones are listed."""
    with pytest.raises(UnknownName, match=r"Unknown executor 'abacus'\. Available: "):
        catalog.executors.of_scheme("abacus://x", "--executor")


def test_gradients_are_checked_with_the_executor(cli_here: Cli, tesseract: object) -> None:
    """The evaluations of `check-gradients` are in its processes, also by the variable."""
    source = DOUBLE + NATIVE
    path = str(tesseract(source))  # type: ignore[operator]  # a fixture that is a function
    variables = {"TESSERACT_EXECUTOR": "processes:2"}
    arguments = ("--api-path", path, "check-gradients", '{"inputs": {"x": [1, 2]}}')
    ended = cli_here(*arguments, environment=variables)
    assert ended.returncode == 0, ended.stderr
    assert "Gradient check for jacobian passed" in ended.stdout


NATIVE = """
import numpy as np

def jacobian(inputs, jac_inputs, jac_outputs):
    return {"y": {"x": 2 * np.eye(inputs.x.size)}}
"""
