"""Documents as streams of Apache Arrow (the IPC streaming format).

The metadata of the schema hold the tree as JSON, in which the name of a column stands for each
buffer. A column has one row.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import pyarrow as pa

from runtime_core.contracts import Buffer, EncodedArray, ReadingLimits

_TREE = b"tree"


class ArrowDocumentCodec:
    """Reads without a copy, and writes with one."""

    def loads(self, body: memoryview, limits: ReadingLimits) -> Any:
        """Return the tree of a stream, with views into it for its buffers."""
        try:
            with pa.ipc.open_stream(pa.py_buffer(body)) as stream:
                batch = stream.read_next_batch()
            buffers = {name: memoryview(batch[name][0].as_buffer()) for name in batch.schema.names}
            return _filled(json.loads(batch.schema.metadata[_TREE]), buffers)
        except (OSError, LookupError, TypeError, AttributeError, StopIteration) as error:
            raise ValueError(f"a stream without tree or buffers ({error})") from None

    def dumps(self, tree: Any) -> Sequence[Buffer]:
        """Return the stream of a tree."""
        columns = _Columns()
        text = json.dumps(tree, default=columns.named)
        fields = [(name, pa.large_binary()) for name in columns.buffers]
        schema = pa.schema(fields, metadata={_TREE: text})
        stream = pa.BufferOutputStream()
        with pa.ipc.new_stream(stream, schema) as writer:
            cells = list(map(_cell, columns.buffers.values()))
            writer.write_batch(pa.record_batch(cells, schema=schema))
        return [memoryview(stream.getvalue())]


class _Columns:
    """The buffers of a tree, by the names of their columns."""

    def __init__(self) -> None:
        self.buffers: dict[str, memoryview] = {}

    def named(self, value: Any) -> Any:
        """Return the JSON of an array or a buffer of the tree."""
        if isinstance(value, EncodedArray):
            return value.document(value.buffer)
        name = str(uuid4())
        self.buffers[name] = memoryview(value)
        return name


def _cell(buffer: memoryview) -> pa.Array:
    """Return a column of one row over the memory of a buffer."""
    ends = pa.py_buffer(struct.pack("=2q", 0, buffer.nbytes))
    return pa.Array.from_buffers(pa.large_binary(), 1, [None, ends, pa.py_buffer(buffer)])


def _filled(tree: Any, buffers: Mapping[str, memoryview]) -> Any:
    if isinstance(tree, dict):
        return {key: _filled(value, buffers) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_filled(item, buffers) for item in tree]
    return buffers.get(tree, tree) if isinstance(tree, str) else tree
