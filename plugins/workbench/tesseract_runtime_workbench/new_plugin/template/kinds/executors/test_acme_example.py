"""Tests of the executor."""

from runtime_core.testing import ExecutorConformance


class TestExecutor(ExecutorConformance):
    """The executor does what every executor must do."""

    target = "acme-example:2"
