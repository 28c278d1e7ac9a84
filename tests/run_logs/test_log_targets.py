"""Log targets: those of the options, and the default ones."""

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

KEEPING = Sink().declared(name="file", local=True, default=True)
LOCAL = Sink().declared(name="memory", local=True)
FAR = Sink().declared(name="far")


def targets(catalog: Catalog, *log_to: str, **flags: Any) -> Sequence[str]:
    """Return the targets of a configuration."""
    config = resolve(catalog, flags={"log_to": log_to, **flags}, environment={})
    return [target.target for target in configured_targets(catalog, config)]


@pytest.mark.parametrize(
    ("log_to", "expected"),
    [
        ((), ["file"]),
        (("file",), ["file"]),
        (("memory",), ["memory"]),
        (("memory", "file"), ["memory", "file"]),
        (("far:a",), ["file", "far:a"]),
        (("far:a", "file"), ["file", "far:a"]),
        (("far:a", "far:b", "far:a"), ["file", "far:a", "far:b"]),
        (("memory", "far:a"), ["file", "memory", "far:a"]),
    ],
    ids=str,
)
def test_files_are_kept_beside_what_is_far(
    with_sinks: WithSinks, log_to: Sequence[str], expected: Sequence[str]
) -> None:
    """The default sink is used unless only other local ones are requested."""
    assert targets(with_sinks(KEEPING, LOCAL, FAR), *log_to) == expected


def test_without_any_sink_runs_are_not_logged(with_sinks: WithSinks) -> None:
    """A runtime without plugins for run logging works."""
    assert targets(with_sinks()) == []


def test_environment_names_targets_too(with_sinks: WithSinks) -> None:
    """`TESSERACT_LOG_TO` has targets with commas between them."""
    catalog = with_sinks(LOCAL, FAR)
    config = resolve(catalog, flags={}, environment={"TESSERACT_LOG_TO": "memory, far:b"})
    assert [target.target for target in configured_targets(catalog, config)] == ["memory", "far:b"]


def test_options_of_a_plugin_may_ask(with_sinks: WithSinks) -> None:
    """Options of a plugin may select its sink, beside `--log-to`."""

    def target_from(config: RuntimeConfig) -> str | None:
        return "far:mine" if config.debug else None

    catalog = with_sinks(KEEPING, Sink().declared(name="far", target_from=target_from))
    assert targets(catalog) == ["file"]
    assert targets(catalog, debug=True) == ["file", "far:mine"]
    assert targets(catalog, "far:other", debug=True) == ["file", "far:other", "far:mine"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "memori",
            "--log-to 'memori': Unknown run sink 'memori'. Did you mean 'memory'? "
            "Available: far, memory.",
        ),
        (
            "/some/folder",
            "--log-to '/some/folder': Unknown run sink '/some/folder'. Available: far",
        ),
        (
            "file",
            "--log-to 'file': Run sink 'file' is not ",
        ),
    ],
)
def test_unknown_sink_is_told(with_sinks: WithSinks, target: str, message: str) -> None:
    """An unknown scheme is an error with the available ones, or what to install."""
    with pytest.raises(UnknownName) as caught:
        targets(with_sinks(LOCAL, FAR), target)
    assert str(caught.value).startswith(message)


def test_target_that_can_never_be_opened_is_refused(with_sinks: WithSinks) -> None:
    """A sink may refuse a target before anything is computed."""

    def check(target: str, config: RuntimeConfig) -> None:
        raise InvalidOption(f"{target} has no port.")

    sink = RunSink(name="far", summary="", schemes=("far",), open=Sink().open, check=check)
    with pytest.raises(InvalidOption, match="far:x has no port"):
        targets(with_sinks(sink), "far:x")
