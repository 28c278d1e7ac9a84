"""Gradients that would exceed the memory limit, refused once their sizes are known."""

from __future__ import annotations

from runtime_core.calls.scope import entered
from runtime_core.errors import MemoryExceeded


def require_memory(size: int, noun: str) -> None:
    """Raise `MemoryExceeded` for something of more bytes than the limit of the running call.

    Plain user code, which runs without a call, has no limit.
    """
    here = entered()
    if here is not None and size > here.config.memory_limit:
        raise MemoryExceeded(
            f"{noun} takes {size} bytes, more than the {here.config.memory_limit} bytes that "
            "--memory-limit allows. Ask for fewer inputs and outputs at a time, or raise the limit."
        )
