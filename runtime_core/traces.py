"""Tracebacks of user code, shortened to the frames of its author."""

from __future__ import annotations

import traceback
from pathlib import Path

_CORE = str(Path(__file__).parent)


def author_lines(error: BaseException) -> str:
    """Return the frames of a traceback that lie outside of the runtime, most recent last.

    The text is empty when there are none, as for an error of the runtime itself.
    """
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((_CORE, "<frozen importlib"))
    ]
    if isinstance(error, SyntaxError):
        return "".join(traceback.format_exception_only(error)).rstrip()
    return "".join(traceback.format_list(frames)).rstrip()


def author_trace(error: BaseException) -> str:
    """Return the whole traceback as Python prints it, without the frames of the runtime."""
    last = "".join(traceback.format_exception_only(error))
    return f"Traceback (most recent call last):\n{author_lines(error)}\n{last}".rstrip()
