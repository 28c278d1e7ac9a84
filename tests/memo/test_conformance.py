"""The wrapper memo does what all call wrappers must do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from runtime_core.testing import CallWrapperConformance


class TestMemo(CallWrapperConformance):
    """The wrapper memo, which keeps results in memory."""

    wrapper = "memo"
    flags: ClassVar[Mapping[str, Any]] = {"memo": "memory://conformance", "memo_force": True}
