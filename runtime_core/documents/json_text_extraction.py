"""Keeping the long texts of arrays in a JSON document away from the parser.

A parser would copy the base64 of a large array twice. Instead a token replaces each long text under
the key `buffer` during parsing, and every text is put back at its place in the tree.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from mmap import mmap
from typing import Any

from pydantic_core import from_json

from runtime_core.contracts import InvalidSyntax
from runtime_core.documents.splices import LARGE

_KEY = b'"buffer"'
_BEFORE_TEXT = re.compile(rb'\s*:\s*"')
_CONTROL = re.compile(r"[\x00-\x1f]")
_PARENTS = frozenset({dict, list, str})

Document = bytes | bytearray | mmap


class LongTexts:
    """The long texts of one document; with `views` they are put back as memoryviews of it."""

    def __init__(self, document: Document, *, views: bool) -> None:
        self._document = document
        self._views = views
        self._texts: dict[str, memoryview] = {}
        self.short = self._shortened()

    def tree(self) -> Any:
        """Return the tree of the document; raises `InvalidSyntax` for one that is not valid."""
        try:
            tree = from_json(self.short)
            return self._restored(tree) if self._texts else tree
        except ValueError:
            return parsed(self._document)  # its error has the position in the whole

    def _shortened(self) -> bytes | bytearray:
        document, pieces, start = self._document, list[bytes | bytearray](), 0
        prefix = os.urandom(16).hex()  # random, so that no document has it
        for begin, end in _long_texts(document):
            token = f"{prefix}{len(self._texts)}"
            self._texts[token] = memoryview(document)[begin:end]
            pieces += [document[start:begin], token.encode("ascii")]
            start = end
        return b"".join([*pieces, document[start:]])

    def _restored(self, node: Any) -> Any:
        """Put the texts back into a part of the tree, in place, and return it."""
        kind = type(node)
        if kind is str:
            return self._text(node) if node in self._texts else node
        if kind is dict:
            if self._views:
                self._restore_view(node)
            for key, value in node.items():
                if type(value) in _PARENTS:
                    node[key] = self._restored(value)
        elif kind is list and not _PARENTS.isdisjoint(map(type, node)):
            node[:] = map(self._restored, node)
        return node

    def _restore_view(self, node: dict[str, Any]) -> None:
        """Put a memoryview into an array document whose base64 text is long."""
        data = node.get("data")
        if type(data) is dict and data.get("encoding") == "base64" and node.keys() >= _ARRAY_KEYS:
            token = data.get("buffer")
            if type(token) is str and token in self._texts:
                data["buffer"] = self._texts.pop(token)

    def _text(self, token: str) -> str:
        """Decode a text as the parser would; raises `ValueError` where the parser would."""
        text = str(self._texts.pop(token), "utf-8")
        if _CONTROL.search(text):
            raise ValueError("control character in a string")
        return text


def parsed(document: Document) -> Any:
    """Return the tree of a document; raises `InvalidSyntax` for one that is not valid."""
    whole = bytes(document) if isinstance(document, mmap) else document
    try:
        return from_json(whole)
    except ValueError as error:
        raise _invalid_syntax(error, whole) from None


def _invalid_syntax(error: ValueError, document: bytes | bytearray) -> InvalidSyntax:
    """Return an error of the parser with its position in the document."""
    match = _ERROR.fullmatch(str(error))
    assert match is not None  # it matches any text
    problem, line, column = match.groups(default="1")
    position = len(document)
    if not problem.startswith("EOF"):
        before = document.split(b"\n", int(line) - 1)[:-1]
        position = sum(len(part) + 1 for part in before) + int(column) - 1
    is_quote = document[position : position + 1] == b"'"  # as Python writes its mappings
    hint = ". Write double quotes." if is_quote else ""
    return InvalidSyntax(f"{error}{hint}", language="json", problem=problem, position=position)


_ERROR = re.compile(r"(.*?)(?: at line (\d+) column (\d+))?", re.DOTALL)

_ARRAY_KEYS = frozenset({"shape", "dtype", "data"})


def _long_texts(document: Document) -> Iterator[tuple[int, int]]:
    """Yield the beginning and end of each long text of a buffer that has no escapes."""
    position = document.find(_KEY)
    while position >= 0:
        position += len(_KEY)
        opening = _BEFORE_TEXT.match(document, position)
        if opening is not None:
            begin = opening.end()
            position = document.find(b'"', begin)
            if position < 0:
                return  # it is not JSON, as the parser will report
            if position - begin >= LARGE and document.find(b"\\", begin, position) < 0:
                yield begin, position
        position = document.find(_KEY, position)
