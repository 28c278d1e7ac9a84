"""Tests of the array encoding."""

from runtime_core.testing import ArrayEncodingConformance


class TestEncoding(ArrayEncodingConformance):
    """The array encoding does what every array encoding must do."""

    encoding = "acme-example"
