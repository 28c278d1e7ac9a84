"""The configuration that the running Tesseract was started with."""

from __future__ import annotations

from runtime_core.calls import scope
from runtime_core.config import RuntimeConfig

__all__ = ["get_config"]


def get_config() -> RuntimeConfig:
    """Return the frozen configuration of the running call, or of the environment outside of one."""
    return scope.current().config
