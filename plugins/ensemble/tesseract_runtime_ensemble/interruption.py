"""Ctrl-C and SIGTERM: the first ends a computation in order, the second at once."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at the first signal inside the `with`, and leave the next one as it was."""
    before = {each: signal.getsignal(each) for each in _SIGNALS}

    def restore() -> None:
        for each, handler in before.items():
            signal.signal(each, handler)

    def interrupted(number: int, frame: FrameType | None) -> None:
        restore()
        print("\nFinishing what is being computed; another Ctrl-C aborts it.", file=sys.stderr)  # noqa: T201  # a command prints
        stop()

    for each in _SIGNALS:
        signal.signal(each, interrupted)
    try:
        yield
    finally:
        restore()
