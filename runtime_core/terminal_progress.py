"""Progress of the steps of a command, as one line on the terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Self, TypeVar

__all__ = ["Progress"]

T = TypeVar("T")

_STDERR = 2

_SECONDS_BEFORE = 2.0
"""The time that a command takes before its progress is shown."""

_SECONDS_BETWEEN = 0.1

_BAR = 20  # characters of a bar

_USUAL_COLUMNS = 80  # of a terminal that does not know its size


class Progress:
    """Shows which step a command has reached; without a terminal it shows nothing.

    >>> list(Progress().track("abc", "letters"))
    ['a', 'b', 'c']
    """

    def __init__(self, terminal: int | None = None) -> None:
        self._terminal = terminal
        self._due = time.monotonic() + _SECONDS_BEFORE
        self._tracking = False
        self._length = 0  # of the line on the terminal

    @classmethod
    def on_stderr(cls) -> Self:
        """Show progress on stderr if it is a terminal, also while calls redirect the stream."""
        return cls(os.dup(_STDERR) if os.isatty(_STDERR) else None)

    def show_at_once(self) -> None:
        """Show the next step already, not only those after two seconds."""
        self._due = 0.0

    def show(self, text: Callable[[], str]) -> None:
        """Show a line that a function makes, if there is a terminal and the last one is old."""
        now = time.monotonic()
        if self._terminal is not None and now >= self._due:
            self._write(text())
            self._due = now + _SECONDS_BETWEEN

    def show_part(self, fraction: float, message: str | None = None) -> None:
        """Show a bar of the part of a step that is done; inside of tracked steps nothing.

        It stays until `clear`.
        """
        if not self._tracking:
            self.show(partial(_bar, max(0.0, min(1.0, fraction)), message))

    def clear(self) -> None:
        """Clear the line, unless it is that of tracked steps."""
        if self._length and not self._tracking:
            self._write("")
            self._write("")  # the cursor returns
            self._due = 0.0

    def track(self, steps: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
        """Yield steps, and show their number with a label and the total, if it is known.

        Steps that are tracked inside a step of others are not shown.
        """
        if self._terminal is None or self._tracking:
            return iter(steps)
        return self._tracked(steps, label, "" if total is None else f" of {total}")

    def _tracked(self, steps: Iterable[T], label: str, of_total: str) -> Iterator[T]:
        with self.tracking():
            for number, step in enumerate(steps, 1):
                self.show(partial("{}: {}{}".format, label, number, of_total))
                yield step

    @contextmanager
    def tracking(self) -> Iterator[None]:
        """Show only what the `with` itself shows, and clear it at the end."""
        self._tracking = True
        try:
            yield
        finally:
            self._tracking = False
            self.clear()

    def _write(self, text: str) -> None:
        """Write a line in the place of the last one, in characters that all terminals know."""
        assert self._terminal is not None  # else nothing is tracked
        with suppress(OSError):  # the terminal may be gone, and the command goes on
            line = text[: self._columns() - 1]
            os.write(self._terminal, f"\r{line.ljust(self._length)}".encode())
            self._length = len(line)

    def _columns(self) -> int:
        assert self._terminal is not None
        return os.get_terminal_size(self._terminal).columns or _USUAL_COLUMNS


def _bar(fraction: float, message: str | None) -> str:
    done = int(fraction * _BAR)
    bar = "#" * done + "-" * (_BAR - done)
    return f"[{bar}] {fraction:.0%} {message or ''}".rstrip()
