"""The cores that this process may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runtime_core.cores import usable_cores

HERE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000", HERE), ("50000 100000", 1), ("100000 100000", 1), ("junk", HERE), ("", HERE)],
)
def test_a_quota_limits_the_cores(tmp_path: Path, quota: str, cores: int) -> None:
    """A part of a core counts as one."""
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    assert usable_cores(file) == cores


def test_without_a_control_group_all_cores_count(tmp_path: Path) -> None:
    """A missing file limits nothing."""
    assert usable_cores(tmp_path / "none") == HERE
