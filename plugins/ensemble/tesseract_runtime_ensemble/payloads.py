"""The payloads of `map`: lines of a file or of stdin, or the files of a folder or pattern."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

from pydantic_core import from_json

from runtime_core.catalog import Catalog
from runtime_core.cli import read_payload
from runtime_core.errors import InvalidOption, MissingFile, UnreadableDocument
from runtime_core.files import FileAccess, check_name
from tesseract_runtime_ensemble.ensemble import Ensemble, Evaluation
from tesseract_runtime_ensemble.table import RECORD

_MOST_FAULTS = 5  # in a message

_CHUNK = 2**20


def payloads_of(
    name: str, endpoint: str, catalog: Catalog, opened: ExitStack, *, out: Path
) -> Ensemble:
    """Return the payloads of INPUTS, all of which are read once for their digest.

    The table `out` in a folder is left out. A file with lines stays open as long as `opened`.
    Raises `MissingFile` if there are none, `InvalidOption` for lines in `out`, and
    `UnreadableDocument` for lines that are not JSON.
    """
    if name == "-":
        return _of_lines(opened.enter_context(_spooled()), "stdin", endpoint)
    check_name(name)
    path = Path(name)
    if name.startswith("@") and not path.exists():
        raise MissingFile(f"Cannot read {name!r}. Name the file without '@': {name[1:]!r}.")
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if _is_payload(each, out))
        return _of_files(files, name, endpoint, catalog)
    if glob.has_magic(name) and not path.exists():
        found = map(Path, glob.glob(name, recursive=True))  # noqa: PTH207  # it may be absolute
        files = sorted(each for each in found if each.is_file() and not _is_of(out, each))
        return _of_files(files, name, endpoint, catalog)
    if _is_of(out, path):
        raise InvalidOption(f"{name} has the payloads, and cannot be OUT too: name another table.")
    file = opened.enter_context(FileAccess(root=None, confined=False).open(name))
    return _of_lines(file, name, endpoint)


def _is_payload(path: Path, out: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and not _is_of(out, path)


def _is_of(out: Path, path: Path) -> bool:
    """Check whether a path is the table or its record, or in the table."""
    table, found = out.resolve(), path.resolve()
    record = table.with_name(f"{table.name}{RECORD}")
    return found == record or table in (found, *found.parents)


def _spooled() -> BinaryIO:
    """Return a temporary file with all of stdin, which can be read again."""
    file: Any = TemporaryFile()  # noqa: SIM115  # the caller closes it
    with open(0, "rb", closefd=False) as stdin:
        shutil.copyfileobj(stdin, file, _CHUNK)
    return cast("BinaryIO", file)


def _of_lines(file: BinaryIO, name: str, endpoint: str) -> Ensemble:
    digest, number, faults = hashlib.sha256(), 0, []
    for line_number, line in _lines(file):
        number += 1
        digest.update(line.rstrip() + b"\n")
        try:
            from_json(line)
        except ValueError as error:
            problem = str(error).replace(" at line 1 column ", " at character ")
            faults.append(f"  line {line_number}: {problem}")
            if len(faults) > _MOST_FAULTS:
                break
    if faults:
        more = "\n  and more" if faults[_MOST_FAULTS:] else ""
        text = "\n".join(faults[:_MOST_FAULTS])
        raise UnreadableDocument(f"{name} must have one JSON payload on each line:\n{text}{more}")
    return _ensemble(name, endpoint, number, digest.hexdigest(), partial(_of_each_line, file))


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers."""
    file.seek(0)
    for number, line in enumerate(file, 1):
        if line.strip():
            yield number, line


def _of_each_line(
    file: BinaryIO, wanted: Callable[[int], bool]
) -> Iterator[tuple[int, Evaluation]]:
    for index, (number, line) in enumerate(_lines(file)):
        if wanted(index):
            yield index, Evaluation(body=line, body_format="json", inputs={"line": number})


def _of_files(files: Sequence[Path], name: str, endpoint: str, catalog: Catalog) -> Ensemble:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(b"%b\0%b\0" % (os.fsencode(path.name), content.encode()))

    def evaluations(wanted: Callable[[int], bool]) -> Iterator[tuple[int, Evaluation]]:
        for index, path in enumerate(files):
            if wanted(index):
                body, format_ = read_payload(f"@{path}", catalog)
                file = os.fsencode(path.name).decode(errors="backslashreplace")
                yield index, Evaluation(body=body, body_format=format_, inputs={"file": file})

    return _ensemble(name, endpoint, len(files), digest.hexdigest(), evaluations)


def _ensemble(name: str, endpoint: str, number: int, digest: str, evaluations: Any) -> Ensemble:
    if not number:
        raise MissingFile(f"{name} has no payloads.")
    facts = {"payloads": number, "digest of the payloads": digest}
    return Ensemble(endpoint=endpoint, number=number, facts=facts, evaluations=evaluations)
