"""Files of runs in results: names whose contents can be fetched."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from runtime_core.files import new_file

_NAME = re.compile(r"run_[A-Za-z0-9_.-]{1,128}(/(?!\.{1,2}(/|$))[^/\0]+)+")
"""A path from the output path on, which stays in the folder of a run."""


class Files(Protocol):
    """The files of the other side."""

    def fetch(self, name: str, into: BinaryIO) -> None:
        """Write a file that a result names to an open file."""

    def files_in(self, name: str) -> Sequence[str]:
        """Return the names of the files in a folder that a result names; none for a file."""


class RunFile(str):
    """The name of a file or folder that a run has written, as a value of a result.

    It is relative to the output path of the other side, and a text like any other.
    """

    _files: Files

    @classmethod
    def of(cls, name: str, files: Files) -> RunFile:
        """Make the name of a file."""
        file = cls(name)
        file._files = files
        return file

    def open(self) -> BinaryIO:
        """Fetch the file, and return a copy that is removed when it is closed."""
        copy: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
        try:
            self._files.fetch(str(self), copy)
            copy.seek(0)
        except BaseException:
            copy.close()
            raise
        return copy

    def download(self, to: str | PathLike[str]) -> Path:
        """Fetch the file or folder to a path, or into a folder that exists; return its path.

        A file is there once it is complete, and replaces another one.
        """
        path = Path(to)
        if path.is_dir():
            path /= self.rpartition("/")[2]
        for name in self._files.files_in(str(self)) or [str(self)]:
            inside = name.removeprefix(str(self)).lstrip("/")
            if _NAME.fullmatch(name):  # else it would lead elsewhere on this machine
                with new_file(path / inside if inside else path) as file:
                    self._files.fetch(name, file)
        return path

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)  # another process has no connection


def with_files(tree: Any, files: Files) -> Any:
    """Return a tree whose names of files of runs are `RunFile`s.

    >>> tree = with_files({"mesh": "run_fit-7/mesh.msh", "note": "x"}, None)
    >>> isinstance(tree["mesh"], RunFile), isinstance(tree["note"], RunFile)
    (True, False)
    """
    if isinstance(tree, dict):
        return {key: with_files(value, files) for key, value in tree.items()}
    if isinstance(tree, list):
        return [with_files(value, files) for value in tree]
    is_name = isinstance(tree, str) and _NAME.fullmatch(tree) is not None
    return RunFile.of(tree, files) if is_name else tree
