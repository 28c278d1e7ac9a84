"""The options that select an MLflow server."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import mlflow
import pytest

from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig, resolve
from runtime_core.errors import InvalidOption
from runtime_core.run_logs import configured_targets
from tesseract_runtime_mlflow.run_arguments import RunArguments
from tests.conftest import Cli


def targets(catalog: Catalog, **flags: Any) -> list[str]:
    """Return the targets of the sink for some options."""
    config = resolve(catalog, flags=flags, environment={})
    found = configured_targets(catalog, config)
    return [target.target for target in found if target.sink.value.name == "mlflow"]


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ("http://localhost:5000", "mlflow+http://localhost:5000"),
        ("https://tracker.example.org/mlflow/", "mlflow+https://tracker.example.org/mlflow"),
        ("tracker.example.org", "mlflow+https://tracker.example.org"),
        ("localhost:5000", "mlflow+https://localhost:5000"),
        ("mlflow+http://localhost:5000", "mlflow+http://localhost:5000"),
    ],
)
def test_tracking_uri_becomes_a_target(catalog: Catalog, given: str, target: str) -> None:
    """The option asks for the sink; an address without a scheme is one of https."""
    assert targets(catalog, mlflow_tracking_uri=given) == [target]


@pytest.mark.parametrize("scheme", ["mlflow+http", "mlflow+https"])
def test_log_to_names_a_server(catalog: Catalog, scheme: str) -> None:
    """`--log-to` takes both schemes."""
    assert targets(catalog, log_to=f"{scheme}://host:5000") == [f"{scheme}://host:5000"]


def test_nothing_is_logged_unasked(catalog: Catalog) -> None:
    """Without an option no target is used, whatever variables MLflow itself reads."""
    assert targets(catalog) == []


@pytest.mark.parametrize(
    "target",
    ["mlflow+http://", "mlflow+https://:5000", "mlflow+http:///x"],
)
def test_addresses_without_a_host_are_refused(catalog: Catalog, target: str) -> None:
    """A target without a server is refused at the start."""
    with pytest.raises(InvalidOption) as caught:
        targets(catalog, log_to=target)
    assert str(caught.value) == (
        f"{target!r} is not a valid address of an MLflow server. It must be like "
        "mlflow+http://host:5000 or mlflow+https://host."
    )


def test_databases_are_refused(catalog: Catalog) -> None:
    """MLflow's own stores without a server are no targets."""
    with pytest.raises(InvalidOption, match=r"sqlite:///runs\.db' is not a valid address"):
        targets(catalog, mlflow_tracking_uri="sqlite:///runs.db")


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("http://host:70000", "Port out of range 0-65535."),
        ("http://host:x", "Port could not be cast to integer value as 'x'."),
        ("http://[::1", "Invalid IPv6 URL."),
    ],
)
def test_impossible_addresses_are_refused(catalog: Catalog, uri: str, reason: str) -> None:
    """The message says what is wrong with the address."""
    with pytest.raises(InvalidOption) as caught:
        targets(catalog, mlflow_tracking_uri=uri)
    assert str(caught.value) == f"'mlflow+{uri}' is not a valid URL: {reason}"


def test_credentials_in_addresses_are_refused(catalog: Catalog) -> None:
    """The message says where credentials belong, and does not repeat them."""
    with pytest.raises(InvalidOption) as caught:
        targets(catalog, mlflow_tracking_uri="https://ada:secret@host")
    assert str(caught.value) == (
        "The address of the MLflow server at 'host' must not have credentials in it, which would "
        "stand in every log. Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD instead."
    )


@pytest.mark.parametrize(("given", "missing"), [("USERNAME", "PASSWORD"), ("PASSWORD", "USERNAME")])
def test_half_of_the_credentials_is_refused(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, given: str, missing: str
) -> None:
    """Name and password come together or not at all."""
    monkeypatch.setenv(f"MLFLOW_TRACKING_{given}", "ada")
    with pytest.raises(InvalidOption) as caught:
        targets(catalog, log_to="mlflow+http://host")
    assert str(caught.value) == (
        f"MLFLOW_TRACKING_{given} is set and MLFLOW_TRACKING_{missing} is not: MLflow needs both "
        "or none."
    )


def test_both_credentials_are_accepted(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether they are right is the server's to say."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    assert targets(catalog, log_to="mlflow+http://host") == ["mlflow+http://host"]


def test_credentials_matter_only_where_runs_are_logged(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Tesseract that does not log to MLflow starts with half of them."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    assert targets(catalog) == []


def configured(catalog: Catalog, arguments: Any) -> RuntimeConfig:
    """Return the configuration with arguments for MLflow runs."""
    return resolve(catalog, flags={"mlflow_run_extra_args": arguments}, environment={})


@pytest.mark.parametrize(
    "text",
    [
        '{"run_name": "fit", "nested": true, "tags": {"a": 1}}',
        "{'run_name': 'fit', 'nested': True, 'tags': {'a': 1}}",
        {"run_name": "fit", "nested": True, "tags": {"a": 1}},
    ],
)
def test_arguments_are_json_or_python(catalog: Catalog, text: Any) -> None:
    """A dict is read as either language writes it, and is a dict for existing files."""
    arguments = configured(catalog, text).mlflow_run_extra_args
    assert arguments == {"run_name": "fit", "nested": True, "tags": {"a": 1}}


def test_ids_of_experiments_may_be_numbers(catalog: Catalog) -> None:
    """`mlflow.start_run` takes both forms too."""
    assert configured(catalog, '{"experiment_id": 3}').mlflow_run_extra_args == {
        "experiment_id": "3"
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            '{"runname": "fit"}',
            "unknown argument 'runname'. Did you mean 'run_name'? Known: ",
        ),
        (
            "fit",
            'expected a dict, as JSON or as Python writes it, such as \'{"run_name": "fit"}\'',
        ),
        ("[1]", "expected a dict, as JSON or as Python writes it"),
        ('{"run_name": 7}', "run_name: Input should be a valid string"),
        (
            '{"experiment_id": 1, "experiment_name": "heat"}',
            "give experiment_id or experiment_name, not both",
        ),
    ],
)
def test_wrong_arguments_are_explained(catalog: Catalog, text: str, reason: str) -> None:
    """The message names the option, its value and what is wrong with it."""
    with pytest.raises(InvalidOption) as caught:
        targets(catalog, log_to="mlflow+http://host", mlflow_run_extra_args=text)
    assert str(caught.value).startswith(f"--mlflow-run-extra-args={text!r}: {reason}")


def test_every_argument_of_mlflow_is_taken() -> None:
    """What `mlflow.start_run` takes is an argument here too."""
    assert signature(mlflow.start_run).parameters.keys() <= RunArguments.__annotations__.keys()


@pytest.mark.parametrize("command", [("health",), ("check",), ("apply", '{"inputs": {"x": [1]}}')])
def test_wrong_arguments_do_not_matter_without_mlflow(
    cli_here: Cli, tesseract: Callable[..., Path], command: tuple[str, ...]
) -> None:
    """A command that does not log to MLflow runs with any arguments."""
    environment = {"TESSERACT_MLFLOW_RUN_EXTRA_ARGS": "{'runname': 1}"}
    ended = cli_here(*command, "--api-path", str(tesseract()), environment=environment)
    assert (ended.returncode, ended.stderr) == (0, "")
