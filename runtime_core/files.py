"""Access to the files that payloads, options and results name; nothing else opens them."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import sys
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

from runtime_core.contracts.calls import Buffer
from runtime_core.errors import FileRefused, InvalidOption, MissingFile, NotWritten, shortened

__all__ = ["FileAccess", "check_name", "is_url", "join", "new_file", "write"]

UPLOADS = ".uploads"
"""The folder in the input path for the files of remote callers, who find theirs by name alone."""


def check_name(name: str) -> None:
    """Raise `FileRefused` for a name that is too long, before anything looks for its parts.

    >>> check_name("n" * 300)
    Traceback (most recent call last):
      ...
    runtime_core.errors.FileRefused: 'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...' is too long: \
a path has at most 4095 bytes, and a name in it 255.
    """
    encoded = name[: _LONGEST_PATH + 1].encode("utf-8", "surrogatepass")
    longest = max(map(len, encoded.split(b"/")))
    if len(encoded) > _LONGEST_PATH or (longest > _LONGEST_STEP and not is_url(name)):
        raise FileRefused(
            f"{shortened(name, 40)!r} is too long: a path has at most {_LONGEST_PATH} bytes, and a "
            f"name in it {_LONGEST_STEP}."
        )


def is_url(name: str) -> bool:
    """Check whether a name is a URL of fsspec rather than a path.

    >>> is_url("s3://bucket/key"), is_url("data/x.json")
    (True, False)
    """
    return "://" in name or "::" in name


_LONGEST = 300  # characters of a name in messages

_LONGEST_PATH, _LONGEST_STEP = 4095, 255  # bytes, as in Linux

_DESCRIPTORS = ("/dev/stdin", "/dev/fd/")
"""Prefixes of names of open descriptors; opening these cannot block."""


@dataclass(frozen=True, kw_only=True)
class FileAccess:
    """Opens the files that a payload names, within the rights of its sender.

    `root` is the folder or URL that relative names start from. Confined access opens only regular
    files inside `root` (nothing without a `root`) and URLs that are inside `root` or begin with one
    of `url_prefixes`.
    """

    root: str | None
    confined: bool = True
    url_prefixes: Sequence[str] = ()

    def open(self, name: str, *, base: str | os.PathLike[str] | None = None) -> BinaryIO:
        """Open a file for reading bytes; relative names start from `base`, else from `root`.

        Raises `FileRefused` for a file outside the sender's rights, and `MissingFile` for one that
        does not exist or is not a regular file.
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
        """Read a whole file; the errors are those of `open`."""
        with self.open(name, base=base) as file:
            try:
                return file.read()
            # Remote file systems raise exceptions of their own.
            except Exception as error:
                raise MissingFile(
                    f"Cannot read {_quoted(name)}: {type(error).__name__}: {error}"
                ) from None

    def resolve(self, name: str, *, base: str | os.PathLike[str] | None = None) -> Path:
        """Return the real path of a name; `FileRefused` if it is outside the sender's rights."""
        if self.root is None and self.confined:
            raise FileRefused(
                f"{_quoted(name)} is not opened: this Tesseract opens no files, because it was "
                "started without --input-path."
            )
        if "\0" in name:
            raise FileRefused(f"{_quoted(name)} is not opened: a path has no NUL characters.")
        try:
            path = Path(os.path.realpath(self._located(name, base)))
        except OSError as error:  # a link is being replaced at this moment
            raise MissingFile(f"Cannot read {_quoted(name)}: {error.strerror}.") from None
        self._refuse_outside(path, name)
        return path

    def _refuse_outside(self, path: Path, name: str) -> None:
        if not self.confined:
            return
        root = Path(os.path.realpath(self.root or ""))
        if not path.is_relative_to(root):
            raise FileRefused(f"{_quoted(name)} is not opened: it lies outside of the input path.")
        if path == root / UPLOADS:
            raise FileRefused(f"{_quoted(name)} is not opened: it has the files of all callers.")

    def _located(self, name: str, base: str | os.PathLike[str] | None) -> str:
        """Join a relative name to `base`, and a relative `base` to `root`."""
        check_name(name)
        for start in (base, self.root):
            if start is not None and not is_url(name) and not Path(name).is_absolute():
                name = join(str(start), name)
        check_name(name)
        return name

    def url_options(self, url: str) -> Mapping[str, Any]:
        """Return options for fsspec: an allowed URL must not redirect elsewhere."""
        if self.confined and url.startswith(("http:", "https:")):
            return {"allow_redirects": False}
        return {}

    def require_url(self, url: str) -> None:
        """Raise `FileRefused` for a URL outside the sender's rights."""
        check_name(url)
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
    """Write buffers to a path, atomically, or to a URL of fsspec.

    Missing folders are created. Raises `NotWritten` if the target cannot be written.
    """
    if is_url(target):
        _write_url(target, buffers)
        return
    path = Path(os.path.realpath(target))  # a link is followed, not replaced
    try:
        if path.is_file() or not path.exists():
            with new_file(path) as file:
                file.writelines(buffers)
        else:
            _write_directly(path, buffers)  # a pipe or device
    except OSError as error:
        raise NotWritten(f"Cannot write {_quoted(target)}: {error.strerror or error}.") from None


def make_folder(name: str) -> None:
    """Make a folder for user code if it does not exist and can be made; URLs have none."""
    if not is_url(name):
        with suppress(OSError):  # what cannot write there reports it, and the rest works
            Path(name).mkdir(parents=True, exist_ok=True)


def _quoted(name: str) -> str:
    return repr(shortened(name, _LONGEST))


def join(folder: str, name: str) -> str:
    """Join a folder and a name, as paths or URLs.

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
    # Remote file systems write when the file is closed, and raise exceptions of their own.
    except Exception as error:
        raise NotWritten(f"Cannot write {_quoted(url)}: {type(error).__name__}: {error}") from None


def _write_directly(path: Path, buffers: Iterable[Buffer]) -> None:
    with path.open("wb") as file:
        file.writelines(buffers)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write, which is at its path once the `with` has ended without an error.

    Missing folders are created. Raises `OSError`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{os.urandom(16).hex()}")
    try:
        with draft.open("xb") as file:
            yield file
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _open_descriptor(name: str) -> BinaryIO:
    """Open a descriptor of the shell, such as the pipe of `<(command)`."""
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise MissingFile(f"Cannot read {_quoted(name)}: {error.strerror}.") from None


def _open_regular(path: Path, name: str) -> BinaryIO:
    """Open a regular file; opening anything else fails without blocking."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise MissingFile(f"Cannot read {_quoted(name)}: {error.strerror}.") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise MissingFile(f"Cannot read {_quoted(name)}: it is not a regular file.")
    return os.fdopen(descriptor, "rb")


def _real_path(file: BinaryIO) -> Path:
    """Return the current path of an open file, even if its parent folders were moved."""
    if sys.platform == "darwin":
        named = fcntl.fcntl(file, fcntl.F_GETPATH, bytes(1024))
        return Path(os.fsdecode(named.rstrip(b"\0")))
    return Path(f"/proc/self/fd/{file.fileno()}").readlink()


def _unquoted(url: str) -> str:
    """Decode the percent signs of a URL, repeatedly, as some servers do."""
    for _ in range(_MOST_ENCODINGS):
        url = unquote(url)
    return url


_MOST_ENCODINGS = 4
_SEPARATORS = re.compile(r"[/\\?#]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")  # some parsers of URLs drop such characters


def _open_url(url: str, mode: str, **options: Any) -> BinaryIO:
    import fsspec  # takes 150 ms, only for URLs

    try:
        opened = fsspec.open(url, mode, **options)
        file: BinaryIO = opened.open()
        weakref.finalize(file, id, opened)  # keeps an archive open with its member
        return file
    except ImportError as error:
        raise InvalidOption(
            f"{_quoted(url)} needs a package that is not installed: {error}."
        ) from None
    # Each file system of fsspec raises exceptions of its own.
    except Exception as error:
        raise MissingFile(f"Cannot open {_quoted(url)}: {type(error).__name__}: {error}") from None
