"""Tracebacks of user code, without the frames of the runtime."""

from __future__ import annotations

import traceback
from importlib.util import find_spec
from pathlib import Path

_CORE = str(Path(__file__).parents[1])


def author_lines(error: BaseException) -> str:
    """Format the author's frames of a traceback; empty if there are none."""
    if isinstance(error, SyntaxError):
        return "".join(traceback.format_exception_only(error)).rstrip()
    shown = traceback.TracebackException.from_exception(error)
    return "".join(_authors(shown.stack).format()).rstrip()


def author_trace(error: BaseException) -> str:
    """Format the whole traceback as Python prints it, without the frames of the runtime."""
    shown = traceback.TracebackException.from_exception(error)
    _shorten(shown)
    return "".join(shown.format()).rstrip()


def _shorten(shown: traceback.TracebackException) -> None:
    """Remove other frames, also from the causes of an exception."""
    shown.stack = _authors(shown.stack)
    for earlier in (shown.__cause__, shown.__context__):
        if earlier is not None:
            _shorten(earlier)


def _authors(stack: traceback.StackSummary) -> traceback.StackSummary:
    pydantic = find_spec("pydantic")
    folders = pydantic and pydantic.submodule_search_locations
    ours = ("<frozen importlib", _CORE, *(folders or ()))
    return traceback.StackSummary.from_list(
        [frame for frame in stack if not frame.filename.startswith(ours)]
    )
