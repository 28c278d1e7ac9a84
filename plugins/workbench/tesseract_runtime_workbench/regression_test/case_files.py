"""Files of regression cases: finding and reading them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime_core import documents
from runtime_core.catalog import Catalog
from runtime_core.cli import read_payload
from runtime_core.errors import MissingFile, listed
from runtime_core.files import is_url


@dataclass(frozen=True, kw_only=True)
class CaseDocument:
    """A case as its file has it, which need not be valid.

    `file` is the absolute path or the URL of its file, `label` its name in reports.
    """

    file: str
    label: str
    tree: Any

    @property
    def endpoint(self) -> str:
        """The endpoint that the document names, or an empty text."""
        endpoint = self.tree.get("endpoint") if isinstance(self.tree, dict) else None
        return endpoint if isinstance(endpoint, str) else ""


def read_cases(paths: Sequence[str], catalog: Catalog) -> list[CaseDocument]:
    """Read the cases of files and folders in the order of their paths.

    A folder stands for all files in it, at any depth, that a format of the catalog reads. Raises
    `MissingFile` when there are none, and `UnreadableDocument` for one that is not in its format.
    """
    files = [file for path in paths for file in _files(path, catalog)]
    return [case for file in files for case in _cases(file, catalog)]


def _files(path: str, catalog: Catalog) -> Sequence[str]:
    if is_url(path) or not Path(path).is_dir():
        return [path]
    suffixes = {suffix for format_ in catalog.formats for suffix in format_.suffixes}
    files = [file for file in Path(path).rglob("*") if file.suffix in suffixes and file.is_file()]
    if not files:
        raise MissingFile(
            f"There are no cases in {path!r}: no file in it ends with {listed(suffixes)}."
        )
    return [str(file) for file in sorted(files)]


def _cases(name: str, catalog: Catalog) -> Iterator[CaseDocument]:
    body, format_name = read_payload(f"@{name}", catalog)
    tree = documents.read(body, catalog.formats.find(format_name), noun=f"case file {name!r}")
    file = name if is_url(name) else str(Path(name).absolute())  # user code may change the folder
    if not isinstance(tree, list):
        yield CaseDocument(file=file, label=name, tree=tree)
        return
    if not tree:
        raise MissingFile(f"There are no cases in {name!r}: its list is empty.")
    for position, case in enumerate(tree):
        yield CaseDocument(file=file, label=f"{name}[{position}]", tree=case)
