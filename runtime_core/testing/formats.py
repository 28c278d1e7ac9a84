"""The conformance suite of document formats."""

from __future__ import annotations

from runtime_core.testing.refusals import Refusals
from runtime_core.testing.round_trips import RoundTrips


class FormatConformance(RoundTrips, Refusals):
    """Tests that a document format keeps every array and refuses every damaged document.

    A subclass names the format, which must be installed. It can set `keeps_nan_payloads` or
    `buffers_have_ends` to `False`, and `slack`: the number of bytes that reading or writing an
    array may take in addition to twice the bytes of the array.

        class TestMsgpack(FormatConformance):
            format = "msgpack"
    """
