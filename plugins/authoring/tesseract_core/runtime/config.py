"""The configuration of the running Tesseract."""

from __future__ import annotations

from runtime_core.calls import current_scope
from runtime_core.config import RuntimeConfig

__all__ = ["get_config"]


def get_config() -> RuntimeConfig:
    """Return the frozen configuration of the running call, or that of the environment."""
    return current_scope().config
