"""Copies of artifacts: whole for every reader, and without what would recurse for ever."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from runtime_core.run_logs.run_files import ARTIFACTS, DRAFT


def numbered(name: str, number: int) -> str:
    """Return the name of one of several artifacts of the same name.

    >>> numbered("plot.svg", 1), numbered("plot.svg", 2)
    ('plot.svg', 'plot-2.svg')
    """
    return name if number == 1 else f"{Path(name).stem}-{number}{Path(name).suffix}"


def remove_drafts(folder: Path) -> None:
    """Remove copies that the end of their process has cut short from a log folder."""
    for draft in (folder / ARTIFACTS).glob(f"{DRAFT}*"):
        _discard(draft)


def copy(source: Path, place: Path, *, leave_out: Path) -> None:
    """Copy a file or folder, atomically for readers and without the log folder itself."""
    draft = place.with_name(f"{DRAFT}{os.urandom(8).hex()}")
    try:
        if source.is_dir():
            _copy_folder(source, draft, leave_out=os.path.realpath(leave_out))
        else:
            shutil.copy2(source, draft)
        if source.is_dir() or place.is_dir():
            _discard(place)  # an earlier state of the same artifact; a file is replaced by a file
        draft.rename(place)
    except BaseException:
        _discard(draft)
        raise


def _copy_folder(source: Path, draft: Path, *, leave_out: str) -> None:
    def left_out(folder: str, names: list[str]) -> list[str]:
        """Return names that would recurse for ever: the log folder, and links to parents."""
        here = Path(os.path.realpath(folder))
        endless = {leave_out, *map(str, (here, *here.parents))}
        return [name for name in names if os.path.realpath(here / name) in endless]

    try:
        shutil.copytree(source, draft, ignore=left_out, ignore_dangling_symlinks=True)
    except shutil.Error as error:
        *_, (name, _, reason) = error.args[0]
        failed = len(error.args[0])
        raise OSError(f"{failed} files cannot be copied, such as {name!r}: {reason}") from None


def _discard(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):  # it was a folder, or was not there
        path.unlink()
