"""Tests of the compressor."""

from runtime_core.testing import CompressorConformance


class TestCompressor(CompressorConformance):
    """The compressor does what every compressor must do."""

    compressor = "acme-example"
