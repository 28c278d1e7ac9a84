"""The files that match a glob, within the rights of the caller."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from glob import glob, has_magic
from itertools import count
from pathlib import Path, PurePath

from runtime_core.errors import FileRefused, InvalidOption, MissingFile
from runtime_core.files import FileAccess, check_name, is_url, join
from tesseract_runtime_authoring.path_root import INPUTS, quoted


def names_matching(pattern: str, files: FileAccess) -> Sequence[str]:
    """Return the sorted names of all files that match a glob.

    `*`, `?` and `[...]` match in a name, `**` any number of folders; as in a shell, names that
    begin with a dot need one in the pattern. Folders and links out of the places that `files` may
    read are neither listed nor followed. Raises `MissingFile` if nothing matches, and the errors
    of `FileAccess.resolve`.
    """
    check_name(pattern)
    relative = not is_url(pattern) and not Path(pattern).is_absolute()
    located = join(files.root, pattern) if relative and files.root is not None else pattern
    names = set(_remote(located, files) if is_url(located) else _local(pattern, files))
    if not names:
        place = f" in {INPUTS.place()}" if relative else ""
        raise MissingFile(f"No file matches {quoted('@' + pattern)}{place}.")
    return sorted(names)


def _local(pattern: str, files: FileAccess) -> set[str]:
    files.resolve(pattern)  # errors about rights name the pattern, not a folder on the way
    folder = PurePath(pattern).anchor or (str(Path.cwd()) if files.root is None else "")
    *folders, last = _parts(pattern)
    found = {folder}
    rest = count(_MOST_NAMES, -1)
    for part in folders:
        names = _limited(_matches(found, part, files), rest, pattern)
        # Names without a wildcard are checked at the end.
        found = {name for name in names if not has_magic(part) or files.resolve(name).is_dir()}
    names = _limited(_matches(found, last, files), rest, pattern)
    located = {name: files.resolve(name) for name in names}
    return {name for name, path in located.items() if path.exists() and not path.is_dir()}


def _parts(pattern: str) -> list[str]:
    """Split a pattern; `**` at its end means all files there, and several in a row are one."""
    path = PurePath(pattern)
    parts = list(path.relative_to(path.anchor).parts) or [""]
    before = ["", *parts]
    single = [part for part, last in zip(parts, before, strict=False) if (part, last) != _REPEATED]
    return [*single, "*"] if single[-1] == "**" else single


_REPEATED = ("**", "**")


def _limited(names: Iterable[str], rest: Iterator[int], pattern: str) -> Iterator[str]:
    """Yield names while there are some left of the rest; `..` can multiply them without end."""
    for name, left in zip(names, rest, strict=False):
        if left <= 0:
            raise FileRefused(f"{quoted('@' + pattern)} matches more than {_MOST_NAMES} names.")
        yield name


_MOST_NAMES = 100_000  # of files, and of folders on the way


def _matches(folders: Iterable[str], part: str, files: FileAccess) -> Iterator[str]:
    """Yield the names in each folder that match one part of a pattern."""
    seen: set[str] = set()
    for folder in folders:
        if part == "**":
            yield from _all_below(folder, files, seen)
        elif has_magic(part):
            # Unlike pathlib's, this glob leaves hidden files out, as a shell does.
            names = glob(part, root_dir=files.resolve(folder))  # noqa: PTH207
            yield from (join(folder, name) for name in names)
        else:
            yield join(folder, part)


def _all_below(folder: str, files: FileAccess, seen: set[str]) -> Iterator[str]:
    """Yield a folder and all visible folders below it, without following links.

    Those that are in `seen`, which grows, and all below them are left out.
    """
    if folder in seen:
        return
    seen.add(folder)
    yield folder  # even if it cannot be listed: a name in it may still be found
    root = files.resolve(folder)
    for path, names, _ in os.walk(root):
        below = [Path(path, name) for name in names if not name.startswith(".")]
        children = [child for child in below if not child.is_symlink()]
        located = {child.name: join(folder, os.path.relpath(child, root)) for child in children}
        names[:] = [name for name, place in located.items() if place not in seen]
        new = [located[name] for name in names]
        seen.update(new)
        yield from new


def _remote(pattern: str, files: FileAccess) -> Iterator[str]:
    files.require_url(pattern)
    try:
        import fsspec  # 150 ms, and only a URL needs it

        system, path = fsspec.core.url_to_fs(pattern, **files.url_options(pattern))
        found = system.glob(path, detail=True)
    except ImportError as error:
        raise InvalidOption(
            f"{quoted(pattern)} needs a package that is not installed: {error}."
        ) from None
    # Each file system of fsspec raises its own errors; a user needs their text.
    except Exception as error:
        raise MissingFile(
            f"Cannot list {quoted(pattern)}: {type(error).__name__}: {error}"
        ) from None
    url, *archive = pattern.split("::", 1)  # as in zip://*.json::points.zip
    start, plain_url = _plain_part(path), _plain_part(url)
    for name, facts in found.items():
        if name.startswith(start) and facts["type"] != "directory":
            yield "::".join((plain_url + name.removeprefix(start), *archive))


def _plain_part(pattern: str) -> str:
    """Return the folders before the first part with a wildcard.

    >>> _plain_part("s3://bucket/runs/*/a.json")
    's3://bucket/runs/'
    """
    plain = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    return plain[: plain.rfind("/") + 1]
