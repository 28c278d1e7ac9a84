"""Reading arrays from files: offsets, refusals and memory."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lz4.frame
import numpy as np
import pytest
from pydantic import ValidationError

from tests.binref.conftest import NUMBERS, document, read

if TYPE_CHECKING:
    from tests.binref.conftest import FileServer

HUGE = 2**33
"""More bytes than a test may take."""


def refusal(folder: Path, array: dict[str, Any]) -> str:
    """Return the reason for a refused array, with the error type before it."""
    with pytest.raises(ValidationError) as raised:
        read(folder, array)
    [error] = raised.value.errors()
    assert error["loc"] == ("x",)
    return f"{error['type']}: {error['msg']}"


def peak_of(function: Callable[[], Any]) -> int:
    """Return the peak memory of a call in bytes."""
    tracemalloc.start()
    try:
        function()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak


@pytest.mark.parametrize(
    ("reference", "first", "size"),
    [
        ("data.bin", 0, 10),
        ("data.bin:0", 0, 10),
        ("data.bin:0:80", 0, 10),
        ("data.bin:24", 3, 2),
        ("data.bin:24:16", 3, 2),
        ("data.bin:72", 9, 1),
        ("data.bin:80", 10, 0),
        ("data.bin:8", 1, 0),
        ("./data.bin:8", 1, 9),
    ],
)
def test_part_of_a_file_is_read(folder: Path, reference: str, first: int, size: int) -> None:
    """An array begins at its offset, 0 by default, and ends by its shape."""
    array = read(folder, document(reference, shape=(size,)))
    np.testing.assert_array_equal(array, NUMBERS[first : first + size], strict=True)


def test_shape_and_data_type_are_those_of_the_document(folder: Path) -> None:
    """Bytes are read by shape and data type, then cast to the field's type."""
    array = read(folder, document("data.bin:8", shape=(2, 2), dtype="float64"))
    np.testing.assert_array_equal(array, [[1.0, 2.0], [3.0, 4.0]])
    (folder / "small.bin").write_bytes(np.array([1, -2, 3], "<i2").tobytes())
    array = read(folder, document("small.bin:2", shape=(2,), dtype="int16"))
    np.testing.assert_array_equal(array, np.array([-2.0, 3.0]), strict=True)


def test_absolute_path_is_read(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An absolute path does not start from the folder."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    np.testing.assert_array_equal(read(elsewhere, document(f"{folder}/data.bin")), NUMBERS)


def test_file_url_is_read(folder: Path) -> None:
    """A local user can name a URL."""
    array = read(folder, document(f"file://{folder}/data.bin:8", shape=(9,)))
    np.testing.assert_array_equal(array, NUMBERS[1:])


def test_web_server_is_read(folder: Path, file_server: FileServer) -> None:
    """An array can be a part of a remote file, compressed or not."""
    packed = lz4.frame.compress(NUMBERS.tobytes())
    file_server.files["/data.bin"] = b"12345678" + NUMBERS.tobytes() + packed
    plain = document(f"{file_server.url}/data.bin:16", shape=(9,))
    compressed = document(f"{file_server.url}/data.bin:88:{len(packed)}", compression="lz4")
    np.testing.assert_array_equal(read(folder, plain), NUMBERS[1:])
    np.testing.assert_array_equal(read(folder, compressed), NUMBERS)


@pytest.mark.parametrize("offset", [0, 1, 3])
def test_array_is_our_own(folder: Path, offset: int) -> None:
    """An array is writable, aligned and in native byte order, at any offset."""
    (folder / "odd.bin").write_bytes(b"x" * offset + NUMBERS.tobytes())
    array = read(folder, document(f"odd.bin:{offset}"))
    assert array.flags.writeable
    assert array.flags.aligned
    assert array.dtype.isnative
    array += 1.0
    np.testing.assert_array_equal(read(folder, document(f"odd.bin:{offset}")), NUMBERS)


def test_array_is_read_into_its_own_memory(folder: Path) -> None:
    """Reading takes the memory of the array once, not that of the file."""
    np.arange(3e6).tofile(folder / "large.bin")
    array = document("large.bin:8000000", shape=(10**6,))
    read(folder, array)
    assert peak_of(lambda: read(folder, array)) < 1.1 * 8e6


def test_compressed_array_takes_the_memory_of_both(folder: Path) -> None:
    """Unpacking takes the memory of the packed bytes and the array only."""
    packed = lz4.frame.compress(np.random.default_rng(0).normal(size=10**6).tobytes())
    (folder / "packed.bin").write_bytes(packed)
    array = document(f"packed.bin:0:{len(packed)}", shape=(10**6,), compression="lz4")
    read(folder, array)
    assert peak_of(lambda: read(folder, array)) < len(packed) + 8e6 + 5e6


@pytest.mark.parametrize(
    ("reference", "size", "expected"),
    [
        ("data.bin", 11, "the file has 80 bytes, but the array takes 88 bytes from byte 0 on"),
        ("data.bin:1", 10, "the file has 80 bytes, but the array takes 80 bytes from byte 1 on"),
        ("data.bin:88", 0, "the file has 80 bytes, but the array takes 0 bytes from byte 88 on"),
        ("data.bin:0:72", 10, "72 bytes, but shape (10,) of float64 needs 80"),
        ("data.bin", 2**60, "the file has 80 bytes, but the array takes 9223372036854775808"),
        ("data.bin:999999999999999999", 1, "from byte 999999999999999999 on"),
    ],
)
def test_part_that_is_not_there_is_reported(
    folder: Path, reference: str, size: int, expected: str
) -> None:
    """A file that is too short is reported with both sizes, before memory is allocated."""
    array = document(reference, shape=(size,))
    message = refusal(folder, array)
    assert message.startswith("array_decode_error: Failed to decode array buffer (binref encoding)")
    assert expected in message
    assert peak_of(lambda: refusal(folder, array)) < 10**6


def test_remote_file_that_is_too_short_is_reported(folder: Path, file_server: FileServer) -> None:
    """The size of a remote file is checked too."""
    file_server.files["/short.bin"] = b"x" * 16
    message = refusal(folder, document(f"{file_server.url}/short.bin:8", shape=(10**9,)))
    assert "the file has 16 bytes, but the array takes 8000000000 bytes from byte 8 on" in message


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("none.bin", "Cannot read 'none.bin': No such file or directory."),
        ("data.bin/x.bin:8", "Cannot read 'data.bin/x.bin': Not a directory."),
        ("data.bin:-8", "Cannot read 'data.bin:-8': No such file or directory."),
        ("deep", "Cannot read 'deep': it is not a regular file."),
        (".", "Cannot read '.': it is not a regular file."),
        ("pipe:8", "Cannot read 'pipe': it is not a regular file."),
        ("/dev/zero", "Cannot read '/dev/zero': it is not a regular file."),
        ("zero.bin", "Cannot read 'zero.bin': it is not a regular file."),
        ("data.bin\0", "'data.bin\\x00' is not opened: a path has no NUL characters."),
        ("/etc://x", "Cannot open '/etc://x': ValueError: Protocol not known: /etc"),
        ("memory://none.bin", "Cannot open 'memory://none.bin': FileNotFoundError"),
    ],
)
def test_file_that_cannot_be_read_is_named(folder: Path, reference: str, expected: str) -> None:
    """Only regular files are read, and nothing blocks."""
    (folder / "deep").mkdir()
    (folder / "zero.bin").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    assert expected in refusal(folder, document(reference))


def test_web_server_that_fails_is_reported(folder: Path, file_server: FileServer) -> None:
    """A remote file that cannot be read is a fault of its array."""
    file_server.files["/broken.bin"] = NUMBERS.tobytes()
    file_server.broken.add("/broken.bin")
    url = f"{file_server.url}/broken.bin"
    message = refusal(folder, document(url))
    assert message.startswith("array_decode_error: ")
    assert url in message


@pytest.mark.parametrize("buffer", [None, 5, "", ["data.bin"], [1.0, 2.0], {"path": "data.bin"}])
def test_buffer_must_be_a_reference(folder: Path, buffer: Any) -> None:
    """Anything but a string is refused, with the expected form."""
    expected = "the buffer must be a string PATH[:OFFSET[:COMPRESSED_SIZE]]"
    assert expected in refusal(folder, document(buffer))


def test_unknown_key_is_refused(folder: Path) -> None:
    """`data` with an undocumented key is refused."""
    message = refusal(folder, document("data.bin", offset=8))
    assert "data has unknown keys offset; known are buffer, compression, encoding" in message


@pytest.mark.parametrize(
    ("packed", "expected"),
    [
        (lz4.frame.compress(NUMBERS.tobytes() + b"x"), "it unpacks to more than the 80 bytes"),
        (lz4.frame.compress(bytes(10**7)), "it unpacks to more than the 80 bytes of the array"),
        (lz4.frame.compress(NUMBERS[1:].tobytes()), "it unpacks to 72 bytes, not to the 80"),
        (lz4.frame.compress(NUMBERS.tobytes())[:-8], "the lz4 frame is not complete"),
        (lz4.frame.compress(NUMBERS.tobytes()) + b"x", "there are bytes after the lz4 frame"),
        (NUMBERS.tobytes(), "it is not a valid lz4 frame"),
        (b"", "the lz4 frame is not complete"),
    ],
)
def test_damaged_bytes_are_reported(folder: Path, packed: bytes, expected: str) -> None:
    """Bytes that do not unpack to exactly the array are refused, in little memory."""
    (folder / "packed.bin").write_bytes(packed)
    array = document(f"packed.bin:0:{len(packed)}", compression="lz4")
    assert expected in refusal(folder, array)
    assert peak_of(lambda: refusal(folder, array)) < 3 * 10**6


def test_compressed_array_without_a_size_is_refused(folder: Path) -> None:
    """With a compression the third part is required."""
    for reference in ("data.bin", "data.bin:0"):
        message = refusal(folder, document(reference, compression="lz4"))
        assert (
            "with a compression it must end with the size: PATH:OFFSET:COMPRESSED_SIZE" in message
        )


def test_unknown_compression_is_refused(folder: Path) -> None:
    """An unknown compressor is named."""
    message = refusal(folder, document("data.bin:0:80", compression="zstd"))
    assert "Unknown compression 'zstd'" in message


@pytest.fixture
def sparse(folder: Path) -> str:
    """Return the name of a huge sparse file."""
    with (folder / "sparse.bin").open("wb") as file:
        file.truncate(HUGE)
    return "sparse.bin"


def test_huge_compressed_size_is_refused(folder: Path, sparse: str) -> None:
    """Only as many compressed bytes are read as the array could have."""
    array = document(f"{sparse}:0:{HUGE}", compression="lz4")
    expected = f"{HUGE} compressed bytes are too many for 80 of the array"
    assert expected in refusal(folder, array)
    assert peak_of(lambda: refusal(folder, array)) < 10**6


def test_part_of_a_huge_file_is_read(folder: Path, sparse: str) -> None:
    """The size of the file does not matter, only that of the array."""
    array = document(f"{sparse}:{HUGE - 80}")
    np.testing.assert_array_equal(read(folder, array), np.zeros(10))
    assert peak_of(lambda: read(folder, array)) < 10**6
