"""Runs in files."""

from __future__ import annotations

from tests.run_logs.conftest import opened

__all__ = ["opened"]  # a fixture
