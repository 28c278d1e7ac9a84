"""msgpack does what every document format must do."""

from __future__ import annotations

from runtime_core.testing import FormatConformance


class TestMsgpack(FormatConformance):
    """The format msgpack."""

    format = "msgpack"
