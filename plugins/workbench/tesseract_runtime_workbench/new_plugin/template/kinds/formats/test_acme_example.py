"""Tests of the format."""

from runtime_core.testing import FormatConformance


class TestFormat(FormatConformance):
    """The format does what every format must do."""

    format = "acme-example"
