"""The link `logs` in the output path, which leads to the log of the last command."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runtime_core.contracts import Run


@contextmanager
def latest_log(run: Run) -> Iterator[None]:
    """Let the link lead to the log of a run, from its beginning; none is left if it logs nothing.

    A file or folder in the place of the link stays; then a warning names the log.
    """
    link = run.folder.parent / "logs"
    target = run.log_folder.relative_to(link.parent)
    if not link.exists() or link.is_symlink():
        with suppress(OSError):  # the folder or its file system takes none
            _replace(link, target)
    try:
        yield
    finally:
        if not run.log_folder.is_dir():
            _remove(link, target)
        elif not link.is_symlink():
            print(
                f"Warning: the log of this run is in {str(run.log_folder)!r}, and {str(link)!r} "
                "cannot be a link to it.",
                file=sys.stderr,
            )


def _replace(link: Path, target: Path) -> None:
    """Make a link, or change it so that it exists at every moment."""
    draft = link.with_name(f".{link.name}.{os.urandom(8).hex()}")
    draft.symlink_to(target)
    draft.replace(link)


def _remove(link: Path, target: Path) -> None:
    """Remove a link, unless a later command has changed it."""
    with suppress(OSError):  # it does not exist
        if link.readlink() == target:
            link.unlink()
