"""Tracebacks of user code, without the frames of the runtime."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from runtime_core.errors import RemoteError

_CORE = str(Path(__file__).parents[1])

_PYTHON = str(Path(traceback.__file__).parent)

_PACKAGES = frozenset({"site-packages", "dist-packages"})

_HOSTILE = (Exception, SystemExit)  # what attributes and methods of the author's class may raise


def author_lines(error: BaseException) -> str:
    """Format the author's frames of a traceback; empty if there are none."""
    with suppress(*_HOSTILE):
        if isinstance(error, SyntaxError):
            return "".join(traceback.format_exception_only(error)).rstrip()
    frames = traceback.extract_tb(vars(BaseException)["__traceback__"].__get__(error))
    return "".join(_authors(frames).format()).rstrip()


def author_place(error: BaseException, *, within: Path | None = None) -> str:
    """Return the path, line and function of the author's deepest frame; empty if there is none.

    With a folder only files in it count, and paths are relative to it.
    """
    for file, line, name in reversed([*author_frames(error)]):
        path = Path(file)
        if within and not path.is_relative_to(within):
            continue
        return f"{path.relative_to(within) if within else path}:{line} in {name}"
    return ""


def author_frames(error: BaseException) -> Iterator[Frame]:
    """Yield the author's frames of a traceback; of an error in another process the deepest."""
    remote = _remote(error)
    if remote is not None:
        yield from filter(None, [remote.place])
        return
    for frame, line in traceback.walk_tb(vars(BaseException)["__traceback__"].__get__(error)):
        if not _is_installed(Path(frame.f_code.co_filename)):
            yield frame.f_code.co_filename, line, frame.f_code.co_name


def _remote(error: BaseException) -> RemoteError | None:
    """Return an error of another process; the class of any other may be hostile to `isinstance`."""
    return cast("RemoteError", error) if issubclass(type(error), RemoteError) else None


Frame = tuple[str, int, str]
"""A file, a line and the name of a function."""


def _is_installed(path: Path) -> bool:
    """Check whether a file is of the runtime, of Python or of a package, and not the author's."""
    inner = str(path).startswith((_CORE, _PYTHON))
    return inner or not path.is_absolute() or not _PACKAGES.isdisjoint(path.parts)


def author_trace(error: BaseException) -> str:
    """Format the whole traceback as Python prints it, without the frames of the runtime.

    An exception that Python cannot print has only its frames.
    """
    remote = _remote(error)
    if remote is not None:
        return remote.trace
    with suppress(*_HOSTILE):
        shown = traceback.TracebackException.from_exception(error)
        _shorten(shown)
        return "".join(shown.format()).rstrip()
    return author_lines(error)


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
