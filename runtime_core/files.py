"""The only opener of files that payloads, options and results name."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import sys
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

from runtime_core.contracts.calls import Buffer
from runtime_core.errors import FileRefused, InvalidOption, MissingFile, NotWritten, shortened

__all__ = ["FileAccess", "is_url", "join", "write"]


def is_url(name: str) -> bool:
    """Tell whether a name is a URL of fsspec and not a path.

    >>> is_url("s3://bucket/key"), is_url("data/x.json")
    (True, False)
    """
    return "://" in name or "::" in name


_LONGEST = 300  # characters of a name that stand in messages

_DESCRIPTORS = ("/dev/stdin", "/dev/fd/")
"""Names of files that are open already, so that opening them cannot wait for anybody."""


@dataclass(frozen=True, kw_only=True)
class FileAccess:
    """Opens the files that a payload names, within the rights of its sender.

    `root` is the folder or URL against which relative names are resolved. When `confined`, nothing
    outside of it is opened, nor anything that is not a regular file; without a `root` then
    nothing is opened at all. A URL is opened only when it begins with one of `url_prefixes`, lies
    inside of the `root`, or when access is not confined.
    """

    root: str | None
    confined: bool = True
    url_prefixes: Sequence[str] = ()

    def open(self, name: str, *, base: str | os.PathLike[str] | None = None) -> BinaryIO:
        """Open a file for reading bytes; relative names start from `base`, else from `root`.

        Raises `FileRefused` for what is outside of the sender's rights, and `MissingFile` for
        a file that is missing or is not a regular file.
        """
        located = self._located(name, base)
        if is_url(located):
            self.require_url(located)
            return _open_url(located, "rb", **self.url_options(located))
        if not self.confined and located.startswith(_DESCRIPTORS):
            return _open_descriptor(located)
        file = _open_regular(self.resolve(name, base=base), name)
        if self.confined:
            try:
                self._refuse_outside(_real_path(file), name)
            except BaseException:
                file.close()
                raise
        return file

    def read(self, name: str, *, base: str | os.PathLike[str] | None = None) -> bytes:
        """Return all bytes of a file; errors as those of `open`."""
        with self.open(name, base=base) as file:
            try:
                return file.read()
            # Remote file systems have errors of their own while they read, too.
            except Exception as error:
                raise MissingFile(
                    f"Cannot read {_quoted(name)}: {type(error).__name__}: {error}"
                ) from None

    def resolve(self, name: str, *, base: str | os.PathLike[str] | None = None) -> Path:
        """Return the real path of a name, links resolved; `FileRefused` if it is out of bounds."""
        if self.root is None and self.confined:
            raise FileRefused(
                f"{_quoted(name)} is not opened: this Tesseract opens no files, because it was "
                "started without --input-path."
            )
        if "\0" in name:
            raise FileRefused(f"{_quoted(name)} is not opened: a path has no NUL characters.")
        try:
            path = Path(os.path.realpath(self._located(name, base)))
        except OSError as error:  # a link is exchanged for something else at this moment
            raise MissingFile(f"Cannot read {_quoted(name)}: {error.strerror}.") from None
        self._refuse_outside(path, name)
        return path

    def _refuse_outside(self, path: Path, name: str) -> None:
        if self.confined and not path.is_relative_to(os.path.realpath(self.root or "")):
            raise FileRefused(f"{_quoted(name)} is not opened: it lies outside of the input path.")

    def _located(self, name: str, base: str | os.PathLike[str] | None) -> str:
        """Return the path or URL of a name, which may start from `base`, and that from `root`."""
        for start in (base, self.root):
            if start is not None and not is_url(name) and not Path(name).is_absolute():
                name = join(str(start), name)
        return name

    def url_options(self, url: str) -> Mapping[str, Any]:
        """Return options of fsspec: a URL that may be read must not redirect to another place."""
        if self.confined and url.startswith(("http:", "https:")):
            return {"allow_redirects": False}
        return {}

    def require_url(self, url: str) -> None:
        """Raise `FileRefused` for a URL that is out of the sender's rights; nothing is opened."""
        if not self.confined:
            return
        rights = [*self.url_prefixes, *([self.root] if self.root and is_url(self.root) else [])]
        places = [right.rstrip("/") + "/" for right in rights]
        if not any(url.startswith(place) for place in places):
            raise FileRefused(
                f"{_quoted(url)} is not opened: URLs are not read for a remote caller unless "
                "--allow-url-prefix admits them."
            )
        plain = _unquoted(url)
        if "::" in plain or _UNPRINTABLE.search(plain) or ".." in _SEPARATORS.split(plain):
            raise FileRefused(
                f"{_quoted(url)} is not opened: it leads somewhere else than it says."
            )


def write(target: str, buffers: Iterable[Buffer]) -> None:
    """Write buffers to a path or any URL of fsspec, so that a local reader never sees half of it.

    Folders are made as needed. Raises `NotWritten` when the target cannot be written.
    """
    if is_url(target):
        _write_url(target, buffers)
        return
    path = Path(os.path.realpath(target))  # a link is followed, not replaced
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() or not path.exists():
            _write_atomically(path, buffers)
        else:
            _write_directly(path, buffers)  # a pipe or device, whose reader waits for it
    except OSError as error:
        raise NotWritten(f"Cannot write {_quoted(target)}: {error.strerror or error}.") from None


def _quoted(name: str) -> str:
    return repr(shortened(name, _LONGEST))


def join(folder: str, name: str) -> str:
    """Return the path or URL of a name in a folder.

    >>> join("s3://bucket/runs/", "results.json")
    's3://bucket/runs/results.json'
    """
    return f"{folder.rstrip('/')}/{name}" if is_url(folder) else str(Path(folder) / name)


def _write_url(url: str, buffers: Iterable[Buffer]) -> None:
    try:
        file = _open_url(url, "wb")
    except MissingFile as error:
        raise NotWritten(str(error)) from None
    try:
        with file:
            file.writelines(buffers)
    # Remote file systems write when they are closed, and have errors of their own.
    except Exception as error:
        raise NotWritten(f"Cannot write {_quoted(url)}: {type(error).__name__}: {error}") from None


def _write_directly(path: Path, buffers: Iterable[Buffer]) -> None:
    with path.open("wb") as file:
        file.writelines(buffers)


def _write_atomically(path: Path, buffers: Iterable[Buffer]) -> None:
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        with draft.open("xb") as file:
            file.writelines(buffers)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _open_descriptor(name: str) -> BinaryIO:
    """Open what a shell has opened already, such as a pipe of `<(command)`."""
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise MissingFile(f"Cannot read {_quoted(name)}: {error.strerror}.") from None


def _open_regular(path: Path, name: str) -> BinaryIO:
    """Open what is a regular file at the moment of opening; a FIFO or device never blocks."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise MissingFile(f"Cannot read {_quoted(name)}: {error.strerror}.") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise MissingFile(f"Cannot read {_quoted(name)}: it is not a regular file.")
    return os.fdopen(descriptor, "rb")


def _real_path(file: BinaryIO) -> Path:
    """Return the present path of an open file, even if folders above it have been moved."""
    if sys.platform == "darwin":
        named = fcntl.fcntl(file, fcntl.F_GETPATH, bytes(1024))
        return Path(os.fsdecode(named.rstrip(b"\0")))
    return Path(f"/proc/self/fd/{file.fileno()}").readlink()


def _unquoted(url: str) -> str:
    """Return a URL without its percent signs, as often as anybody decodes it."""
    for _ in range(_MOST_ENCODINGS):
        url = unquote(url)
    return url


_MOST_ENCODINGS = 4
_SEPARATORS = re.compile(r"[/\\?#]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")  # some readers of URLs leave such characters out


def _open_url(url: str, mode: str, **options: Any) -> BinaryIO:
    import fsspec  # 150 ms, and only a URL needs it

    try:
        opened = fsspec.open(url, mode, **options)
        file: BinaryIO = opened.open()
        weakref.finalize(file, id, opened)  # an archive is closed with what is opened in it
        return file
    except ImportError as error:
        raise InvalidOption(
            f"{_quoted(url)} needs a package that is not installed: {error}."
        ) from None
    # Each of fsspec's file systems has errors of its own; a user needs their text.
    except Exception as error:
        raise MissingFile(f"Cannot open {_quoted(url)}: {type(error).__name__}: {error}") from None
