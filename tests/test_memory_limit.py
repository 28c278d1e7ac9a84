"""The memory limit: what follows from it, and the arrays that count towards it."""

from __future__ import annotations

import pytest

from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig, resolve
from runtime_core.memory_limit import (
    ArrayMemory,
    available_memory,
    default_memory_limit,
    limit_files,
)


def of_flags(catalog: Catalog, **flags: int) -> RuntimeConfig:
    """Return a configuration."""
    return resolve(catalog, flags=flags, environment={})


def test_default_is_a_quarter_of_the_memory(catalog: Catalog) -> None:
    """Every process computes the same limit where none is given."""
    assert of_flags(catalog).memory_limit == default_memory_limit() == available_memory() // 4 > 0


@pytest.mark.parametrize(
    ("flags", "items"),
    [
        ({"memory_limit": 1}, 1),
        ({"memory_limit": 2**20}, 10485),
        ({"memory_limit": 2**40}, 20_000_000),
        ({"memory_limit": 2**20, "max_json_items": 7}, 7),
    ],
)
def test_items_follow_from_the_limit(catalog: Catalog, flags: dict[str, int], items: int) -> None:
    """A document has as many values as fit into the limit, unless their number is given."""
    assert of_flags(catalog, **flags).max_json_items == items


def test_groups_around_a_group_count() -> None:
    """The limits of all control groups around a process apply, in both versions."""
    assert [str(file) for file in limit_files(["/a/b", "/"])] == [
        "/sys/fs/cgroup/a/b/memory.max",
        "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes",
        "/sys/fs/cgroup/a/memory.max",
        "/sys/fs/cgroup/memory/a/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ]


def test_a_value_counts_once_with_its_largest_array() -> None:
    """Members of a union read the same value, and the array of one may be larger."""
    memory, value, other = ArrayMemory(10_000, ValueError), [1], [1]
    for size in (5000, 5000, 4500, 6000):
        memory.take_once(value, size, (size,))
    memory.take_once(other, 4000, (4000,))
    with pytest.raises(ValueError, match=r"An array of shape \(1,\) takes 1 bytes, and 0 are left"):
        memory.take(1, (1,))
