"""What every document format must do."""

from __future__ import annotations

from runtime_core.testing.refusals import Refusals
from runtime_core.testing.round_trips import RoundTrips


class FormatConformance(RoundTrips, Refusals):
    """Tests that a document format keeps every array and refuses every damaged document.

    A subclass names the format, which must be installed. It may also say that the format does
    not keep the bits of a NaN, that its buffers do not tell where they end, and how many bytes
    reading an array may take beside twice the bytes of the array.

        class TestMsgpack(FormatConformance):
            format = "msgpack"
    """
