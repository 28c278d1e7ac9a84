"""The progress of a check."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

Track: TypeAlias = Callable[[Iterable[Any], str, int], Iterable[Any]]
"""Returns items, whose stage and number it gets, and reports each of them."""


def untracked(items: Iterable[Any], stage: str, total: int) -> Iterable[Any]:
    """Return items without a report."""
    return items


@contextmanager
def progress_bar() -> Iterator[Track]:
    """Show a bar for each stage on stderr, if that is a terminal."""
    if not sys.stderr.isatty():
        yield untracked
        return
    from rich.console import Console  # only a terminal needs it, and it takes a while to load
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        yield lambda items, stage, total: progress.track(items, total=total, description=stage)
