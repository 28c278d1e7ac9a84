"""Frames of lz4 from any writer."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import lz4.block
import lz4.frame
import numpy as np
import pytest

from runtime_core.catalog import Catalog
from runtime_core.contracts import ArraySpec, BoundCompressor
from runtime_core.testing import made_echo
from runtime_core.testing.compressors import bound_compressor, packed, unpacked
from runtime_core.testing.memory import resident_peak, traced_peak

OPTIONS: tuple[dict[str, Any], ...] = (
    {"compression_level": 16},
    {"compression_level": -5},
    {"content_checksum": True},
    {"block_checksum": True},
    {"block_linked": False},
    {"store_size": False},
    {"block_size": lz4.frame.BLOCKSIZE_MAX64KB},
    {"block_size": lz4.frame.BLOCKSIZE_MAX4MB},
    {"return_bytearray": True},
)
"""Options of frames, of which every reader knows all."""

PLAIN = np.random.default_rng(0).bytes(100_000) + bytes(3_000_000)

MAGIC = bytes.fromhex("04224d18")
SKIPPABLE = bytes.fromhex("502a4d18") + (4).to_bytes(4, "little") + b"skip"


@pytest.fixture(scope="module")
def codec(catalog: Catalog) -> BoundCompressor:
    """Return the codec."""
    return bound_compressor(catalog, "lz4")


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_frames_of_any_options_are_read(codec: BoundCompressor, options: dict[str, Any]) -> None:
    """Level, checksums, block sizes and links of the writer do not matter."""
    assert unpacked(codec, bytes(lz4.frame.compress(PLAIN, **options)), len(PLAIN)) == PLAIN


def test_what_is_written_is_a_frame(codec: BoundCompressor) -> None:
    """Any reader of the frame format can read the frames."""
    frame = packed(codec, PLAIN)
    assert frame.startswith(MAGIC)
    assert lz4.frame.decompress(frame) == PLAIN


def test_blocks_without_a_frame_are_refused(codec: BoundCompressor) -> None:
    """The block format has no checksums and is refused."""
    with pytest.raises(ValueError, match="it is not a valid lz4 frame"):
        unpacked(codec, lz4.block.compress(bytes(1000)), 1000)


@pytest.mark.parametrize("part", [SKIPPABLE, packed], ids=["skippable", "second"])
def test_there_is_one_frame(codec: BoundCompressor, part: Any) -> None:
    """A second or skippable frame is refused."""
    tail = part if isinstance(part, bytes) else part(codec, b"")
    with pytest.raises(ValueError, match="there are bytes after the lz4 frame"):
        unpacked(codec, packed(codec, bytes(1000)) + tail, 1000)


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        (999, "it unpacks to more than the 999 bytes of the array"),
        (0, "it unpacks to more than the 0 bytes of the array"),
        (1001, "it unpacks to 1000 bytes, not to the 1001 of the array"),
    ],
)
def test_another_size_is_reported(codec: BoundCompressor, size: int, reason: str) -> None:
    """The error has the actual and the expected number of bytes."""
    with pytest.raises(ValueError, match=reason):
        unpacked(codec, packed(codec, bytes(1000)), size)


def test_a_wrong_checksum_is_refused(codec: BoundCompressor) -> None:
    """The checksum of the content is verified."""
    frame = bytearray(lz4.frame.compress(bytes(1000), content_checksum=True))
    frame[-1] ^= 1
    with pytest.raises(ValueError, match="hecksum"):
        unpacked(codec, bytes(frame), 1000)


def test_a_size_in_the_header_is_not_believed(codec: BoundCompressor) -> None:
    """A header that promises terabytes allocates nothing."""
    frame = bytearray(lz4.frame.compress(bytes(1000), store_size=True))
    frame[6:14] = (2**42).to_bytes(8, "little")

    def read() -> None:
        with pytest.raises(ValueError, match=" "):
            unpacked(codec, bytes(frame), 1000)

    assert resident_peak(read) < 10_000_000


def test_compressing_takes_little_memory(codec: BoundCompressor) -> None:
    """Compression takes the memory of its result, twice that for random data."""
    plain = np.random.default_rng(0).integers(0, 255, 10_000_000, "uint8")
    spec = ArraySpec(shape=plain.shape, dtype=plain.dtype)
    assert traced_peak(lambda: codec.compress(plain.data, spec)) < 21_000_000


def test_a_document_of_a_bomb_takes_no_memory(catalog: Catalog, tmp_path: Path) -> None:
    """A 4 MB payload that unpacks to a gigabyte is refused within a few megabytes."""
    echo = made_echo(catalog, "json", tmp_path)
    echo.refusal(bomb(lz4.frame.compress(bytes(1000))))
    document = bomb(lz4.frame.compress(bytes(2**30)))
    assert 4_000_000 < len(document) < 7_000_000
    assert resident_peak(lambda: echo.refusal(document)) < 50_000_000


def bomb(frame: bytes) -> bytes:
    """Return a document of an array of one number, with a frame as its bytes."""
    buffer = base64.b64encode(frame).decode()
    data = {"buffer": buffer, "encoding": "base64", "compression": "lz4"}
    leaf = {"shape": [1], "dtype": "float64", "data": data}
    return json.dumps({"inputs": {"float64": leaf}}).encode()


@pytest.mark.parametrize("size", [0, 1, 79_999])
def test_text_is_held_against_the_array(catalog: Catalog, tmp_path: Path, size: int) -> None:
    """More base64 than the array could need is refused before it is decoded."""
    echo = made_echo(catalog, "json", tmp_path)
    document = bomb(bytes(30_000_000)).replace(b'"shape": [1]', b'"shape": [%d]' % size)
    assert traced_peak(lambda: echo.refusal(document)) < len(document) + 2_000_000
