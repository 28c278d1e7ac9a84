"""Log targets: those of the options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig, resolve
from runtime_core.contracts import RunSink
from runtime_core.errors import InvalidOption, UnknownName
from runtime_core.run_logs import configured_targets
from tests.run_logs.conftest import Sink, WithSinks

NEAR = Sink().declared(name="near")
FAR = Sink().declared(name="far")


def targets(catalog: Catalog, *log_to: str, **flags: Any) -> Sequence[str]:
    """Return the targets of a configuration."""
    config = resolve(catalog, flags={"log_to": log_to, **flags}, environment={})
    return [target.target for target in configured_targets(catalog, config)]


@pytest.mark.parametrize(
    ("log_to", "expected"),
    [
        ((), []),
        (("file",), []),
        (("near",), ["near"]),
        (("far:a", "file"), ["far:a"]),
        (("far:a", "far:b", "far:a"), ["far:a", "far:b"]),
    ],
    ids=str,
)
def test_files_need_no_sink(
    with_sinks: WithSinks, log_to: Sequence[str], expected: Sequence[str]
) -> None:
    """Each target counts once, and the files of runs are there in any case."""
    assert targets(with_sinks(NEAR, FAR), *log_to) == expected


@pytest.mark.parametrize("target", ["file:logs", "file:///tmp"])
def test_place_of_files_is_refused(with_sinks: WithSinks, target: str) -> None:
    """A target with a path is refused: files are in the output path."""
    with pytest.raises(InvalidOption) as caught:
        targets(with_sinks(), target)
    assert str(caught.value) == (
        f"--log-to {target!r}: write just 'file'; the files are put where --output-path says."
    )


def test_environment_names_targets_too(with_sinks: WithSinks) -> None:
    """`TESSERACT_LOG_TO` has targets with commas between them."""
    catalog = with_sinks(NEAR, FAR)
    config = resolve(catalog, flags={}, environment={"TESSERACT_LOG_TO": "near, far:b"})
    assert [target.target for target in configured_targets(catalog, config)] == ["near", "far:b"]


def test_options_of_a_plugin_may_ask(with_sinks: WithSinks) -> None:
    """Options of a plugin may select its sink, beside `--log-to`."""

    def target_from(config: RuntimeConfig) -> str | None:
        return "far:mine" if config.debug else None

    catalog = with_sinks(Sink().declared(name="far", target_from=target_from))
    assert targets(catalog) == []
    assert targets(catalog, debug=True) == ["far:mine"]
    assert targets(catalog, "far:other", debug=True) == ["far:other", "far:mine"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "neat",
            "--log-to 'neat': Unknown run sink 'neat'. Did you mean 'near'? Available: far, near.",
        ),
        (
            "/some/folder",
            "--log-to '/some/folder': Unknown run sink '/some/folder'. Available: far",
        ),
        (
            "mlflow+http://x",
            "--log-to 'mlflow+http://x': Run sink 'mlflow' is not ",
        ),
    ],
)
def test_unknown_sink_is_told(with_sinks: WithSinks, target: str, message: str) -> None:
    """An unknown scheme is an error with the available ones, or what to install."""
    with pytest.raises(UnknownName) as caught:
        targets(with_sinks(NEAR, FAR), target)
    assert str(caught.value).startswith(message)


def test_target_that_can_never_be_opened_is_refused(with_sinks: WithSinks) -> None:
    """A sink may refuse a target before anything is computed."""

    def check(target: str, config: RuntimeConfig) -> None:
        raise InvalidOption(f"{target} has no port.")

    sink = RunSink(name="far", summary="", schemes=("far",), open=Sink().open, check=check)
    with pytest.raises(InvalidOption, match="far:x has no port"):
        targets(with_sinks(sink), "far:x")
