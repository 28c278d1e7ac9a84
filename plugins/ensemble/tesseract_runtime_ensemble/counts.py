"""The numbers of evaluations of an ensemble, as a line while it is computed and at its end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

from runtime_core.contracts import Fault
from runtime_core.errors import shortened

_MOST_MESSAGES = 20  # of failures, all of which may differ

_LONGEST_MESSAGE = 200


class Counts:
    """How many evaluations are done and have failed, and the messages of failures."""

    def __init__(self, *, number: int, earlier: int) -> None:
        self.number = number
        self.earlier = earlier
        self.done = 0
        self.failed = 0
        self._messages: Counter[str] = Counter()
        self._first: dict[str, int] = {}
        self._start = time.monotonic()

    def count(self, index: int, fault: Fault | None) -> None:
        """Count an evaluation."""
        self.done += 1
        if fault is None:
            return
        self.failed += 1
        message = shortened(" ".join(fault.message.split()), _LONGEST_MESSAGE)
        if message not in self._messages and len(self._messages) >= _MOST_MESSAGES:
            message = "other messages"
        self._messages[message] += 1
        self._first.setdefault(message, index)

    def line(self) -> str:
        """Return the progress in one line."""
        seconds = max(time.monotonic() - self._start, 1e-9)
        rate = self.done / seconds
        left = self.number - self.earlier - self.done
        parts = [f"evaluation {self.earlier + self.done} of {self.number}", f"{self.failed} failed"]
        if self.done:
            parts += [f"{rate:.3g} per second", f"{_duration(left / rate)} left"]
        return ", ".join(parts)

    def report(self) -> Iterator[str]:
        """Yield the lines of the end: the numbers, and the failures by their messages."""
        before = f" after {self.earlier} earlier ones" if self.earlier else ""
        seconds = time.monotonic() - self._start
        yield (
            f"Computed {self.done} of {self.number} evaluations{before} in {_duration(seconds)}, "
            f"{self.failed} failed."
        )
        for message, count in self._messages.most_common():
            yield f"  {count} x {message} (first: index {self._first[message]})"


def _duration(seconds: float) -> str:
    """Return a time such as `2 h 05 min`.

    >>> _duration(7500), _duration(90), _duration(4.24)
    ('2 h 05 min', '1 min 30 s', '4.2 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{seconds:.2g} s"
