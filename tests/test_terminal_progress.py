"""Progress on a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic_core import to_json

from runtime_core import Call, Wire
from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.runtime import local_runtime
from runtime_core.terminal_progress import Progress


@pytest.fixture
def terminal() -> Iterator[tuple[int, Callable[[], str]]]:
    """Provide a terminal, and a function that returns what it shows."""
    screen, terminal = pty.openpty()
    tty.setraw(terminal)

    def shown() -> str:
        os.write(terminal, b"$")
        text = b""
        while not text.endswith(b"$"):
            text += os.read(screen, 4096)
        return text[:-1].decode()

    try:
        yield terminal, shown
    finally:
        os.close(terminal)
        os.close(screen)


def test_progress_is_one_line_that_is_cleared(terminal: tuple[int, Callable[[], str]]) -> None:
    """The line has the number of the step, and the cursor returns to an empty line."""
    descriptor, shown = terminal
    progress = Progress(descriptor)
    progress.show_at_once()
    assert list(progress.track("a", "letters", 1)) == ["a"]
    assert shown() == "\rletters: 1 of 1\r" + " " * len("letters: 1 of 1") + "\r"


def test_inner_steps_are_not_shown(terminal: tuple[int, Callable[[], str]]) -> None:
    """Steps inside a step leave its line, and all are shown again after it."""
    descriptor, shown = terminal
    progress = Progress(descriptor)
    progress.show_at_once()
    for _ in progress.track("a", "outer"):
        assert list(progress.track("bc", "inner")) == ["b", "c"]
    list(progress.track("d", "after"))
    text = shown()
    assert ("outer: 1" in text, "inner" in text, "after: 1" in text) == (True, False, True)


def test_steps_that_fail_clear_the_line(terminal: tuple[int, Callable[[], str]]) -> None:
    """The message of an error begins on an empty line."""
    descriptor, shown = terminal
    progress = Progress(descriptor)
    progress.show_at_once()
    with pytest.raises(ZeroDivisionError):
        list(progress.track((1 / n for n in (1, 0)), "quotients"))
    assert shown().endswith("quotients: 1\r" + " " * len("quotients: 1") + "\r")


BARS = """
from pydantic import BaseModel
from runtime_core import progress

class InputSchema(BaseModel):
    parts: list[float]

class OutputSchema(BaseModel):
    pass

def apply(inputs):
    for part in inputs.parts:
        progress(part, "mesh")
    return OutputSchema()
"""


@pytest.mark.parametrize(
    ("part", "bar"),
    [
        (0.26, "[#####---------------] 26% mesh"),
        (1.5, "[####################] 100% mesh"),
        (float("nan"), "[####################] 100% mesh"),
    ],
)
def test_progress_of_a_call_is_a_bar_until_its_end(
    terminal: tuple[int, Callable[[], str]],
    catalog: Catalog,
    tesseract: Callable[..., Path],
    part: float,
    bar: str,
) -> None:
    """What `apply` reports is shown, and cleared with the end of the call."""
    descriptor, shown = terminal
    line = Progress(descriptor)
    line.show_at_once()
    config = resolve(catalog, flags={"api_path": str(tesseract(BARS))}, environment={})
    runtime = local_runtime(catalog, config, line)
    body = to_json({"inputs": {"parts": [part]}}, inf_nan_mode="strings")
    wire = Wire(format="json")
    call = Call(endpoint="apply", run_id="a", body=body, body_format="json", output=wire)
    assert runtime.invoke(call).fault is None
    assert shown() == f"\r{bar}\r{' ' * len(bar)}\r"


def test_a_short_command_shows_nothing(terminal: tuple[int, Callable[[], str]]) -> None:
    """Progress begins after two seconds."""
    descriptor, shown = terminal
    assert list(Progress(descriptor).track("ab", "letters")) == ["a", "b"]
    assert shown() == ""


def test_a_terminal_that_has_gone_is_ignored() -> None:
    """A command goes on after its terminal was closed."""
    screen, terminal = pty.openpty()
    os.close(screen)
    progress = Progress(terminal)
    progress.show_at_once()
    assert list(progress.track("ab", "letters")) == ["a", "b"]
    os.close(terminal)
