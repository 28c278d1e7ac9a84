"""msgpack passes the conformance suite of document formats."""

from __future__ import annotations

from runtime_core.testing import FormatConformance


class TestMsgpack(FormatConformance):
    """The format msgpack."""

    format = "msgpack"
