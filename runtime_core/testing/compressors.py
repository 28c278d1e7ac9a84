"""The conformance suite of compressors."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_core.arrays.dtypes import DTYPES
from runtime_core.calls.codecs import Codecs
from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.contracts import ArraySpec, BoundCompressor
from runtime_core.testing.array_suite import UNCHECKED
from runtime_core.testing.echo import Echo
from runtime_core.testing.format_suite import FormatSuite
from runtime_core.testing.memory import SLACK, resident_peak
from runtime_core.testing.mutations import documents_to_damage, edited, survive_edits
from runtime_core.testing.samples import counted

SIZES = (0, 1, 7, 65_535, 65_536, 65_537, 5_000_000)
"""Numbers of bytes around the limits of blocks, and beyond."""


class CompressorConformance(FormatSuite):
    """Tests that a compressor keeps all bytes and never unpacks more than it should.

    A subclass names the compressor, which must be installed, with options if it has them. It can
    also name the format whose arrays are compressed.

        class TestZstd(CompressorConformance):
            compressor = "zstd"
    """

    compressor: ClassVar[str]
    format = "json+base64"

    @pytest.fixture(scope="class")
    @classmethod
    def codec(cls, catalog: Catalog) -> BoundCompressor:
        """Return the codec."""
        return bound_compressor(catalog, cls.compressor)

    @pytest.mark.parametrize("size", SIZES)
    def test_bytes_come_back(self, codec: BoundCompressor, size: int) -> None:
        """Zeros, noise and repetitive bytes come back."""
        noise = np.random.default_rng(0).bytes(size)
        for plain in (bytes(size), noise, (b"tesseract" * size)[:size]):
            assert unpacked(codec, packed(codec, plain), size) == plain

    @given(plain=st.binary())
    @settings(max_examples=100, deadline=None, suppress_health_check=UNCHECKED)
    def test_any_bytes_come_back(self, codec: BoundCompressor, plain: bytes) -> None:
        """All bytes come back."""
        assert unpacked(codec, packed(codec, plain), len(plain)) == plain

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_the_name_in_documents_is_enough_to_read(
        self, catalog: Catalog, codec: BoundCompressor, dtype: str
    ) -> None:
        """Arrays of every data type are unpacked by the name in documents and their spec."""
        plain = counted(dtype, (4096,))
        spec = ArraySpec(shape=plain.shape, dtype=plain.dtype)
        compressed = memoryview(codec.compress(plain.data.cast("B"), spec))
        room = bytearray(b"\xa5") * plain.nbytes
        reader = bound_compressor(catalog, codec.name)
        reader.decompress(compressed, memoryview(room), spec)
        assert (bytes(room), reader.name) == (plain.tobytes(), codec.name)

    def test_repetitive_bytes_become_smaller(self, codec: BoundCompressor) -> None:
        """Compression compresses."""
        assert len(packed(codec, bytes(1_000_000))) < 100_000

    @pytest.mark.parametrize("size", [0, 1, 999, 1001, 10**6])
    def test_another_size_is_refused(self, codec: BoundCompressor, size: int) -> None:
        """Bytes that unpack to more or less than the expected size are refused."""
        refuse(codec, packed(codec, bytes(1000)), size)

    def test_truncated_bytes_are_refused(self, codec: BoundCompressor) -> None:
        """The beginning of compressed bytes is refused, wherever it ends."""
        plain = np.random.default_rng(0).bytes(300) + bytes(300)
        whole = packed(codec, plain)
        for length in range(len(whole)):
            refuse(codec, whole[:length], len(plain))

    def test_trailing_bytes_are_refused(self, codec: BoundCompressor) -> None:
        """Bytes after the compressed ones are an error, also if they are compressed."""
        whole = packed(codec, bytes(1000))
        for tail in (b"\x00", b"tail", bytes(100_000), whole):
            refuse(codec, whole + tail, 1000)

    @pytest.mark.parametrize("length", [1, 4, 8, 100, 100_000])
    def test_noise_is_refused(self, codec: BoundCompressor, length: int) -> None:
        """Bytes that are not compressed are refused."""
        for seed in range(20):
            refuse(codec, np.random.default_rng(seed).bytes(length), 1000)

    def test_damaged_bytes_are_refused(self, codec: BoundCompressor) -> None:
        """Damaged bytes give bytes of the expected size, or a `ValueError`."""
        plain = np.random.default_rng(0).bytes(100) + bytes(900)
        for damaged in edited([packed(codec, plain)], count=300):
            with suppress(ValueError):
                unpacked(codec, damaged, len(plain))

    def test_damaged_documents_have_a_clear_error(self, echo: Echo) -> None:
        """Damaged documents with compressed arrays are read or clearly refused."""
        survive_edits(echo, documents_to_damage(echo, compression=self.compressor), count=300)

    def test_bombs_take_no_memory(self, codec: BoundCompressor) -> None:
        """Bytes that would unpack to far more than the expected size take no memory."""
        bomb = packed(codec, bytes(150 * 10**6))
        assert resident_peak(lambda: refuse(codec, bomb, 1000)) < SLACK

    def test_unpacking_takes_no_second_array(self, codec: BoundCompressor) -> None:
        """Unpacking takes little memory in addition to that of the array."""
        size = 100_000_000
        bytes_of_zeros = packed(codec, bytes(size))
        room = memoryview(bytearray(b"x") * size)
        view, spec = memoryview(bytes_of_zeros), _bytes(size)
        assert resident_peak(lambda: codec.decompress(view, room, spec)) < SLACK
        assert not any(room[:: size // 100])


def bound_compressor(catalog: Catalog, name: str) -> BoundCompressor:
    """Return a compressor by its name with options, with the default settings of its plugin."""
    return Codecs(catalog, resolve(catalog, flags={}, environment={})).compressor(name)


def _bytes(size: int) -> ArraySpec:
    return ArraySpec(shape=(size,), dtype=np.dtype("uint8"))


def packed(codec: BoundCompressor, plain: bytes) -> bytes:
    """Compress bytes."""
    return bytes(codec.compress(memoryview(plain), _bytes(len(plain))))


def unpacked(codec: BoundCompressor, compressed: bytes, size: int) -> bytes:
    """Decompress bytes to a size, into memory that was not zero before."""
    room = bytearray(b"\xa5") * size
    codec.decompress(memoryview(compressed), memoryview(room), _bytes(size))
    return bytes(room)


def refuse(codec: BoundCompressor, compressed: bytes, size: int) -> None:
    """Fail unless compressed bytes are refused with a sentence."""
    with pytest.raises(ValueError, match=" "):
        unpacked(codec, compressed, size)
