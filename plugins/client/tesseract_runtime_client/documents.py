"""Payloads and results as documents: numpy arrays on this side, bytes on the other."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError as PydanticValidationError
from pydantic_core import to_json

from runtime_core import documents
from runtime_core.arrays import SEGMENT, Segment
from runtime_core.calls import Scope, Workspace, enter_scope
from runtime_core.catalog import Catalog
from runtime_core.config import CORE_OPTIONS, RuntimeConfig, resolve
from runtime_core.contracts import ArrayEncoding, Buffer, Format, Wire
from runtime_core.documents import writable
from runtime_core.errors import (
    InvalidOption,
    InvalidResult,
    TesseractRuntimeError,
    UnreadableDocument,
)
from runtime_core.files import FileAccess
from tesseract_runtime_client.errors import ValidationError
from tesseract_runtime_client.run_files import with_files
from tesseract_runtime_client.runtime_calls import PathLike
from tesseract_runtime_client.segments import RegisteredSegment
from tesseract_runtime_client.transport import Answer, Transport
from tesseract_runtime_client.trees import PayloadTree, unwritable, with_arrays

_BEST_FIRST = ("msgpack", "json+base64")

_ANY_ENCODING = "json"
"""The format of documents where only the encoding of arrays is chosen."""


class Documents:
    """Writes payloads and reads results with the formats of a catalog, outside of any call.

    Paths are relative to those of `config`. Results may have arrays in files below `files`, which
    is the output path of the other side. `chosen` is the user's format for results, and
    `array_encoding` that of arrays; raises `UnknownName` or `InvalidOption` if they cannot be used.
    """

    def __init__(
        self,
        catalog: Catalog,
        config: RuntimeConfig,
        chosen: str | None = None,
        files: PathLike | None = None,
        array_encoding: str | None = None,
    ) -> None:
        self.catalog = catalog
        self.array_encoding = array_encoding
        self.chosen = _ANY_ENCODING if array_encoding and chosen is None else chosen
        if self.chosen is not None:
            _, encoding = self._writable(self.chosen)
            if encoding.writes_files and files is None:
                raise _in_files(encoding.name if array_encoding else self.chosen)
        flags = {"input_path": config.input_path, "output_path": config.output_path}
        flags |= {name: config.given[name] for name in config.given if name not in CORE_OPTIONS}
        config = resolve(catalog, flags=flags, environment={})  # limits are for foreign payloads
        root = None if files is None else os.path.realpath(files)
        access = FileAccess(root=root)
        self._workspace = Workspace(catalog=catalog, config=config, files=access)
        self._transport: Transport | None = None  # that of files in payloads and results

    def connect(self, transport: Transport) -> None:
        """Send and fetch the files of documents by a transport from now on."""
        self._transport = transport
        self.__dict__.pop("_has_paths", None)  # of what was served before

    def output(self, name: str) -> Wire:
        """Return the form of results in a format."""
        return Wire(format=name, array_encoding=self.array_encoding)

    def payload_format(self, answer_format: str) -> str:
        """Return the format of the payload: that of the answer, unless it writes files."""
        _, encoding = self._writable(answer_format)
        return _BEST_FIRST[-1] if encoding.writes_files else answer_format

    def _writable(self, name: str) -> tuple[Format, ArrayEncoding]:
        return writable(self.output(name), self.catalog)

    def write(
        self,
        payload: Mapping[str, Any],
        format: str,
        run_id: str,
        segment: RegisteredSegment | None = None,
    ) -> Sequence[Buffer]:
        """Return the document of a payload in pieces; some are the memory of its arrays.

        Large arrays are copied into the segment, if there is one.
        Raises `ValidationError` with every value that a document cannot hold.
        """
        format_ = self.catalog.formats.find(format)
        encoding = self.array_encoding if format_.any_encoding else None
        options = {"array_encoding": encoding or format_.array_encoding, **_options(segment)}
        with enter_scope(self._scope(options)) as writing:
            tree = PayloadTree(writing.options, self._sent)
            written = tree.of(payload, ("body",))
        if tree.faults:
            raise ValidationError.of(tree.faults, run_id)
        try:
            return documents.write(written, format_)
        except InvalidResult as error:
            raise ValidationError.of([unwritable(("body",), str(error))], run_id) from None

    def read(self, answer: Answer, segment: RegisteredSegment | None = None) -> Any:
        """Return the values of a result; its arrays are writable and own their memory.

        Some may be in the segment.
        Raises `UnreadableDocument` for bytes that do not follow the format.
        """
        format_ = self.catalog.formats.find(answer.format)
        with enter_scope(self._scope(_options(segment))) as reading:
            tree = documents.read(answer.body, format_, noun="answer", views=True)
            try:
                values = with_arrays(tree, reading.options)
            except PydanticValidationError as error:
                problem = error.errors(include_url=False, include_input=False)[0]["msg"]
                raise UnreadableDocument(
                    f"An array of the answer cannot be read: {problem}"
                ) from None
        if self._transport is None or not self._has_paths:
            return values
        return with_files(values, self._transport)

    def _sent(self, path: Path) -> str | None:
        return None if self._transport is None else self._transport.send(path)

    @cached_property
    def _has_paths(self) -> bool:
        """Whether results can name files, which most schemas leave out."""
        assert self._transport is not None
        try:
            return b'"format":"path"' in to_json(self._transport.get("openapi.json"))
        except TesseractRuntimeError:
            return False  # another server, without such a document

    def _scope(self, options: dict[str, Any]) -> Scope:
        return Scope(workspace=self._workspace, options=options)


def _options(segment: RegisteredSegment | None) -> dict[str, Any]:
    """Return the pydantic context of a document with arrays in a segment."""
    return {} if segment is None else {SEGMENT: Segment(segment.memory)}


def best_format(catalog: Catalog, theirs: Collection[str]) -> str:
    """Return the fastest format that both sides have."""
    return next(
        (name for name in _BEST_FIRST if name in theirs and name in catalog.formats),
        _BEST_FIRST[-1],  # every server has it, even if its document does not say so
    )


def _in_files(name: str) -> InvalidOption:
    return InvalidOption(
        f"encoding={name!r} would leave results in files of the Tesseract's machine. "
        f"Choose another: {', '.join(_BEST_FIRST)}."
    )
