"""The suites serve plugins of third parties as they serve our own."""

from __future__ import annotations

import re
from pathlib import Path

from tests.testing.conftest import Suite

PLUGINS = Path(__file__).parents[2] / "docs" / "plugins.md"

ACME = """
from runtime_core.testing import ArrayEncodingConformance

class TestAcme(ArrayEncodingConformance):
    encoding = "acme"
"""

ZSTD = """
from runtime_core.testing import CompressorConformance

class TestZstd(CompressorConformance):
    compressor = "zstd"
"""

ARROW = """
from runtime_core.testing import FormatConformance

class TestArrow(FormatConformance):
    format = "arrow"
"""


def test_encoding_of_a_third_party_passes(suite: Suite) -> None:
    """An array encoding that was written by its contract passes every test."""
    outcomes = suite(ACME, scratch=["acme"])
    assert [name for name, outcome in outcomes.items() if outcome != "PASSED"] == []
    assert len(outcomes) > 30


def test_compressor_of_a_third_party_passes(suite: Suite) -> None:
    """A compressor that was written by its contract passes every test."""
    outcomes = suite(ZSTD, scratch=["zstd"])
    assert [name for name, outcome in outcomes.items() if outcome != "PASSED"] == []
    assert len(outcomes) > 30


def test_format_of_a_third_party_keeps_its_arrays(suite: Suite) -> None:
    """A format that was written by its contract keeps every array."""
    outcomes = suite(ARROW, chosen="come or comes or layout or belong", scratch=["arrow"])
    assert [name for name, outcome in outcomes.items() if outcome != "PASSED"] == []
    assert len(outcomes) > 30


def test_format_of_the_documentation_keeps_its_arrays(suite: Suite) -> None:
    """A format that reads and writes arrays with their shapes and data types keeps them, too."""
    [npz] = [block for block in _blocks(PLUGINS) if "class NpzCodec" in block]
    tests = ARROW.replace("arrow", "npz")
    outcomes = suite(tests, chosen="come or comes or layout or belong", plugin=npz)
    assert [name for name, outcome in outcomes.items() if outcome != "PASSED"] == []
    assert len(outcomes) > 30


def _blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
