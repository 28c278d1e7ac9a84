"""Processes that tests have started and not waited for."""

from __future__ import annotations

import subprocess

import pytest


@pytest.mark.filterwarnings("ignore:subprocess")
def test_a_forgotten_process_names_its_test() -> None:
    """The warning comes when the object is garbage, in any later test."""
    process = subprocess.Popen(["true"])
    with pytest.warns(ResourceWarning, match=r"test_a_forgotten_process.* awaited: \['true'\]"):
        del process
