"""What every compressor must do."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_core.arrays.dtypes import DTYPES
from runtime_core.catalog import Catalog
from runtime_core.contracts import CompressionCodec
from runtime_core.testing.echo import Echo
from runtime_core.testing.format_suite import UNCHECKED, FormatSuite
from runtime_core.testing.memory import SLACK, resident_peak
from runtime_core.testing.mutations import EDITS, Edit, documents_to_damage, edited
from runtime_core.testing.samples import EMPTY_SHAPES, SHAPES, counted

SIZES = (0, 1, 7, 65_535, 65_536, 65_537, 5_000_000)
"""Numbers of bytes around the limits of blocks, and beyond."""

BOMB = 150 * 10**6
"""Bytes that a bomb would unpack to."""


class CompressorConformance(FormatSuite):
    """Tests that a compressor keeps all bytes and never unpacks more than it should.

    A subclass names the compressor, which must be installed, and may name the format in which
    arrays are compressed.

        class TestZstd(CompressorConformance):
            compressor = "zstd"
    """

    compressor: ClassVar[str]
    format = "json+base64"

    @pytest.fixture(scope="class")
    @classmethod
    def codec(cls, catalog: Catalog) -> CompressionCodec:
        """Return the codec."""
        return catalog.compressors.find(cls.compressor).load()

    @pytest.mark.parametrize("size", SIZES)
    def test_bytes_come_back(self, codec: CompressionCodec, size: int) -> None:
        """Bytes of all kinds come back: zeros, noise and what repeats itself."""
        noise = np.random.default_rng(0).bytes(size)
        for plain in (bytes(size), noise, (b"tesseract" * size)[:size]):
            assert unpacked(codec, packed(codec, plain), size) == plain

    @given(plain=st.binary())
    @settings(max_examples=100, deadline=None, suppress_health_check=UNCHECKED)
    def test_any_bytes_come_back(self, codec: CompressionCodec, plain: bytes) -> None:
        """Whatever the bytes, they come back."""
        assert unpacked(codec, packed(codec, plain), len(plain)) == plain

    def test_what_repeats_itself_becomes_smaller(self, codec: CompressionCodec) -> None:
        """Compression compresses."""
        assert len(packed(codec, bytes(1_000_000))) < 100_000

    @pytest.mark.parametrize("shape", [*SHAPES, *EMPTY_SHAPES], ids=str)
    def test_arrays_come_back(self, echo: Echo, shape: tuple[int, ...]) -> None:
        """Arrays of every data type and rank come back bit by bit in documents."""
        values = {dtype: counted(dtype, shape) for dtype in DTYPES}
        back = dict(echo.read(echo.write(values, compression=self.compressor)))
        assert [name for name in DTYPES if not self.same(back[name], values[name])] == []

    @pytest.mark.parametrize("size", [0, 1, 999, 1001, 10**6])
    def test_another_size_is_refused(self, codec: CompressionCodec, size: int) -> None:
        """What unpacks to more or less than there is room for is refused."""
        with pytest.raises(ValueError, match=" "):
            unpacked(codec, packed(codec, bytes(1000)), size)

    def test_truncated_bytes_are_refused(self, codec: CompressionCodec) -> None:
        """The beginning of compressed bytes is refused, wherever it ends."""
        plain = np.random.default_rng(0).bytes(300) + bytes(300)
        whole = packed(codec, plain)
        for length in range(len(whole)):
            with pytest.raises(ValueError, match=" "):
                unpacked(codec, whole[:length], len(plain))

    @pytest.mark.parametrize("tail", [b"\x00", b"tail", bytes(100_000)], ids=len)
    def test_trailing_bytes_are_refused(self, codec: CompressionCodec, tail: bytes) -> None:
        """What follows the compressed bytes is an error."""
        with pytest.raises(ValueError, match=" "):
            unpacked(codec, packed(codec, bytes(1000)) + tail, 1000)

    def test_a_second_part_is_refused(self, codec: CompressionCodec) -> None:
        """Compressed bytes twice are not the plain bytes once."""
        with pytest.raises(ValueError, match=" "):
            unpacked(codec, packed(codec, bytes(1000)) * 2, 1000)

    @pytest.mark.parametrize("length", [1, 4, 8, 100, 100_000])
    def test_noise_is_refused(self, codec: CompressionCodec, length: int) -> None:
        """Bytes that are not compressed are refused."""
        for seed in range(20):
            with pytest.raises(ValueError, match=" "):
                unpacked(codec, np.random.default_rng(seed).bytes(length), 1000)

    @given(edits=EDITS)
    @settings(max_examples=300, deadline=None, suppress_health_check=UNCHECKED)
    def test_damaged_bytes_are_refused(self, codec: CompressionCodec, edits: list[Edit]) -> None:
        """Damaged bytes give as many bytes as there should be, or the one error of the contract."""
        plain = np.random.default_rng(0).bytes(100) + bytes(900)
        damaged = edited(packed(codec, plain), edits)
        with suppress(ValueError):
            unpacked(codec, damaged, len(plain))

    @given(edits=EDITS)
    @settings(max_examples=100, deadline=None, suppress_health_check=UNCHECKED)
    def test_damaged_documents_have_a_clear_error(self, echo: Echo, edits: list[Edit]) -> None:
        """Documents with compressed arrays that are damaged are read or clearly refused."""
        for document in documents_to_damage(echo, compression=self.compressor):
            echo.survive(edited(document, edits))

    def test_bombs_take_no_memory(self, codec: CompressionCodec) -> None:
        """Bytes that would unpack to much more than there is room for take no memory."""
        bomb = packed(codec, bytes(BOMB))

        def explode() -> None:
            with pytest.raises(ValueError, match=" "):
                unpacked(codec, bomb, 1000)

        assert resident_peak(explode) < SLACK

    def test_unpacking_takes_no_second_array(self, codec: CompressionCodec) -> None:
        """Unpacking takes little memory beyond that of the array."""
        size = 100_000_000
        bytes_of_zeros = packed(codec, bytes(size))
        room = memoryview(bytearray(b"x") * size)
        assert resident_peak(lambda: codec.decompress(memoryview(bytes_of_zeros), room)) < SLACK
        assert not any(room[:: size // 100])


def packed(codec: CompressionCodec, plain: bytes) -> bytes:
    """Return compressed bytes."""
    return bytes(codec.compress(memoryview(plain)))


def unpacked(codec: CompressionCodec, compressed: bytes, size: int) -> bytes:
    """Return plain bytes of a size, which are in memory that is not empty before."""
    room = bytearray(b"\xa5") * size
    codec.decompress(memoryview(compressed), memoryview(room))
    return bytes(room)
