"""The input path and the output path: the folders that contain the paths of documents."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from runtime_core.calls import current_scope
from runtime_core.errors import FileRefused, MissingFile, shortened
from runtime_core.files import check_name, is_url

_LONGEST = 300  # characters of a name in a message


@dataclass(frozen=True, kw_only=True)
class PathRoot:
    """A folder that an option names; documents name its contents relative to it."""

    option: str

    def real(self) -> Path:
        """Return the folder with links resolved; raises `FileRefused` for a URL."""
        if is_url(self._configured):
            raise FileRefused(
                f"There are no paths in {self.place()}, which is a URL. Name a local folder with "
                f"{self._flag}."
            )
        return Path(os.path.realpath(self._configured))

    def inside(self, name: str) -> Path:
        """Return the real path of a name in this folder; `FileRefused` if it lies elsewhere."""
        check_name(name)
        root = self.real()
        if "\0" in name:
            raise FileRefused(f"{quoted(name)} is not a valid path: it has NUL characters.")
        if is_url(name):
            raise FileRefused(f"{quoted(name)} is a URL, and a path is needed.")
        path = Path(os.path.realpath(root / name))
        check_name(str(path))
        if not path.is_relative_to(root):
            raise FileRefused(f"{quoted(name)} lies outside of {self.place()}.")
        return path

    def existing(self, name: str) -> Path:
        """Return the real path of a file or folder; `MissingFile` if it does not exist."""
        path = self.inside(name)
        try:
            found = path.exists()
        except OSError as error:
            raise MissingFile(f"Cannot read {quoted(name)}: {error.strerror}.") from None
        if not found:
            local = not current_scope().files.confined
            advice = f" Name the folder that it is in with {self._flag}." if local else ""
            raise MissingFile(f"There is no {quoted(name)} in {self.place()}.{advice}")
        if not path.is_file() and not path.is_dir():
            raise MissingFile(f"{quoted(name)} is neither a file nor a folder.")
        return path

    def relative(self, path: Path) -> str:
        """Return the name of a path in documents: relative to this folder if it is inside."""
        root = self.real()
        return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()

    def place(self) -> str:
        """Return the name of the folder for messages, without its path for remote callers."""
        confined = current_scope().files.confined
        return f"the {self.noun}" if confined else f"the {self.noun} {self._configured!r}"

    @property
    def noun(self) -> str:
        """The option in plain words."""
        return self.option.replace("_", " ")

    @property
    def _configured(self) -> str:
        return str(getattr(current_scope().config, self.option))

    @property
    def _flag(self) -> str:
        return "--" + self.option.replace("_", "-")


INPUTS = PathRoot(option="input_path")
OUTPUTS = PathRoot(option="output_path")


def quoted(name: str) -> str:
    """Return a name in quotes for a message, shortened if it is long.

    >>> quoted("mesh.msh")
    "'mesh.msh'"
    """
    return repr(shortened(name, _LONGEST))
