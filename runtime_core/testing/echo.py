"""A Tesseract whose results are payloads: one call writes what another reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime_core import documents
from runtime_core.arrays.dtypes import DTYPES
from runtime_core.calls import scope
from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.contracts import Buffer, Call, Fault, Format, Reply, Wire
from runtime_core.errors import FaultKind
from runtime_core.runtime import Runtime, served_runtime
from runtime_core.testing.samples import arrays_in, belongs_to_its_receiver

FIELDS = "".join(f'    {name}: Array[..., "{name}"] | None = None\n' for name in DTYPES)

SOURCE = f"""
from pydantic import BaseModel, JsonValue
from runtime_core import Array

class Item(BaseModel):
    values: Array[(None,), "float64"]
    note: str | None = None

class InputSchema(BaseModel):
{FIELDS}
    items: list[Item] = []
    named: dict[str, Item] = {{}}
    pair: tuple[Item, Array[(), "int32"]] | None = None
    many: list[Array[..., "float64"]] = []
    number: float = 0.0
    whole: int = 0
    text: str = ""
    anything: JsonValue = None

class OutputSchema(BaseModel):
    inputs: InputSchema

SEEN = []
ANSWERS = []

def apply(inputs: InputSchema) -> OutputSchema:
    SEEN.append(inputs)
    return {{"inputs": ANSWERS.pop() if ANSWERS else {{}}}}
"""
"""The source, with a field for arrays of each data type, under its name."""

MOST_JSON_ITEMS = 300_000

REFUSALS = frozenset(
    {FaultKind.UNREADABLE_DOCUMENT, FaultKind.INVALID_PAYLOAD, FaultKind.MEMORY_EXCEEDED}
)
_LONGEST_MESSAGE = 20_000
_INSIDES = re.compile(
    r"NoneType|object is not|has no (attribute|len)|unhashable|without an encoding|Traceback"
)
"""Python's messages about mistakes in programs, which do not explain a document to a user."""


@dataclass(frozen=True, kw_only=True)
class Echo:
    """Calls of one Tesseract with documents of one format.

    Documents are read with the rights of a remote caller, whose files are in `folder`.
    """

    runtime: Runtime
    format: Format
    folder: Path

    def write(self, inputs: Mapping[str, Any], *, compression: str | None = None) -> bytes:
        """Return the payload of inputs, as the runtime writes it in this format."""
        return b"".join(self.answer(inputs, compression=compression).body)

    def answer(self, inputs: Mapping[str, Any], *, compression: str | None = None) -> Reply:
        """Return the reply of an `apply` whose result is the payload of inputs."""
        self.runtime.api.module.ANSWERS.append(inputs)
        wire = Wire(format=self.format.name, compression=compression)
        reply = self._apply(b'{"inputs":{}}', "json", wire)
        assert reply.fault is None, reply.fault.message
        return reply

    def read(self, document: Buffer) -> Any:
        """Return the inputs in a valid document, as `apply` receives them."""
        reply = self.reply(document)
        assert reply.fault is None, reply.fault.message
        return self.runtime.api.module.SEEN.pop()

    def reply(self, document: Buffer) -> Reply:
        """Return the reply to a document, which may be invalid."""
        return self._apply(document, self.format.name, Wire(format="json"))

    def _apply(self, body: Buffer, body_format: str, output: Wire) -> Reply:
        self.runtime.api.module.SEEN.clear()
        return self.runtime.invoke(
            Call(
                endpoint="apply",
                run_id="conformance",
                body=body,
                body_format=body_format,
                output=output,
                output_path=str(self.folder),
            )
        )

    def refusal(self, document: Buffer) -> Fault:
        """Return the fault of a document, which must be refused with a clear message."""
        fault = self.reply(document).fault
        assert fault is not None, "the document was accepted"
        check_clarity(fault)
        return fault

    def survive(self, document: Buffer) -> Any:
        """Return the inputs of a document, or `None` if it is clearly refused."""
        fault = self.reply(document).fault
        if fault is not None:
            check_clarity(fault)
            return None
        inputs = self.runtime.api.module.SEEN.pop()
        assert all(map(belongs_to_its_receiver, arrays_in(inputs)))
        return inputs

    def tree(self, document: bytes) -> Any:
        """Return the tree of a document, in which arrays are mappings."""
        with scope.enter(self.runtime.scope()):
            return documents.read(document, self.format)

    def document(self, tree: Any) -> bytes:
        """Return the document of a tree, in which buffers may be bytes-like."""
        with scope.enter(self.runtime.scope()):
            return b"".join(documents.write(tree, self.format))

    def changed(self, document: bytes, change: Callable[[Any], None]) -> bytes:
        """Return a document after a function has changed the tree of its inputs."""
        tree = self.tree(document)
        change(tree["inputs"])
        return self.document(tree)


def made_echo(catalog: Catalog, format_name: str, folder: Path) -> Echo:
    """Return an echo in a format, with its files in a folder."""
    api_path = folder / "tesseract_api.py"
    api_path.write_text(SOURCE, encoding="utf-8")
    flags = {
        "api_path": str(api_path),
        "input_path": str(folder),
        "output_path": str(folder),
        "max_json_items": MOST_JSON_ITEMS,
    }
    runtime = served_runtime(catalog, resolve(catalog, flags=flags, environment={}))
    return Echo(runtime=runtime, format=catalog.formats.find(format_name), folder=folder)


def check_clarity(fault: Fault) -> None:
    """Fail unless a fault is the sender's, and its message explains it."""
    assert fault.kind in REFUSALS, fault
    assert fault.trace == "", fault.trace
    assert len(fault.message) < _LONGEST_MESSAGE, fault.message
    assert not _INSIDES.search(fault.message), fault.message
    _, _, reason = fault.message.partition(": ")
    assert " " in reason, fault.message
