"""Documents of regression cases: finding, reading and writing them, and the scope of a case."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel

from runtime_core import documents
from runtime_core.calls import Scope
from runtime_core.catalog import Catalog
from runtime_core.cli import CommandContext, completed, is_payload, read_payload
from runtime_core.config import CORE_OPTIONS, dump, resolve
from runtime_core.contracts import Buffer, Format
from runtime_core.errors import InvalidOption, MissingFile, NotWritten, listed
from runtime_core.files import FileAccess, is_url, join, write
from runtime_core.run_logs import unlogged_run
from runtime_core.runtime import Runtime, local_runtime
from tesseract_runtime_workbench.regression_test.case import RegressionCase

_USED = set(CORE_OPTIONS) - {"api_path", "gradient_backend"}  # the Tesseract is loaded already


@dataclass(frozen=True, kw_only=True)
class CaseDocument:
    """A case as in its file, which need not be valid.

    `file` is the absolute path or the URL of its file, `position` its place in the list of that
    file, and `label` its name in reports; a case that is a payload has no label, and may have no
    file.
    """

    file: str
    label: str
    tree: Any
    position: int | None = None

    @property
    def endpoint(self) -> str:
        """The endpoint in the document, or an empty text."""
        endpoint = self.tree.get("endpoint") if isinstance(self.tree, dict) else None
        return endpoint if isinstance(endpoint, str) else ""

    def scope(self, runtime: Runtime, case: RegressionCase) -> Scope:
        """Make the scope of the validated case with its `cli_config`; its logs are dropped.

        Relative paths start from the folder of the file. Raises `InvalidOption`.
        """
        config = runtime.config
        flags = {
            option: self._located(value) if option in ("input_path", "output_path") else value
            for option, value in case.cli_config.items()
            if option in _USED and value is not None
        }
        if flags:
            config = resolve(runtime.catalog, flags={**dump(config), **flags}, environment={})
        run = unlogged_run(case.endpoint, config)
        return local_runtime(runtime.catalog, config).scope(run)

    def _located(self, path: object) -> object:
        if not isinstance(path, str) or is_url(path):
            return path
        folder = self.file.rpartition("/")[0] if is_url(self.file) else str(Path(self.file).parent)
        return join(folder, path)


def read_cases(arguments: Sequence[str], catalog: Catalog) -> list[CaseDocument]:
    """Read the cases of payloads, files and folders in their order.

    A payload is one of the command line, such as JSON text or `@PATH`. A folder stands for all
    files in it, at any depth, that a format of the catalog reads. Raises `MissingFile` when there
    are none, and `UnreadableDocument` for a document not in its format.
    """
    return [case for argument in arguments for case in _cases_of(argument, catalog)]


def _cases_of(argument: str, catalog: Catalog) -> Iterator[CaseDocument]:
    if is_payload(argument):
        for case in _cases(argument, catalog):
            yield replace(case, label="")
        return
    for file in _files(argument, catalog):
        yield from _cases(f"@{file}", catalog)


def _files(path: str, catalog: Catalog) -> Sequence[str]:
    if is_url(path) or not Path(path).is_dir():
        return [path]
    suffixes = _suffixes(catalog)
    files = [file for file in Path(path).rglob("*") if file.suffix in suffixes and file.is_file()]
    if not files:
        raise MissingFile(
            f"There are no cases in {path!r}: no file in it ends with {listed(suffixes)}."
        )
    return [str(file) for file in sorted(files)]


def _suffixes(catalog: Catalog) -> set[str]:
    """Return the suffixes of the files that a folder of cases stands for."""
    return {suffix for format_ in catalog.formats for suffix in format_.suffixes}


def _cases(payload: str, catalog: Catalog) -> Iterator[CaseDocument]:
    name = payload[1:] if payload.startswith("@") else "-"
    body, format_name = read_payload(payload, catalog)
    noun = "case" if name == "-" else f"case file {name!r}"
    tree = documents.read(body, catalog.formats.find(format_name), noun=noun)
    file = name if is_url(name) else str(Path(name).absolute())  # user code may change the folder
    if tree == []:
        raise MissingFile(f"There are no cases in {name!r}: its list is empty.")
    for position, case in enumerate(tree if isinstance(tree, list) else [tree]):
        label = f"{name}[{position}]" if isinstance(tree, list) else name
        place = position if isinstance(tree, list) else None
        yield CaseDocument(file=file, label=label, tree=case, position=place)


def new_case(
    file: str, payloads: Sequence[str], options: Mapping[str, Any], context: CommandContext
) -> CaseDocument:
    """Return a case without expected outputs, whose file does not exist yet.

    `payloads` must be one payload of the command line; `options` are the tolerances, the endpoint,
    and the paths of the short forms. Raises `InvalidOption`, `UnreadableDocument` or `MissingFile`.
    """
    if len(payloads) != 1:
        raise InvalidOption(f"Name one payload: test --record {file} @inputs.json.")
    if Path(file).suffix not in (suffixes := _suffixes(context.catalog)):
        raise InvalidOption(
            f"The case {file!r} would not be run with its folder: its name must end with one of "
            f"{listed(suffixes)}."
        )
    if Path(file).exists():
        raise InvalidOption(f"{file!r} exists already: record its cases anew with --update.")
    keys = dict(options)
    endpoint, wrt, of = keys.pop("endpoint", "apply"), keys.pop("wrt", None), keys.pop("of", None)
    given = read_payload(payloads[0], context.catalog)
    body, name = completed(given, context, endpoint, only_inputs=False, wrt=wrt, of=of)
    payload = documents.read(body, context.catalog.formats.find(name))
    tree = {"endpoint": endpoint, "payload": payload, **keys}
    return CaseDocument(file=str(Path(file).absolute()), label=file, tree=tree)


def write_outputs(document: CaseDocument, result: BaseModel, catalog: Catalog) -> None:
    """Write a case to its file, with a result as the expected outputs, in the current scope."""
    format_ = _format_of(document.file, catalog)
    tree = documents.tree_of(result, {"array_encoding": format_.array_encoding})
    outputs = documents.read(b"".join(documents.write(tree, format_)), format_)
    whole: Any = {**document.tree, "expected_outputs": outputs}
    if document.position is not None:
        body = FileAccess(root=None, confined=False).read(document.file)
        cases = documents.read(body, format_, noun=f"case file {document.file!r}")
        cases[document.position], whole = whole, cases
    write(document.file, _written(whole, format_))


def _format_of(file: str, catalog: Catalog) -> Format:
    """Return the format of a case file by its suffix, JSON if it is unknown."""
    suffix = PurePosixPath(file).suffix
    return documents.format_of_suffix(catalog, suffix) or catalog.formats.find("json")


def _written(tree: Any, format_: Format) -> Sequence[Buffer]:
    """Return the bytes of cases, in JSON with short lines for the eyes and for `git diff`."""
    if format_.name != "json":
        return documents.write(tree, format_)
    try:
        text = json.dumps(tree, indent=2, ensure_ascii=False)
    except TypeError:  # arrays of another format
        raise NotWritten("A case in JSON needs a payload in JSON.") from None
    return [(_NUMBERS.sub(_on_one_line, text) + "\n").encode("utf-8", "surrogatepass")]


_NUMBERS = re.compile(r"\[\n([^\[\]{}]*)\n *\]")  # a line break is never inside of a string


def _on_one_line(found: re.Match[str]) -> str:
    return "[" + re.sub(r"\n *", " ", found[1].lstrip(" ")) + "]"
