"""Progress on a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import tty
from collections.abc import Callable, Iterator

import pytest

from runtime_core.progress import Progress


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
