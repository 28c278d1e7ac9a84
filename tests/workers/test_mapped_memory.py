"""Shared memory that a worker keeps mapped."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from runtime_core.workers import mapped_memory
from runtime_core.workers.mapped_memory import MappedMemory


@pytest.fixture
def idle() -> Iterator[socket.socket]:
    """Return a connection on which nothing arrives."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours


def memory() -> int:
    """Return the descriptor of memory, for others to close."""
    descriptor = os.memfd_create("segment")
    os.ftruncate(descriptor, 8192)
    return descriptor


def is_open(descriptor: int) -> bool:
    """Check a descriptor."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def test_memory_is_mapped_once() -> None:
    """Another descriptor of the same memory is closed, and gives the same mapping."""
    mappings, first = MappedMemory(), memory()
    again = os.dup(first)
    view = mappings.mapped(first).whole()
    view[:3] = b"abc"
    assert mappings.mapped(again).whole().obj is view.obj
    assert not is_open(again)
    assert os.pread(first, 3, 0) == b"abc"


def test_number_of_mappings_is_bounded() -> None:
    """The one whose last call is the longest ago is released."""
    mappings, descriptors = MappedMemory(), [memory() for _ in range(10)]
    for descriptor in (*descriptors[:8], os.dup(descriptors[0]), *descriptors[8:]):
        mappings.mapped(descriptor)
    assert [is_open(descriptor) for descriptor in descriptors] == [True, False, False, *[True] * 7]


def test_memory_is_released_after_a_while(
    idle: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An idle worker lets go of memory whose client may have ended."""
    monkeypatch.setattr(mapped_memory, "_SECONDS", 0.01)
    mappings, descriptor = MappedMemory(), memory()
    mappings.mapped(descriptor)
    mappings.release_old(idle)
    assert not is_open(descriptor)


def test_call_that_comes_in_time_finds_its_memory() -> None:
    """Nothing is released while calls arrive."""
    mappings, descriptor = MappedMemory(), memory()
    mappings.mapped(descriptor)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"x")
        mappings.release_old(ours)
    assert is_open(descriptor)
