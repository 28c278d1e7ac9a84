"""The files that match a glob, within the rights of the caller."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from glob import glob, has_magic
from pathlib import Path, PurePath
from typing import Any

from runtime_core.errors import InvalidOption, MissingFile
from runtime_core.files import FileAccess, is_url, join
from tesseract_runtime_authoring.path_root import INPUTS, quoted


def names_matching(pattern: str, files: FileAccess) -> Sequence[str]:
    """Return the names of all files that match a glob, in the order of their names.

    `*`, `?` and `[...]` are parts of a name, `**` is any number of folders; as in a shell, names
    that begin with a dot need one in the pattern. A folder or link that leads out of the places
    that `files` may read is neither listed nor followed. Raises `MissingFile` if nothing matches,
    and the errors of `FileAccess.resolve`.
    """
    relative = not is_url(pattern) and not Path(pattern).is_absolute()
    located = join(files.root, pattern) if relative and files.root is not None else pattern
    names = _remote(located, files) if is_url(located) else _local(pattern, files)
    if not names:
        place = f" in {INPUTS.place()}" if relative else ""
        raise MissingFile(f"No file matches {quoted('@' + pattern)}{place}.")
    return sorted(names)


def _local(pattern: str, files: FileAccess) -> set[str]:
    files.resolve(pattern)  # errors about rights name the pattern, not a folder on the way
    folder = PurePath(pattern).anchor or (str(Path.cwd()) if files.root is None else "")
    *folders, last = _parts(pattern)
    found = {folder}
    for part in folders:
        found = {name for name in _stepped(found, part, files) if _leads_on(name, part, files)}
    return {name for name in _stepped(found, last, files) if _is_item(name, files)}


def _parts(pattern: str) -> list[str]:
    """Return the parts of a pattern; `**` at its end means all files there."""
    path = PurePath(pattern)
    parts = list(path.relative_to(path.anchor).parts) or [""]
    return [*parts, "*"] if parts[-1] == "**" else parts


def _stepped(folders: Iterable[str], part: str, files: FileAccess) -> Iterator[str]:
    """Yield the names that match one part of a pattern in each folder."""
    for folder in folders:
        if part == "**":
            yield from _all_below(folder, files)
        elif has_magic(part):
            # Unlike that of pathlib, this glob leaves hidden files out, as a shell does.
            names = glob(part, root_dir=files.resolve(folder))  # noqa: PTH207
            yield from (join(folder, name) for name in names)
        else:
            yield join(folder, part)


def _all_below(folder: str, files: FileAccess) -> Iterator[str]:
    """Yield a folder and all folders below that are not hidden, without following links."""
    yield folder  # also if it cannot be listed: a name in it may still be found
    root = files.resolve(folder)
    for path, names, _ in os.walk(root):
        below = [Path(path, name) for name in names if not name.startswith(".")]
        names[:] = [child.name for child in below if not child.is_symlink()]
        yield from (join(folder, os.path.relpath(Path(path, name), root)) for name in names)


def _leads_on(name: str, part: str, files: FileAccess) -> bool:
    """Say whether to search below a name; names without a wildcard are checked at the end."""
    return not has_magic(part) or files.resolve(name).is_dir()


def _is_item(name: str, files: FileAccess) -> bool:
    path = files.resolve(name)
    return path.exists() and not path.is_dir()


def _remote(pattern: str, files: FileAccess) -> set[str]:
    files.require_url(pattern)
    url, *archive = pattern.split("::", 1)  # as in zip://*.json::points.zip
    try:
        found = set(_listed(pattern, files.url_options(pattern)))
    except ImportError as error:
        raise InvalidOption(
            f"{quoted(pattern)} needs a package that is not installed: {error}."
        ) from None
    # Each file system of fsspec has its own errors; a user needs their text.
    except Exception as error:
        raise MissingFile(
            f"Cannot list {quoted(pattern)}: {type(error).__name__}: {error}"
        ) from None
    return {"::".join((_plain_part(url) + name, *archive)) for name in found}


def _listed(pattern: str, options: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names that match, relative to the plain part of the pattern."""
    import fsspec  # 150 ms, and only a URL needs it

    system, path = fsspec.core.url_to_fs(pattern, **options)
    start = _plain_part(path)
    for name, facts in system.glob(path, detail=True).items():
        if name.startswith(start) and facts["type"] != "directory":
            yield name.removeprefix(start)


def _plain_part(pattern: str) -> str:
    """Return the folders before the first part that stands for several.

    >>> _plain_part("s3://bucket/runs/*/a.json")
    's3://bucket/runs/'
    """
    plain = _MAGIC.split(pattern, maxsplit=1)[0]
    return plain[: plain.rfind("/") + 1]


_MAGIC = re.compile(r"[*?\[]")
