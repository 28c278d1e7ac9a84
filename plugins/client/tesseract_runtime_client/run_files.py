"""Files of runs in results: names whose contents can be fetched."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

from runtime_core.files import new_file

_NAME = re.compile(r"run_[A-Za-z0-9_.-]{1,128}/.+")

Fetch = Callable[[str, BinaryIO], None]
"""Writes the file of a name to an open file."""


class RunFile(str):
    """The name of a file that a run has written, as a value of a result.

    It is relative to the output path of the other side, and a text like any other.
    """

    _fetch: Fetch

    @classmethod
    def of(cls, name: str, fetch: Fetch) -> RunFile:
        """Make the name of a file."""
        file = cls(name)
        file._fetch = fetch
        return file

    def open(self) -> BinaryIO:
        """Fetch the file, and return a copy that is removed when it is closed."""
        copy: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
        try:
            self._fetch(str(self), copy)
            copy.seek(0)
        except BaseException:
            copy.close()
            raise
        return copy

    def download(self, to: str | PathLike[str]) -> Path:
        """Fetch the file to a path, or into a folder that exists; return its path.

        A file is there once it is complete, and replaces another one.
        """
        path = Path(to)
        if path.is_dir():
            path /= self.rpartition("/")[2]
        with new_file(path) as file:
            self._fetch(str(self), file)
        return path

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)  # another process has no connection


def with_files(tree: Any, fetch: Fetch) -> Any:
    """Return a tree whose names of files of runs are `RunFile`s.

    >>> tree = with_files({"mesh": "run_fit-7/mesh.msh", "note": "x"}, print)
    >>> isinstance(tree["mesh"], RunFile), isinstance(tree["note"], RunFile)
    (True, False)
    """
    if isinstance(tree, dict):
        return {key: with_files(value, fetch) for key, value in tree.items()}
    if isinstance(tree, list):
        return [with_files(value, fetch) for value in tree]
    is_name = isinstance(tree, str) and _NAME.fullmatch(tree) is not None
    return RunFile.of(tree, fetch) if is_name else tree
