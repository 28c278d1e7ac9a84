"""The fixtures of servers."""

from tests.server.conftest import shared

__all__ = ["shared"]
