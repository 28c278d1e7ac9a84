"""The progress of a check."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

T = TypeVar("T")


class Track(Protocol):
    """Forwards the items of a stage, and reports each."""

    def __call__(self, items: Iterable[T], stage: str, total: int) -> Iterable[T]:
        """Return the items; there are `total` of them."""


def silent(items: Iterable[T], stage: str, total: int) -> Iterable[T]:
    """Return the items without a report.

    >>> list(silent([1, 2], "differences", 2))
    [1, 2]
    """
    return items


@contextmanager
def progress_bar() -> Iterator[Track]:
    """Show a bar for each stage on stderr, if that is a terminal."""
    if not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console  # only a terminal needs it, and it takes a while to load
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:

        def track(items: Iterable[T], stage: str, total: int) -> Iterable[T]:
            return progress.track(items, total=total, description=stage)

        yield track
