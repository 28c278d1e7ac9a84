"""Files of regression cases: finding and reading them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime_core import documents
from runtime_core.catalog import Catalog
from runtime_core.cli.payloads import read_payload
from runtime_core.errors import MissingFile, listed
from runtime_core.files import is_url


@dataclass(frozen=True, kw_only=True)
class WrittenCase:
    """A case as its file has it: the tree of a document, which need not be valid.

    `file` is the absolute path or the URL of its file, `label` what reports call it.
    """

    file: str
    label: str
    document: Any


def find_cases(paths: Sequence[str], catalog: Catalog) -> list[WrittenCase]:
    """Return the cases of files and folders in the order of their paths.

    A folder stands for all files in it, at any depth, that a format of the catalog reads. Raises
    `MissingFile` when there are none, and `UnreadableDocument` for one that is not in its format.
    """
    names = [name for path in paths for name in _names(path, catalog)]
    return [case for name in names for case in _cases(name, catalog)]


def _names(path: str, catalog: Catalog) -> Sequence[str]:
    if is_url(path) or not Path(path).is_dir():
        return [path]
    suffixes = {suffix for format_ in catalog.formats for suffix in format_.suffixes}
    files = [file for file in Path(path).rglob("*") if file.suffix in suffixes and file.is_file()]
    if not files:
        raise MissingFile(
            f"There are no cases in {path!r}: no file in it ends with {listed(suffixes)}."
        )
    return [str(file) for file in sorted(files)]


def _cases(name: str, catalog: Catalog) -> Iterator[WrittenCase]:
    document = _document(name, catalog)
    file = name if is_url(name) else str(Path(name).absolute())  # user code may change the folder
    if not isinstance(document, list):
        yield WrittenCase(file=file, label=name, document=document)
        return
    if not document:
        raise MissingFile(f"There are no cases in {name!r}: its list is empty.")
    for position, case in enumerate(document):
        yield WrittenCase(file=file, label=f"{name}[{position}]", document=case)


def _document(name: str, catalog: Catalog) -> Any:
    body, format_name = read_payload(f"@{name}", catalog)
    return documents.read(body, catalog.formats.find(format_name), noun=f"case file {name!r}")
