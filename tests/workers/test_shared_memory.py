"""Shared memory, and bodies collected in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_core.workers import BodyBuffer
from runtime_core.workers.shared_memory import SMALLEST, SharedBuffer, SharedBufferPool

SIZES = [0, 1, SMALLEST - 1, SMALLEST, SMALLEST + 1, 10 * SMALLEST + 7]


@pytest.fixture
def shared_buffers() -> Iterator[SharedBufferPool]:
    """Yield a pool of shared buffers, none of which may be leased at the end."""
    pool = SharedBufferPool()
    yield pool
    assert pool._leased == []
    pool.close()


def body_of(size: int) -> bytes:
    """Return bytes without repetition."""
    return b"".join(n.to_bytes(4, "big") for n in range(size // 4 + 1))[:size]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("piece", [1000, SMALLEST, 1 << 20])
@pytest.mark.parametrize("announced", [True, False])
def test_body_is_what_has_arrived(
    shared_buffers: SharedBufferPool, size: int, piece: int, announced: bool
) -> None:
    """Pieces are joined in order, with or without an announced size."""
    body = body_of(size)
    arriving = BodyBuffer(shared_buffers, expected=size if announced else None)
    for start in range(0, size, piece):
        arriving.add(body[start : start + piece])
    assert (bytes(arriving.finished()), arriving.size) == (body, size)
    assert (shared_buffers.holding(arriving.finished()) is not None) == (size >= SMALLEST)
    arriving.discard()


@given(sizes=st.lists(st.integers(0, SMALLEST), max_size=8), announced=st.integers(0, SMALLEST * 4))
def test_wrong_announcement_spoils_no_body(sizes: list[int], announced: int) -> None:
    """A body of another size than announced is complete."""
    shared_buffers = SharedBufferPool()
    whole = body_of(sum(sizes))
    arriving = BodyBuffer(shared_buffers, expected=announced)
    start = 0
    for size in sizes:
        arriving.add(whole[start : start + size])
        start += size
    assert bytes(arriving.finished()) == whole
    arriving.discard()
    assert shared_buffers._leased == []
    shared_buffers.close()


def test_memory_of_a_body_is_used_again(shared_buffers: SharedBufferPool) -> None:
    """A smaller body after a larger one does not contain its rest."""
    for size in (5 * SMALLEST, 2 * SMALLEST, 5 * SMALLEST + 1):
        arriving = BodyBuffer(shared_buffers, expected=size)
        arriving.add(body_of(size))
        assert bytes(arriving.finished()) == body_of(size)
        arriving.discard()
    assert len(shared_buffers._idle) == 1


def test_body_is_discarded_once(shared_buffers: SharedBufferPool) -> None:
    """A body may be discarded twice, or before its first byte."""
    arriving = BodyBuffer(shared_buffers, expected=None)
    arriving.discard()
    arriving.add(body_of(2 * SMALLEST))
    arriving.discard()
    arriving.discard()


def test_segment_is_seen_by_whoever_has_its_descriptor() -> None:
    """One side reads the other's bytes, also after the buffer has grown."""
    ours = SharedBuffer.create()
    theirs = SharedBuffer(os.dup(ours.descriptor))
    ours.view(10)[:] = b"0123456789"
    assert bytes(theirs.view(10)) == b"0123456789"
    theirs.fill([memoryview(b"abc"), memoryview(b"x" * 100_000)])
    assert bytes(ours.view(100_003)[:5]) == b"abcxx"
    ours.close()
    theirs.close()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems map page by page")
def test_memory_is_taken_when_it_is_used() -> None:
    """An announced body takes no memory; a received one is mapped at once."""
    shared_buffer = SharedBuffer.create()
    shared_buffer.view(100 * SMALLEST, at_once=False)
    announced = os.fstat(shared_buffer.descriptor).st_blocks
    shared_buffer.empty()
    shared_buffer.view(100 * SMALLEST)
    there = os.fstat(shared_buffer.descriptor).st_blocks
    shared_buffer.close()
    assert (announced, there * 512) == (0, 100 * SMALLEST)


def test_view_outlives_its_segment() -> None:
    """Memory with a view is not freed."""
    shared_buffer = SharedBuffer.create()
    view = shared_buffer.view(SMALLEST)
    view[:] = body_of(SMALLEST)
    shared_buffer.view(10 * SMALLEST)
    shared_buffer.close()
    assert bytes(view) == body_of(SMALLEST)


def test_view_is_found_in_its_segment(shared_buffers: SharedBufferPool) -> None:
    """A view is found in its shared buffer; bytes and other views are in none."""
    one, other = shared_buffers.lease(), shared_buffers.lease()
    view = one.view(SMALLEST)[10:20]
    assert shared_buffers.holding(view) is one
    for foreign in (b"", b"abc", bytearray(3), memoryview(b"abc"), memoryview(bytearray(3))):
        assert shared_buffers.holding(foreign) is None
    for shared_buffer in (one, other):
        shared_buffers.release(shared_buffer)


def test_few_idle_segments_are_kept(shared_buffers: SharedBufferPool) -> None:
    """Memory of many simultaneous calls is released after them."""
    before = open_descriptors()
    leased = [shared_buffers.lease() for _ in range(50)]
    for shared_buffer in leased:
        shared_buffer.view(SMALLEST)
        shared_buffers.release(shared_buffer)
    del leased, shared_buffer
    assert open_descriptors() - before <= 2 * 4
    shared_buffers.shrink()
    assert open_descriptors() <= before  # what earlier tests have left is closed at any time


def open_descriptors() -> int:
    """Return the number of open descriptors of this process."""
    return len(os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"))  # noqa: PTH112, PTH208


def test_segment_has_no_name(shared_buffers: SharedBufferPool, tmp_path: object) -> None:
    """A shared buffer is in no folder, so that none can be left behind."""
    shared_buffer = shared_buffers.lease()
    shared_buffer.view(SMALLEST)
    assert os.fstat(shared_buffer.descriptor).st_nlink == 0
    shared_buffers.release(shared_buffer)


def test_file_stands_in_where_memory_has_none(
    shared_buffers: SharedBufferPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `memfd_create` an unlinked file does the same."""
    monkeypatch.delattr(os, "memfd_create", raising=False)
    shared_buffer = shared_buffers.lease()
    shared_buffer.fill([memoryview(body_of(2 * SMALLEST))])
    assert bytes(shared_buffer.view(2 * SMALLEST)) == body_of(2 * SMALLEST)
    assert os.fstat(shared_buffer.descriptor).st_nlink == 0
    shared_buffers.release(shared_buffer)
