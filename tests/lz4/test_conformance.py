"""lz4 passes the conformance suite of compressors."""

from __future__ import annotations

from runtime_core.testing import CompressorConformance


class TestLz4(CompressorConformance):
    """The compressor lz4."""

    compressor = "lz4"
