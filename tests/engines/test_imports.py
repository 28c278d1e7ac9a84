"""Engines whose plugins are installed are not imported unless they are chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.test_imports import loaded_by_command

PAYLOAD = '{"inputs": {"x": [1.0]}, "jac_inputs": ["x"], "jac_outputs": ["y"]}'


@pytest.mark.parametrize("executor", ["serial", "processes:1"])
def test_other_executors_import_no_engine(tesseract: Callable[..., Path], executor: str) -> None:
    """A gradient with another executor loads none of their packages."""
    options = ("--executor", executor, "--gradient-backend", "finite-differences")
    loaded = loaded_by_command("--api-path", str(tesseract()), *options, "jacobian", PAYLOAD)
    assert "numpy" in loaded
    assert loaded & {"dask", "distributed", "ray"} == set()
