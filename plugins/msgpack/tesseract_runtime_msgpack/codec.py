"""Documents as MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgpack

from runtime_core.contracts import Buffer
from runtime_core.errors import InvalidResult
from runtime_core.scope import current
from tesseract_runtime_msgpack.placing import placed
from tesseract_runtime_msgpack.reader import Reader


class MsgpackDocumentCodec:
    """Reads and writes MessagePack; buffers are neither copied into it nor out of it."""

    def loads(self, body: memoryview) -> Any:
        """Return the tree of a document; its binary parts are views of the body.

        Raises `ValueError` for bytes that are no MessagePack, or not of the kinds that JSON has
        beside binary ones.
        """
        return Reader(body, current().config.max_json_items).document()

    def dumps(self, tree: Any, buffers: Mapping[str, memoryview]) -> Sequence[Buffer]:
        """Return MessagePack with the buffers between its pieces.

        Raises `InvalidResult` for an integer of more than 64 bits and a buffer of 4 GiB or more,
        which MessagePack cannot express.
        """
        try:
            packed = msgpack.packb(tree)
        except OverflowError as error:
            raise InvalidResult(f"The result cannot be written as msgpack: {error}.") from None
        return placed(packed, buffers)
