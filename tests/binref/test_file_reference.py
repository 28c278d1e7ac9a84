"""References: `PATH[:OFFSET[:COMPRESSED_SIZE]]`."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tesseract_runtime_binref.file_reference import Reference, read_reference

PATHS = st.text(min_size=1).filter(lambda path: not re.search(r":\d+$", path))
NUMBERS = st.integers(0, 10**18 - 1)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("a.bin", Reference(path="a.bin")),
        ("a.bin:0", Reference(path="a.bin", offset=0)),
        ("a.bin:80", Reference(path="a.bin", offset=80)),
        ("a.bin:80:24", Reference(path="a.bin", offset=80, size=24)),
        ("/data/a b.bin:8", Reference(path="/data/a b.bin", offset=8)),
        ("run:7/a.bin:8", Reference(path="run:7/a.bin", offset=8)),
        ("a:b", Reference(path="a:b")),
        ("a.bin:-1", Reference(path="a.bin:-1")),
        ("a.bin:", Reference(path="a.bin:")),
        ("a.bin:1.5", Reference(path="a.bin:1.5")),
        ("a.bin:8:", Reference(path="a.bin:8:")),
        ("s3://bucket/a.bin", Reference(path="s3://bucket/a.bin")),
        ("s3://bucket/a.bin:80", Reference(path="s3://bucket/a.bin", offset=80)),
        ("http://host:80/a.bin:8:2", Reference(path="http://host:80/a.bin", offset=8, size=2)),
    ],
)
def test_text_is_read(text: str, reference: Reference) -> None:
    """Numbers at the end are offset and size; everything before them is the path."""
    assert read_reference(text) == reference


@given(path=PATHS, offset=NUMBERS, size=st.none() | NUMBERS)
def test_what_was_written_is_read(path: str, offset: int, size: int | None) -> None:
    """A reference survives a round trip through its text, for any path."""
    reference = Reference(path=path, offset=offset, size=size)
    assert read_reference(str(reference)) == reference


@pytest.mark.parametrize("buffer", ["", None, 5, b"a.bin:0", ["a.bin", 0], {"path": "a.bin"}])
def test_what_is_no_text_is_refused(buffer: Any) -> None:
    """The error shows the form of a reference."""
    with pytest.raises(ValueError, match=re.escape("PATH[:OFFSET[:COMPRESSED_SIZE]]")):
        read_reference(buffer)
