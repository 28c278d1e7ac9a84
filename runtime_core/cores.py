"""The processor cores that this process may use."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""The quota and the period of a control group, version 2, in microseconds."""


def usable_cores(quota: Path = _QUOTA) -> int:
    """Return the number of cores by affinity and by the quota of the control group."""
    has_affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # no control group limits it
        allowed, period = map(int, quota.read_text(encoding="ascii").split())
        cores = min(cores, math.ceil(allowed / period))
    return max(cores, 1)
