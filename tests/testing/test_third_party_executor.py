"""The executor of the hook's documentation does what every executor must do."""

from __future__ import annotations

import inspect
import re
import textwrap

from runtime_core.hookspecs import executors
from tests.testing.conftest import Suite

TESTS = """
from runtime_core.testing import ExecutorConformance

class TestPool(ExecutorConformance):
    target = "pool:2"
"""


def test_a_pool_of_the_standard_library_passes(suite: Suite) -> None:
    """An executor that is only a `concurrent.futures.Executor` passes every test."""
    text = textwrap.dedent(inspect.getdoc(executors) or "")
    [plugin] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    outcomes = suite(TESTS, plugin=textwrap.dedent(plugin))
    assert [name for name, outcome in outcomes.items() if outcome != "PASSED"] == []
    assert len(outcomes) > 10
